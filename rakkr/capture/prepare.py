"""All that is needed before a capture program can be called, or taken over."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import attrs

from rakkr.audio.pcm import sample_format
from rakkr.capture.file import OwnFile, Storage, first_free, stem_and_suffix, wanted
from rakkr.capture.programs import launch
from rakkr.capture.programs_file import ProgramsFile
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch
from rakkr.capture.stderr import Messages
from rakkr.capture.template import BadTemplate
from rakkr.capture.trace import Trace
from rakkr.capture.verdict import missing


class CannotStart(Exception):
    """A capture that cannot be started; the message is one line for people."""


@attrs.frozen
class Prepared:
    """
    A call, and the files that it will write.

    :ivar stdout: the descriptor for the program's stdout.
    :ivar leash: the file for the moment at which the shim ends the program.
    :ivar exit: the file into which the shim writes how it ended.
    """

    launch: Launch
    storage: Storage
    messages: Messages
    stdout: int
    leash: Path
    exit: Path


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


def trace_of(prepared: Prepared, request: CaptureRequest, *, now: float, boot: str) -> Trace:
    """
    Say how another agent finds a capture again whose program is about to be called.

    :param now: on the monotonic clock of the boot that is named ``boot``.
    """
    return Trace(
        path=prepared.storage.path,
        messages=prepared.messages.path,
        leash=prepared.leash,
        exit=prepared.exit,
        owner=prepared.launch.owner,
        format=prepared.launch.format.name,
        rate=request.rate,
        channels=request.channels,
        argv=prepared.launch.argv,
        device=request.device,
        ends_itself=prepared.launch.ends_itself,
        planned=request.planned_frames,
        wanted=request.planned_frames,
        boot_id=boot,
        identity=None,
        spawned_at=now,
        tie=prepared.launch.tie,
        drain_seconds=prepared.launch.drain_seconds,
    )


def reopen(trace: Trace, request: CaptureRequest) -> Prepared:
    """
    Open the files of a capture that another agent began.

    :raises OSError: when its samples cannot be opened; nothing is left open then.
    """
    sample = sample_format(trace.format)
    call = Launch(
        trace.argv,
        trace.owner,
        sample,
        trace.ends_itself,
        tie=trace.tie,
        drain_seconds=trace.drain_seconds,
    )
    storage: Storage
    if trace.owner == "agent":
        storage = OwnFile.reopen(trace.path, sample, trace.rate, trace.channels)
    else:
        asked = attrs.evolve(request, format=sample, rate=trace.rate, channels=trace.channels)
        storage = ProgramsFile(trace.path, asked)
    try:
        messages = Messages.reopen(trace.messages, trace.messages_at, trace.dropouts)
    except OSError:
        if isinstance(storage, OwnFile):
            os.close(storage.descriptor)
        raise
    return Prepared(call, storage, messages, messages.descriptor, trace.leash, trace.exit)


def _open(call: Launch, request: CaptureRequest) -> Prepared:
    path = wanted(request.path, call.format) if call.owner == "agent" else request.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path, messages = first_free(path, _reserved)
    stem, _suffix = stem_and_suffix(path)
    leash, note = (path.with_name(f"{stem}.{each}") for each in ("leash", "exit"))
    for stale in (leash, note):
        with contextlib.suppress(OSError):  # the shim replaces it, or it cannot be read anyhow
            stale.unlink()
    if call.owner == "program":
        storage = ProgramsFile(path, request)
        told = launch(request, path)
        return Prepared(told, storage, messages, messages.descriptor, leash, note)
    try:
        file = OwnFile.create(path, call.format, request.rate, request.channels)
    except OSError:
        messages.close()
        messages.remove()
        raise
    return Prepared(call, file, messages, file.descriptor, leash, note)


def _reserved(path: Path) -> tuple[Path, Messages]:
    """Take a name by the file for messages: a program makes its own file only later."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    stem, _suffix = stem_and_suffix(path)
    return path, Messages.create(path.with_name(f"{stem}.stderr.log"))
