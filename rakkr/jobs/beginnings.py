"""When the segments of a take began: settled once, and written down before anybody relies on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from rakkr.capture.capture import Capture
from rakkr.jobs.records import AxisBegan, Record, SegmentStarted
from rakkr.jobs.reel import Reel
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import Workplace

_SETTLING_SECONDS: Final = 1.0


class Beginnings:
    """
    The moments that place segments on the axis.

    Nobody sees the first sample arrive; looks at the growing file say when it must have been, some
    of them better than the first one.
    """

    def __init__(
        self, place: Workplace, reel: Reel, note: Callable[[Record], Deferred[None]]
    ) -> None:
        self._place = place
        self._reel = reel
        self._note = note

    async def axis(self) -> None:
        """Settle where the axis begins although there was no sample yet."""
        if self._reel.axis.settle():
            await self._note_origin()

    async def guess(self, capture: Capture) -> None:
        """Write down what the first look says, in case that nobody takes another one."""
        number = self._reel.number
        if self._reel.axis.start_of(number) is None and capture.started_at is not None:
            start = self._reel.moment(capture.started_at)
            await self._note(SegmentStarted(number, start.mono, start.wall, start.boot_id))

    async def settle(self, capture: Capture, seconds_left: float) -> bool:
        """
        Wait for some looks, and settle when the running segment began.

        :returns: False when it ended before.
        """
        wait = max(0.0, min(_SETTLING_SECONDS, seconds_left / 2))
        if await first_of(deferLater(self._place.clock, wait), capture.when_done()) != 0:
            return False
        await self.fix(capture)
        return True

    async def fix(self, capture: Capture) -> None:
        """Settle now when the running segment began, if it has a sample."""
        axis, number = self._reel.axis, self._reel.number
        if axis.start_of(number) is not None or capture.started_at is None:
            return
        start, first = self._reel.moment(capture.started_at), axis.origin is None
        axis.started(number, start)
        await self._note(SegmentStarted(number, start.mono, start.wall, start.boot_id))
        if first:
            await self._note_origin()

    async def _note_origin(self) -> None:
        origin = self._reel.axis.origin
        assert origin is not None
        await self._note(AxisBegan(origin.mono, origin.wall, origin.boot_id))
