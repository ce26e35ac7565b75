"""What comes out of one program that is listened to, from its start to its end."""

from __future__ import annotations

import io
from collections import deque
from typing import Final

from twisted.internet.interfaces import IReactorTime

from rakkr.audio import wave
from rakkr.audio.pcm import SampleFormat
from rakkr.capture.dropouts import Dropouts, find_dropouts, is_dropout
from rakkr.capture.request import CaptureRequest
from rakkr.capture.wrong_rate import find_wrong_rate
from rakkr.meters.analysis import Analysis, MakeAnalysis
from rakkr.meters.stream import Stream
from rakkr.threads import InThread
from rakkr.wording import summary

MOST_SECONDS: Final = 4.0
"""More is not kept for a machine that is too slow: it is left out, and counted."""
LONGEST_HEADER: Final = 4096
_MOST_SAID: Final = 4000
_CHATTER: Final = ("Recording ", "Aborted by signal ")
_CONTAINERS: Final = (b"RIFF", b"RF64")


class Listening(Stream):
    """
    Takes the samples of one program from its stdout, and its messages from its stderr.

    A program that writes a WAV header though nobody asked for one is believed, and so is one that
    says that its samples have another rate.
    """

    def __init__(
        self,
        wished: CaptureRequest,
        sample: SampleFormat,
        make_analysis: MakeAnalysis,
        in_thread: InThread,
        clock: IReactorTime,
    ) -> None:
        """:param sample: the format that the program was told to deliver."""
        super().__init__(wished, make_analysis, in_thread)
        self._clock = clock
        self._shape = (sample, wished.rate, wished.channels)
        self._head: bytes | None = b""
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._missing = 0
        self._bytes = 0
        self._heard_at = self._measured_at = clock.seconds()
        self._said = self._line = ""
        self._dropouts = Dropouts()
        self._ended = self._over = False

    @property
    def is_over(self) -> bool:
        """Whether the program is gone, and all that it gave was measured."""
        return self._over

    @property
    def ended_at(self) -> float:
        """When the last frame that was measured came, on the monotonic clock."""
        return self._measured_at

    @property
    def said(self) -> str:
        """What the program said, in one line, but for the gaps that it reported."""
        return summary(self._said + self._line, _says_nothing)

    def quiet_seconds(self) -> float:
        """For how long nothing has come."""
        return self._clock.seconds() - self._heard_at

    def frames_now(self) -> int:
        """How many frames have come."""
        return self._bytes // self._frame_bytes

    def dropouts(self) -> Dropouts:
        """The gaps that the program reported since the last time this was asked."""
        found, self._dropouts = self._dropouts, Dropouts()
        return found

    def hears(self, descriptor: int, data: bytes) -> None:
        """Take what the program wrote."""
        if self._ended:
            return  # of a program that could not be killed
        if descriptor != 1:
            self._understand(data)
            return
        self._heard_at = self._clock.seconds()
        self._keep(data if self._head is None else self._behind_header(self._head + data))

    def ends(self) -> None:
        """Nothing more will come."""
        self._ended = True
        if self._head:  # so short that it might have become a header
            self._keep(self._head)
        self._head = None
        self._understand(b"\n" if self._line else b"")

    async def look(self) -> None:
        """Measure what has come since the last time."""
        ended, at = self._ended, self._heard_at
        missing, self._missing = self._missing, 0
        data = b"".join(self._pieces)
        whole = len(data) - len(data) % self._frame_bytes
        self._pieces = deque([data[whole:]])
        self._waiting = len(data) - whole
        frames = whole // self._frame_bytes
        try:
            if frames:
                await self._measure(missing, memoryview(data)[:whole], frames)
                self._measured_at = at
            else:
                self._missing += missing
        finally:
            self._over = ended

    async def _measure(self, missing: int, data: memoryview, frames: int) -> None:
        before = 0 if self.analysis is None else self.analysis.frames
        try:
            analysis = self._analysis(*self._shape, 0)
            await self._in_thread(_feed, analysis, missing, data)
        except Exception:  # a cancellation, too: nobody knows how far the thread has come
            self.analysis = None
            self._left_out += before + frames
            raise
        self.measured += frames

    @property
    def _frame_bytes(self) -> int:
        sample, _, channels = self._shape
        return sample.frame_bytes(channels)

    def _behind_header(self, head: bytes) -> bytes:
        """Find out whether samples come at once; returns those that are known to be samples."""
        start = head[: len(_CONTAINERS[0])]
        if any(each.startswith(start) for each in _CONTAINERS):
            try:
                found = wave.read_header(io.BytesIO(head))
            except wave.NotWave:
                if len(head) < LONGEST_HEADER:
                    self._head = head
                    return b""
            else:
                self._shape = (found.format, found.rate, found.channels)
                head = head[found.data_offset :]
        self._head = None
        return head

    def _keep(self, data: bytes) -> None:
        self._pieces.append(data)
        self._waiting += len(data)
        size, rate = self._frame_bytes, self._shape[1]
        self._bytes += len(data)
        if self._waiting > MOST_SECONDS * rate * size:
            frames = self._waiting // size
            rest = b"".join(self._pieces)[frames * size :]
            self._pieces, self._waiting = deque([rest]), len(rest)
            self._missing += frames
            self._left_out += frames

    def _understand(self, data: bytes) -> None:
        """Take whole lines: a gap is reported in one."""
        text = self._line + data.decode("utf-8", "replace")
        whole, newline, rest = text.rpartition("\n")
        self._line = rest[-_MOST_SAID:]
        self._dropouts += find_dropouts(whole)
        wrong = find_wrong_rate(whole)
        if wrong is not None:
            self._shape = (self._shape[0], wrong.got, self._shape[2])
        kept = [line for line in whole.splitlines() if line and not _says_nothing(line)]
        if kept:
            self._said = (self._said + "\n".join(kept) + newline)[-_MOST_SAID:]


def _says_nothing(line: str) -> bool:
    """Whether a line says nothing about why a program ended."""
    return is_dropout(line) or line.startswith(_CHATTER)


def _feed(analysis: Analysis, missing: int, data: memoryview) -> None:
    """Measure, after a gap if there was one.  Blocks."""
    if missing:
        analysis.skip(missing)
    analysis.feed(data)
