"""A stream of samples that is measured while a capture writes it into a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.surroundings import InThread
from rakkr.meters.analysis import Analysis, MakeAnalysis

_MOST_BYTES: Final = 1 << 21
"""So much is read and measured at a time, in a thread."""
_MOST_BEHIND_SECONDS: Final = 8.0
_CATCH_UP_SECONDS: Final = 1.0


class Follower:
    """
    Measures each frame of a growing file once, in order.

    It reads behind the writer and never waits for it.  A machine that is too slow to keep up is
    behind by some seconds at most: then what lies between is left out, and counted.

    :ivar analysis: what is made of the stream; None before the first frame.
    """

    def __init__(
        self,
        capture: Capture,
        make_analysis: MakeAnalysis,
        in_thread: InThread,
        clock: IReactorTime,
        *,
        from_start: bool,
    ) -> None:
        """:param from_start: whether its beginning has not been measured by an earlier agent."""
        self.analysis: Analysis | None = None
        self._left_out = 0
        self._capture = capture
        self._make_analysis = make_analysis
        self._in_thread = in_thread
        self._clock = clock
        self._from_start = from_start
        self._read = 0
        self._heard = Dropouts()
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._over

    @property
    def ended_at(self) -> float:
        """When the last frame that was measured was captured, on the monotonic clock."""
        began, analysis = self._capture.started_at, self.analysis
        if began is None or analysis is None:
            return self._clock.seconds()
        return min(self._clock.seconds(), began + self._read / analysis.rate)

    def dropouts(self) -> Dropouts:
        """The gaps that the program reported since the last time this was asked."""
        _, heard = self._capture.heard
        new = Dropouts(
            max(0, heard.count - self._heard.count),
            max(0.0, heard.milliseconds - self._heard.milliseconds),
        )
        self._heard = heard
        return new

    def left_out(self) -> int:
        """Frames that were not measured since the last time this was asked."""
        found, self._left_out = self._left_out, 0
        return found

    async def look(self) -> None:
        """
        Measure what has come since the last time.

        :raises OSError: when the file cannot be read.
        """
        ended = self._capture.outcome is not None
        audio = await self._capture.growing()
        if audio is not None:
            await self._catch_up(audio)
        self._over = ended

    async def _catch_up(self, audio: CapturedAudio) -> None:
        if self.analysis is None:
            self.analysis = self._make_analysis(audio.format, audio.rate, audio.channels)
            if not self._from_start:
                self._read = audio.frames
                self.analysis.gap(self._read)
        behind = audio.frames - self._read
        if behind > _MOST_BEHIND_SECONDS * audio.rate:
            skipped = behind - round(_CATCH_UP_SECONDS * audio.rate)
            self._left_out += skipped
            self._read += skipped
            self.analysis.gap(self._read)
        at_once = max(1, _MOST_BYTES // audio.format.frame_bytes(audio.channels))
        while self._read < audio.frames:
            frames = min(at_once, audio.frames - self._read)
            done = await self._in_thread(_measure, self.analysis, audio, self._read, frames)
            self._read += done
            if done < frames:
                break


def _measure(analysis: Analysis, audio: CapturedAudio, start: int, frames: int) -> int:
    """Read a range of a file into the analysis; says how many whole frames there were.  Blocks."""
    size = audio.format.frame_bytes(audio.channels)
    with audio.path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), frames * size, audio.data_offset + start * size)
    whole = len(data) // size
    analysis.feed(memoryview(data)[: whole * size])
    return whole


FollowCapture = Callable[[Capture], Follower]
