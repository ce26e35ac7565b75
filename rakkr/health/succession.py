"""A log that takes over from one that was chosen before, and is not delivered to its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
from twisted.logger import Logger

from rakkr.health.position import Position
from rakkr.health.store import Appended, Record, Store, Unreadable


@attrs.define
class Succession:
    """
    A log, from which is read what an earlier one still has, and then its own.

    Nothing is written into the earlier one.  One that cannot be read, or that another process
    delivers from, is left to the next start.

    What it promises is in :class:`rakkr.health.store.Store`.

    :ivar current: what is written into.
    :ivar earlier: what may have something to deliver.
    """

    log = Logger()

    current: Store
    earlier: Store
    _claimed: bool = attrs.field(init=False, default=False)
    _over: bool = attrs.field(init=False, default=False)
    _left_at: Position | None = attrs.field(init=False, default=None)

    @property
    def path(self) -> Path:
        """The file of the log that is written."""
        return self.current.path

    def append(self, lines: Sequence[bytes]) -> Appended:
        """Store records."""
        return self.current.append(lines)

    def claim(self) -> bool:
        """Become the one process that delivers."""
        if not self.current.claim():
            return False
        if not self._claimed:  # once: from now on there may be positions of the earlier one
            self._claimed = True
            try:
                if not self.earlier.claim():
                    self._leave()
            except Unreadable as why:
                self._leave(why)
        return True

    def begin(self) -> Position:
        """Where delivery goes on."""
        if not self._over:
            try:
                return self.earlier.begin()
            except Unreadable as why:
                self._leave(why)
        return self.current.begin()

    def read(self, after: Position, most: int) -> list[Record]:
        """Read the next records."""
        if not self._over:
            try:
                found = self.earlier.read(after, most)
                if found:
                    return found
                self.earlier.passed(after)
            except Unreadable as why:
                self._leave(why)
            else:
                self._leave()
            self._left_at = after
        return self.current.read(self.current.begin() if after == self._left_at else after, most)

    def passed(self, position: Position) -> None:
        """Note how far it was delivered."""
        if not self._over:
            self.earlier.passed(position)
        elif position != self._left_at:
            self.current.passed(position)

    def close(self) -> None:
        """Let another process deliver."""
        self._leave()
        self.current.close()

    def _leave(self, why: Unreadable | None = None) -> None:
        if why is not None:
            self.log.warn(
                "what {path} has not delivered is left to the next start: {why}",
                path=str(self.earlier.path),
                why=str(why),
            )
        self._over = True
        self.earlier.close()
