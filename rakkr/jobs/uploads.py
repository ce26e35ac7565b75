"""The way to the controller for files: one at a time for each recording, and how fast it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime

from rakkr.jobs.parts import LONGEST_UPLOAD_SECONDS

_LEAST_BYTES = 1 << 20  # what is shorter measures the connection's set-up, or is faster still
_SLOWEST = _LEAST_BYTES / LONGEST_UPLOAD_SECONDS  # bytes/s; less than that is an outage, no rate
_WEIGHT = 0.5  # of the newest measurement


class Uploads:
    """
    Keeps uploads of one recording apart, and measures.

    Two at a time would overwrite each other's record at the controller (http-api 7.4).

    :ivar bytes_per_second: smoothed over uploads of 1 MiB and more, and over smaller ones that were
        faster; None before the first.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._turns: dict[str, DeferredLock] = {}
        self.bytes_per_second: float | None = None

    @asynccontextmanager
    async def turn(self, recording_id: str) -> AsyncIterator[None]:
        """Wait until no other upload of the recording is under way."""
        lock = self._turns.setdefault(recording_id, DeferredLock())
        await lock.acquire()
        try:
            yield
        finally:
            lock.release()
            if not lock.locked and not lock.waiting:
                self._turns.pop(recording_id, None)

    def measured(self, size: int, began: float) -> None:
        """Take an upload into account that began then and was taken just now."""
        seconds = self._clock.seconds() - began
        if seconds <= 0:
            return
        rate = size / seconds
        known = self.bytes_per_second
        if size < _LEAST_BYTES and (known is None or rate < known):
            return
        self.bytes_per_second = rate if known is None else known + _WEIGHT * (rate - known)

    def cut_off(self, sent: int, began: float) -> None:
        """Take into account how far an upload came that ran out of time."""
        seconds = self._clock.seconds() - began
        if seconds > 0 and sent > 0:
            self.bytes_per_second = max(_SLOWEST, sent / seconds)
