"""
Where on a take's axis the moments of the clock lie.

Frame 0 is the first sample of the first segment; where the first try to open the device gave no
sample, it is that try, and what follows until the first sample is a gap.  Within a segment the
samples are the clock; the monotonic clock places one segment after another.
"""

from __future__ import annotations

from rakkr.jobs.timeline import Stamp


class Axis:
    """
    Moments to frames.

    :ivar rate: frames in a second.
    """

    def __init__(self, rate: int, origin: Stamp | None = None) -> None:
        self.rate = rate
        self._first_try: Stamp | None = origin
        self._origin: Stamp | None = origin
        self._starts: dict[int, Stamp] = {}

    @property
    def origin(self) -> Stamp | None:
        """The moment of frame 0, as soon as it is settled."""
        return self._origin

    @property
    def begun(self) -> bool:
        """Whether anybody has tried to open the device."""
        return self._first_try is not None

    def tried(self, now: Stamp) -> None:
        """The device is about to be opened."""
        self._first_try = self._first_try or now

    def started(self, number: int, start: Stamp) -> None:
        """A segment's first sample was captured then; that is settled now."""
        self._starts[number] = start
        if self._origin is None:
            self._origin = start

    def settle(self) -> bool:
        """
        Let the axis begin at the first try, because that gave no sample.

        :returns: whether that was still open.
        """
        if self._origin is not None or self._first_try is None:
            return False
        self._origin = self._first_try
        return True

    def start_of(self, number: int) -> Stamp | None:
        """When a segment's first sample was captured, once it is settled."""
        return self._starts.get(number)

    def frame_at(self, moment: Stamp) -> int:
        """The frame of a moment; before the first sample, of the first try."""
        origin = self._origin or self._first_try
        return 0 if origin is None else max(0, round(moment.since(origin) * self.rate))
