"""How much room a file system has, measured in a thread, one look at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import attrs
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.moment import Moment
from rakkr.threads import InThread

LOOK_SECONDS: Final = 5.0
"""A dead network disk answers never; a live one at once."""


class Statistics(Protocol):
    """The fields of ``os.statvfs_result`` that count here."""

    @property
    def f_frsize(self) -> int:
        """Bytes of a block."""

    @property
    def f_blocks(self) -> int:
        """Blocks of the file system."""

    @property
    def f_bavail(self) -> int:
        """Blocks that a user other than root may still take."""


StatVfs = Callable[[Path], Statistics]
"""Like ``os.statvfs``."""


@attrs.frozen
class Space:
    """
    The room of a file system, in bytes.

    :ivar free: what we may still write: without what is kept back for root, even for root.
    """

    free: int
    total: int

    @property
    def used_percent(self) -> float:
        """The share that is not free, to one decimal."""
        return round(100 * (1 - self.free / self.total), 1) if self.total else 100.0


def read_space(path: Path, statvfs: StatVfs = os.statvfs) -> Space:
    """
    Ask the system; blocks for as long as the file system takes to answer.

    :param path: a directory; while it is not there, the one in which it will be made counts.
    :raises OSError: when nobody answers.
    """
    for place in (path, *path.parents):
        try:
            found = statvfs(place)
        except FileNotFoundError:
            continue
        return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
    raise FileNotFoundError(str(path))


class Gauge:
    """
    Looks at the file system of one directory.

    A look that hangs is waited for by all who ask meanwhile, each for a few seconds, so that a dead
    file system holds one thread and not all.

    :ivar last: the last answer, None before the first.
    """

    log = Logger()

    def __init__(
        self, path: Path, *, clock: IReactorTime, in_thread: InThread, statvfs: StatVfs
    ) -> None:
        self.path = path
        self.last: Space | None = None
        self._clock = clock
        self._in_thread = in_thread
        self._statvfs = statvfs
        self._answered_at = 0.0
        self._asked_at = 0.0
        self._asked: Moment[Space | None] | None = None
        self._failing = False

    @property
    def age(self) -> float | None:
        """Seconds since the last answer, None before the first."""
        return None if self.last is None else self._clock.seconds() - self._answered_at

    async def look(self) -> Space | None:
        """Look now; None when there is no answer within a few seconds."""
        now = self._clock.seconds()
        if self._asked is None:
            self._asked, self._asked_at = Moment(), now
            answer = self._asked.when()
            self._in_thread(read_space, self.path, self._statvfs).addCallbacks(
                self._came, self._failed
            )
        else:
            answer = self._asked.when()
        answer.addTimeout(max(0.0, self._asked_at + LOOK_SECONDS - now), self._clock)
        try:
            return await answer
        except TooLate:
            self._complain("it does not answer")
            return None

    def _came(self, space: Space) -> None:
        if self._failing:
            self.log.info("the file system of {path} answers again", path=str(self.path))
        self._failing = False
        self.last, self._answered_at = space, self._clock.seconds()
        self._answer(space)

    def _failed(self, failure: Failure) -> None:
        self._complain(failure.getErrorMessage())
        self._answer(None)

    def _answer(self, space: Space | None) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.comes(space)

    def _complain(self, why: str) -> None:
        if not self._failing:
            self.log.error(
                "the free space of {path} is not known: {why}", path=str(self.path), why=why
            )
        self._failing = True
