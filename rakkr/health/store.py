"""What the reporter needs of a local log, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import attrs

from rakkr.health.position import Position


class Unreadable(Exception):
    """
    The log cannot be read now; the message says why.

    :ivar set_aside: where it is now, if it was damaged and another one is begun.
    """

    def __init__(self, why: str, set_aside: Path | None = None) -> None:
        super().__init__(why)
        self.set_aside = set_aside


@attrs.frozen
class Record:
    """
    One record, and the place behind it.

    :ivar line: the event as JSON.
    """

    line: bytes
    behind: Position


@attrs.frozen
class Appended:
    """
    What became of records that were to be stored.

    :ivar stored: how many of them are, from the first on.
    :ivar why: what kept the others out, None if nothing did.
    :ivar given_up: how many older ones were deleted before they were delivered.
    :ivar set_aside: where a damaged log is now, if one had to be replaced.
    """

    stored: int
    why: str | None = None
    given_up: int = 0
    set_aside: Path | None = None


class Store(Protocol):
    """
    A local log of events, and how far it was delivered.

    Everything here blocks for as long as a disk takes, so it is called in a thread, and by one
    caller at a time.  Other processes may work with the same log meanwhile.

    :ivar path: where it is.
    """

    @property
    def path(self) -> Path:
        """The file."""

    def append(self, lines: Sequence[bytes]) -> Appended:
        """Store records, one write each; never raises for a disk or a file."""

    def begin(self) -> Position:
        """
        Say where delivery goes on, and make sure that the place is kept.

        :raises Unreadable: when it cannot be found out.
        """

    def read(self, after: Position, most: int) -> list[Record]:
        """
        Read the next records, the oldest first.

        :raises Unreadable: when the log cannot be read.
        """

    def passed(self, position: Position) -> None:
        """
        Note for good that everything before a position was delivered.

        :raises Unreadable: when that cannot be written.
        """

    def claim(self) -> bool:
        """Become the one process that delivers from this log; False while another one is."""

    def close(self) -> None:
        """Let go of everything."""
