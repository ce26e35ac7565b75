"""The file that says how far a log was delivered."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from rakkr.durable import write_atomically
from rakkr.health.position import OLDEST, BadCursor, Position

_MODE = 0o640


class Cursor:
    """
    A position on the disk.

    :ivar path: the file.
    """

    log = Logger()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._complained = False

    def load(self) -> Position | None:
        """
        Read it: None when there has never been one, the oldest place when it is damaged.

        :raises OSError: when the file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return Position.decode(content)
        except BadCursor as why:
            if not self._complained:
                self._complained = True
                self.log.warn(
                    "{path} is damaged: {why}; the events of the log are sent again",
                    path=str(self.path),
                    why=str(why),
                )
            return OLDEST

    def save(self, position: Position) -> None:
        """
        Write it for good.

        :raises OSError: when the disk does not take it; the old one is still there.
        """
        write_atomically(self.path, position.encode(), mode=_MODE)
