"""All that is needed before a capture program can be called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import attrs

from rakkr.capture.file import OwnFile, ProgramsFile, Storage, fresh, stem_and_suffix
from rakkr.capture.programs import CannotLaunch, Launch, launch
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
    path = fresh(request.path)
    try:
        call = launch(request, path)
    except (CannotLaunch, BadTemplate) as error:
        raise CannotStart(str(error)) from None
    command = call.argv[0]
    if shutil.which(command, path=env.get("PATH", os.defpath)) is None:
        raise CannotStart(missing(command))
    try:
        return _open(call, request, path)
    except OSError as error:
        why = f"{error.filename or path} cannot be written: {error.strerror}"
        raise CannotStart(f"run capture command {command}: {why}") from error


def _open(call: Launch, request: CaptureRequest, path: Path) -> Prepared:
    if call.owner == "program":
        path.parent.mkdir(parents=True, exist_ok=True)
        messages = _messages(path)
        return Prepared(call, ProgramsFile(path, request), messages, messages.descriptor)
    file = OwnFile.create(path, call.format, request.rate, request.channels)
    try:
        return Prepared(call, file, _messages(file.path), file.descriptor)
    except OSError:
        file.seal()  # without a frame: it is removed
        raise


def _messages(path: Path) -> Messages:
    stem, _suffix = stem_and_suffix(path)
    return Messages(path.with_name(f"{stem}.stderr.log"))
