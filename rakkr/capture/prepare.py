"""All that is needed before a capture program can be called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import attrs

from rakkr.capture.file import OwnFile, Storage, first_free, stem_and_suffix, wanted
from rakkr.capture.programs import CannotLaunch, Launch, launch
from rakkr.capture.programs_file import ProgramsFile
from rakkr.capture.request import CaptureRequest
from rakkr.capture.stderr import Messages
from rakkr.capture.template import BadTemplate
from rakkr.capture.verdict import missing


class CannotStart(Exception):
    """A capture that cannot be started; the message is one line for people."""


@attrs.frozen
class Prepared:
    """
    A call, and the files that it will write.

    :ivar stdout: the descriptor for the program's stdout.
    """

    launch: Launch
    storage: Storage
    messages: Messages
    stdout: int


def prepare(request: CaptureRequest, env: Mapping[str, str]) -> Prepared:
    """
    Find the program and open the files.

    :raises CannotStart: and leaves nothing behind.
    """
    try:
        call = launch(request, request.path)
    except (CannotLaunch, BadTemplate) as error:
        raise CannotStart(str(error)) from None
    command = call.argv[0]
    if shutil.which(command, path=env.get("PATH", os.defpath)) is None:
        raise CannotStart(missing(command))
    try:
        return _open(call, request)
    except OSError as error:
        why = f"{error.filename or request.path} cannot be written: {error.strerror}"
        raise CannotStart(f"run capture command {command}: {why}") from error


def _open(call: Launch, request: CaptureRequest) -> Prepared:
    path = wanted(request.path, call.format) if call.owner == "agent" else request.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path, messages = first_free(path, _reserved)
    if call.owner == "program":
        storage = ProgramsFile(path, request)
        return Prepared(launch(request, path), storage, messages, messages.descriptor)
    try:
        file = OwnFile.create(path, call.format, request.rate, request.channels)
    except OSError:
        messages.close()
        messages.remove()
        raise
    return Prepared(call, file, messages, file.descriptor)


def _reserved(path: Path) -> tuple[Path, Messages]:
    """Take a name by the file for messages: a program makes its own file only later."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    stem, _suffix = stem_and_suffix(path)
    return path, Messages(path.with_name(f"{stem}.stderr.log"))
