"""
What a program really wrote, told by itself: the truth that a test compares a recording with.

A ledger is a file of lines.  The first is a JSON object about the program; each of the others is a
run of frames whose numbers follow one another, as two decimal numbers of fixed width: that of the
first frame, and how many there are.  The last line is written again after every block, in place and
with one call, so it is whole whatever kills the program; it may be one block behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

import attrs

_WIDTH: Final = 20
_LINE: Final = 2 * _WIDTH + 2


@attrs.frozen(order=True)
class Run:
    """Frames whose numbers follow one another, from ``first`` on."""

    first: int
    frames: int

    @property
    def end(self) -> int:
        """The number after the last one."""
        return self.first + self.frames


class Ledger:
    """
    Writes one.

    :param descriptor: a new file, open for writing.
    :param about: what stands in its first line.
    """

    def __init__(self, descriptor: int, about: Mapping[str, Any]) -> None:
        self._descriptor = descriptor
        self._at = os.pwrite(descriptor, json.dumps(about).encode() + b"\n", 0)
        self._run: Run | None = None

    def wrote(self, first: int, frames: int) -> None:
        """
        Note that frames were written.

        :raises OSError: when it cannot be written.
        """
        if frames <= 0:
            return
        if self._run is not None and self._run.end == first:
            self._run = Run(self._run.first, self._run.frames + frames)
        else:
            self._at += _LINE if self._run is not None else 0
            self._run = Run(first, frames)
        line = f"{self._run.first:{_WIDTH}d} {self._run.frames:{_WIDTH}d}\n"
        os.pwrite(self._descriptor, line.encode(), self._at)


@attrs.frozen
class Kept:
    """A ledger that was read."""

    about: Mapping[str, Any]
    runs: tuple[Run, ...]


def read(content: bytes) -> Kept | None:
    """Read a ledger; None for a program that was killed before it had written the first line."""
    head, found, lines = content.partition(b"\n")
    if not found:
        return None
    whole = (line.split() for line in lines.split(b"\n") if len(line) == _LINE - 1)
    return Kept(json.loads(head), tuple(Run(int(first), int(frames)) for first, frames in whole))
