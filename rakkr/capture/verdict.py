"""What the end of a capture program means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import attrs

from rakkr.capture.dropouts import is_dropout
from rakkr.capture.programs import package_of
from rakkr.wording import one_line, signal_name
from rakkr.wording import summary as summary_of

# What a shell, env or setsid answers for a program that it could not execute.
_NOT_RUN: Final = frozenset({126, 127})
_NOT_EXECUTED: Final = re.compile(r"failed to execute|: not found|Permission denied")
DISK_FULL: Final = re.compile("no space left on device|disk quota exceeded", re.IGNORECASE)
_CHATTER: Final = re.compile(r"^(Recording|Aborted by signal) ")


@attrs.frozen(kw_only=True)
class Ending:
    """
    How a capture program ended, and what it left.

    :ivar code: exit code, None when a signal ended it or it never ran.
    :ivar signal: number of the signal that ended it.
    :ivar refused: why it could not be started at all.
    :ivar abandoned: it survived KILL and was left behind.
    :ivar asked: whether we had asked it to end.
    :ivar stderr: the end of what it said.
    :ivar audio_bytes: bytes of samples in its file, None when there is no file.
    :ivar unusable: why what it left cannot be used, though it is there.
    :ivar wrong_rate: what is wrong with the rate of its samples.
    :ivar unknown: nobody knows how it ended.
    :ivar complete: all frames that were wanted are there.
    :ivar disk_full: there is no room left where the file is.
    """

    command: str
    code: int | None
    signal: int | None
    refused: str | None
    abandoned: bool
    asked: bool
    stderr: str
    path: Path
    audio_bytes: int | None
    min_bytes: int
    unusable: str | None = None
    wrong_rate: str | None = None
    unknown: bool = False
    complete: bool = False
    disk_full: bool = False


@attrs.frozen
class Verdict:
    """
    Whether a capture is good.

    :ivar error: why not, in one line; None if it is.
    :ivar ran: False when no program ran at all.
    :ivar disk_full: whether it is because there was no room for the file.
    """

    error: str | None
    ran: bool = True
    disk_full: bool = False


def missing(command: str) -> str:
    """Say that a program is missing, and how to get it."""
    package = package_of(command)
    cure = f"; install the Debian package {package}" if package else ""
    return f"run capture command {one_line(command)}: the program was not found{cure}"


def judge(ending: Ending) -> Verdict:
    """
    Decide between good and bad.

    A program that we asked to end may end in any way: ``arecord`` answers a signal with exit code
    1.  So may one whose frames are all there.  One that a signal of somebody else ended before has
    failed.
    """
    command, said = ending.command, summary(ending.stderr)
    if ending.refused is not None:
        return Verdict(f"run capture command {command}: {one_line(ending.refused)}", ran=False)
    if ending.code in _NOT_RUN and not ending.audio_bytes and _NOT_EXECUTED.search(said):
        return Verdict(f"run capture command {command}{_after(said)}", ran=False)
    error = _error(ending, said)
    full = error is not None and is_disk_full(said, no_room=ending.disk_full)
    return Verdict(error if error is None else with_full_disk(error, full=full), disk_full=full)


def is_disk_full(said: str, *, no_room: bool) -> bool:
    """Whether a full disk is the reason; a program can say so only where stderr has room."""
    return no_room or DISK_FULL.search(said) is not None


def with_full_disk(error: str, *, full: bool) -> str:
    """Say plainly that the disk is full, where the reason does not."""
    if not full or DISK_FULL.search(error):
        return error
    return f"{error}: the disk is full (No space left on device)"


def _error(ending: Ending, said: str) -> str | None:
    if not ending.abandoned:
        if ending.wrong_rate is not None:
            return ending.wrong_rate
        if ending.complete:
            return None
    unusable = "" if ending.unusable is None else f"; {ending.unusable}"
    bad = _bad_end(ending)
    if bad is not None:
        return f"capture command {ending.command} {bad}{_after(said)}{unusable}"
    if ending.unusable is not None:
        return ending.unusable
    if (ending.audio_bytes or 0) < ending.min_bytes:
        return (
            f"capture output is too small: {ending.path} has {ending.audio_bytes or 0} bytes,"
            f" expected at least {ending.min_bytes}{_after(said)}"
        )
    return None


def _bad_end(ending: Ending) -> str | None:
    if ending.abandoned:
        return "could not be killed"
    if ending.asked or ending.code == 0:
        return None
    if ending.unknown:
        return "ended while no agent watched it"
    return f"failed with status {_status(ending)}"


def summary(stderr: str) -> str:
    """Make one line of a program's messages, without chatter, repetitions and reported gaps."""
    return summary_of(stderr, lambda line: is_dropout(line) or _CHATTER.match(line) is not None)


def _after(said: str) -> str:
    return f": {said}" if said else ""


def _status(ending: Ending) -> str:
    if ending.signal is None:
        return f"exit status: {ending.code}"
    return f"signal: {signal_name(ending.signal)}"
