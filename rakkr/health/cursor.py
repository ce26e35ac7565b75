"""The file that says how far a log was delivered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from rakkr.durable import write_atomically
from rakkr.health.position import OLDEST, BadCursor, Position

_MODE = 0o644  # a one-shot mode may run as root, and the daemon reads it afterwards


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
        """Read it: None when there has never been one, the oldest place when it is damaged."""
        try:
            return Position.decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (BadCursor, OSError) as why:
            self._complain(why)
            return OLDEST

    def begin(self, log: Path, end: Callable[[], Position]) -> Position:
        """
        Say where delivery goes on; the first time that is behind everything.

        The reference agent sent its events itself, and the controller counts each copy.

        :param log: what is delivered from.
        :param end: finds where that ends now.
        :raises OSError: when the place cannot be written.
        """
        position = self.load()
        if position is None:
            position = end()
            self.save(position)
            if position != OLDEST:
                self.log.info(
                    "{path} was not ours so far: only what is added from now on is sent",
                    path=str(log),
                )
        return position

    def save(self, position: Position) -> None:
        """
        Write it for good.

        :raises OSError: when the disk does not take it; the old one is still there.
        """
        write_atomically(self.path, position.encode(), mode=_MODE)

    def _complain(self, why: Exception) -> None:
        if not self._complained:
            self.log.warn(
                "{path} cannot be used: {why}; the events of the log are sent again",
                path=str(self.path),
                why=str(why),
            )
        self._complained = True
