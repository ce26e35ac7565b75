"""A stream of samples that is measured while a capture writes it into a file."""

from __future__ import annotations

import os
from typing import Final, Protocol

from twisted.internet.interfaces import IReactorTime

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture
from rakkr.capture.dropouts import Dropouts
from rakkr.meters.analysis import Analysis, MakeAnalysis
from rakkr.meters.stream import Stream
from rakkr.threads import InThread

_MOST_BYTES: Final = 1 << 21
"""So much is read and measured at a time, in a thread."""
MOST_BEHIND_SECONDS: Final = 8.0
CATCH_UP_SECONDS: Final = 1.0
LATEST_SECONDS: Final = 2.0
"""So long a program may keep what it has captured; no sample in its file is said to be older."""


class Follower(Stream):
    """
    Measures each frame of a growing file once, in order.

    It reads behind the writer and never waits for it.  A machine that is too slow to keep up is
    behind by some seconds at most: then what lies between is left out, and counted.

    :ivar capture: what is followed.
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
        """
        Read nothing yet.

        :param from_start: False begins at the end of the file as it is at the first look: what
            lies before was measured already, or is too old to be of interest.
        """
        super().__init__(capture.request, make_analysis, in_thread)
        self.capture = capture
        self._clock = clock
        self._read = 0
        self._joins = not from_start
        self._heard = Dropouts() if from_start else capture.heard[1]
        self._seen = 0
        self._shift = 0.0
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._over

    @property
    def ended_at(self) -> float:
        """
        When the last frame that was measured was captured, on the monotonic clock.

        The sound card's clock is another one, and a program may have lost samples, so after hours
        the number of frames alone says little; the looks at the file correct it.
        """
        began, analysis = self.capture.started_at, self.analysis
        if began is None or analysis is None:
            return self._clock.seconds()
        return began + self._shift + self._read / analysis.rate

    def dropouts(self) -> Dropouts:
        """The gaps that the program reported since the last time this was asked."""
        _, heard = self.capture.heard
        new = Dropouts(
            max(0, heard.count - self._heard.count),
            max(0.0, heard.milliseconds - self._heard.milliseconds),
        )
        self._heard = heard
        return new

    async def look(self) -> None:
        """
        Measure what has come since the last time; the last look at an ended capture takes all.

        :raises OSError: when the file cannot be read.
        """
        ended, audio = self.capture.outcome is not None, None
        try:
            audio = await self.capture.growing()
            if audio is not None:
                await self._catch_up(audio)
        except FileNotFoundError:
            if not ended:  # else it was delivered, and its file removed
                raise
            audio = None
        finally:
            if ended:
                self._over = True
                self._left_out += max(0, 0 if audio is None else audio.frames - self._read)

    async def _catch_up(self, audio: CapturedAudio) -> None:
        if self._joins:
            self._joins, self._read = False, audio.frames
        self._date(audio)
        behind = audio.frames - self._read
        if behind > MOST_BEHIND_SECONDS * audio.rate:
            self._skip(behind - round(CATCH_UP_SECONDS * audio.rate))
        at_once = max(1, _MOST_BYTES // audio.format.frame_bytes(audio.channels))
        while self._read < audio.frames:
            analysis = self._analysis(audio.format, audio.rate, audio.channels, self._read)
            frames = min(at_once, audio.frames - self._read)
            if await self._measure(analysis, audio, frames) < frames:
                break

    async def _measure(self, analysis: Analysis, audio: CapturedAudio, frames: int) -> int:
        before = analysis.frames
        try:
            done = await self._in_thread(_read, analysis, audio, self._read, frames)
        except OSError:
            raise
        except Exception:  # a cancellation, too: nobody knows how far the thread has come
            self.analysis = None
            self._left_out += before + frames
            self._read += frames
            raise
        self._read += done
        self.measured += done
        return done

    def _skip(self, frames: int) -> None:
        self._left_out += frames
        self._read += frames
        if self.analysis is not None:
            self.analysis.gap(self._read)

    def _date(self, audio: CapturedAudio) -> None:
        """Correct when the first frame must have been captured, if the count of frames is off."""
        began = self.capture.started_at
        if began is None or audio.frames <= self._seen:
            return
        self._seen = audio.frames
        latest = self._clock.seconds() - audio.frames / audio.rate - began
        self._shift = min(max(self._shift, latest - LATEST_SECONDS), latest)


def _read(analysis: Analysis, audio: CapturedAudio, start: int, frames: int) -> int:
    """Read a range of a file into the analysis; says how many whole frames there were.  Blocks."""
    size = audio.format.frame_bytes(audio.channels)
    with audio.path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), frames * size, audio.data_offset + start * size)
    whole = len(data) // size
    analysis.feed(memoryview(data)[: whole * size])
    return whole


class FollowCapture(Protocol):
    """Begins to follow a capture."""

    def __call__(self, capture: Capture, *, from_start: bool) -> Follower:
        """Make what measures it."""
