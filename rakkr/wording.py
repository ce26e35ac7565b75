"""Programs in words: what they said, and what ended them, in one line."""

from __future__ import annotations

from collections.abc import Callable
from signal import Signals
from typing import Final

_LONGEST: Final = 1000


def signal_name(number: int) -> str:
    """Say a signal as ``9 (SIGKILL)``; most real-time signals have no name, only a number."""
    try:
        return f"{number} ({Signals(number).name})"
    except ValueError:
        return str(number)


def one_line(text: str) -> str:
    """Keep what can be printed, with single spaces between."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _nothing(_line: str) -> bool:
    return False


def summary(stderr: str, without: Callable[[str], bool] = _nothing) -> str:
    """
    Make one line of a program's messages: without repetitions, and of a long one the end.

    :param without: tells the lines to leave out.
    """
    lines: list[str] = []
    for line in map(one_line, stderr.splitlines()):
        if line and line not in lines and not without(line):
            lines.append(line)
    return "; ".join(lines)[-_LONGEST:]
