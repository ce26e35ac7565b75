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


@attrs.frozen
class Verdict:
    """
    Whether a capture is good.

    :ivar error: why not, in one line; None if it is.
    :ivar ran: False when no program ran at all.
    """

    error: str | None
    ran: bool = True


def missing(command: str) -> str:
    """Say that a program is missing, and how to get it."""
    package = package_of(command)
    cure = f"; install the Debian package {package}" if package else ""
    return f"run capture command {one_line(command)}: the program was not found{cure}"


def judge(ending: Ending) -> Verdict:
    """
    Decide between good and bad.

    A program that we asked to end may end in any way: ``arecord`` answers a signal with exit code
    1.  One that a signal of somebody else ended has failed, whatever it recorded.
    """
    command, said = ending.command, summary(ending.stderr)
    if ending.refused is not None:
        return Verdict(f"run capture command {command}: {one_line(ending.refused)}", ran=False)
    if ending.code in _NOT_RUN and not ending.audio_bytes and _NOT_EXECUTED.search(said):
        return Verdict(f"run capture command {command}{_after(said)}", ran=False)
    return Verdict(_error(ending, said))


def _error(ending: Ending, said: str) -> str | None:
    unusable = "" if ending.unusable is None else f"; {ending.unusable}"
    if ending.abandoned:
        return f"capture command {ending.command} could not be killed{_after(said)}{unusable}"
    if ending.wrong_rate is not None:
        return ending.wrong_rate
    if ending.code != 0 and not ending.asked:
        status = _status(ending)
        failed = f"capture command {ending.command} failed with status {status}"
        return f"{failed}{_after(said)}{unusable}"
    if ending.unusable is not None:
        return ending.unusable
    if (ending.audio_bytes or 0) < ending.min_bytes:
        return (
            f"capture output is too small: {ending.path} has {ending.audio_bytes or 0} bytes,"
            f" expected at least {ending.min_bytes}{_after(said)}"
        )
    return None


def summary(stderr: str) -> str:
    """Make one line of a program's messages, without chatter, repetitions and reported gaps."""
    return summary_of(stderr, lambda line: is_dropout(line) or _CHATTER.match(line) is not None)


def _after(said: str) -> str:
    return f": {said}" if said else ""


def _status(ending: Ending) -> str:
    if ending.signal is None:
        return f"exit status: {ending.code}"
    return f"signal: {signal_name(ending.signal)}"
