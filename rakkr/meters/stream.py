"""Samples that come one after the other, and what is made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rakkr.audio.pcm import SampleFormat
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.request import CaptureRequest
from rakkr.meters.analysis import Analysis, MakeAnalysis, Measured
from rakkr.threads import InThread


class Stream(ABC):
    """
    Measures each frame of its source once, in order.

    One thing is done with a stream at a time, so its analysis is never in two threads.

    :ivar wished: what was asked for.
    :ivar analysis: what is made of the samples; None while there were none.
    :ivar measured: how many frames were measured, ever.
    """

    def __init__(
        self, wished: CaptureRequest, make_analysis: MakeAnalysis, in_thread: InThread
    ) -> None:
        self.wished = wished
        self.analysis: Analysis | None = None
        self.measured = 0
        self._make_analysis = make_analysis
        self._in_thread = in_thread
        self._left_out = 0

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""

    @property
    @abstractmethod
    def ended_at(self) -> float:
        """When the last frame that was measured was captured, on the monotonic clock."""

    @abstractmethod
    def dropouts(self) -> Dropouts:
        """The gaps that the program reported since the last time this was asked."""

    @abstractmethod
    async def look(self) -> None:
        """
        Measure what has come since the last time.

        :raises OSError: when it cannot be read.
        """

    def left_out(self) -> int:
        """Frames that were not measured since the last time this was asked."""
        found, self._left_out = self._left_out, 0
        return found

    async def sum_up(self) -> Measured | None:
        """Sum up what was measured since the last time; None when that is nothing."""
        if self.analysis is None or not self.analysis.frames:
            return None
        return await self._in_thread(self.analysis.frame)

    async def finish(self) -> None:
        """Let those who listen hear the last piece: nothing follows it."""
        if self.analysis is not None:
            await self._in_thread(self.analysis.end)

    def forget(self) -> None:
        """Begin anew, after a defect: what was not summed up yet counts as left out."""
        if self.analysis is not None:
            self._left_out += self.analysis.frames
            self.analysis = None

    def _analysis(self, sample: SampleFormat, rate: int, channels: int, at: int) -> Analysis:
        """The analysis of samples of this shape; a new one begins at this frame."""
        found = self.analysis
        if found is None or found.shape != (sample, rate, channels):
            self.forget()
            found = self._make_analysis(sample, rate, channels)
            found.begin(at)
            self.analysis = found
        return found
