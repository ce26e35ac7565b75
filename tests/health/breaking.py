"""System calls that crash or fail when a test says so."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from rakkr.health.line_file import System


class Crash(BaseException):
    """The process is gone at this very moment."""


class Breaking:
    """
    Does what ``os`` does, until it breaks.

    :ivar crash_after: how many more calls are made whole; the next one crashes.  None is never.
    :ivar torn: how much of a write is there when it crashes in it, between 0 and 1.
    :ivar full: whether the disk takes nothing.
    :ivar crashed: whether it has.
    """

    def __init__(self) -> None:
        self.crash_after: int | None = None
        self.torn = 0.5
        self.full = False
        self.crashed = False

    def write(self, descriptor: int, content: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self._crashes():
            os.write(descriptor, content[: int(len(content) * self.torn)])
            raise Crash
        return os.write(descriptor, content)

    def rename(self, old: Path, new: Path) -> None:
        self._crash()
        assert not new.exists(), f"{new} would be lost"
        old.rename(new)

    def unlink(self, path: Path) -> None:
        self._crash()
        path.unlink()

    def _crash(self) -> None:
        if self._crashes():
            raise Crash

    def _crashes(self) -> bool:
        if self.crash_after is None:
            return False
        self.crash_after -= 1
        self.crashed = self.crashed or self.crash_after < 0
        return self.crash_after < 0


_check: type[System] = Breaking
