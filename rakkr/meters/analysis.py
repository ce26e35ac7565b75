"""What is made of one stream of samples: levels, speech, and what listeners hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import numpy as np

from rakkr.audio.blocks import Block, Counts, Decoder
from rakkr.audio.meter import Meter
from rakkr.audio.monitor import Monitor, MonitorChunk
from rakkr.audio.pcm import SampleFormat
from rakkr.audio.speech import SpeechMeter
from rakkr.audio.tally import Spoken, Tally
from rakkr.meters.frame import ChannelLevels
from rakkr.meters.levels import levels_of

MakeAnalysis = Callable[[SampleFormat, int, int], "Analysis"]
"""Makes one for a format, a rate in Hz and a number of channels."""


@attrs.frozen
class Measured:
    """
    What was measured since the last time.

    :ivar levels: of each channel, in order.
    :ivar frames: how many frames it is of.
    """

    levels: tuple[ChannelLevels, ...]
    frames: int


class Analysis:
    """
    Takes samples in as they come; for one thread at a time.

    :ivar shape: the format, the rate and the number of channels.
    :ivar rate: frames in a second.
    :ivar channels: samples in a frame.
    :ivar frame_bytes: bytes of a frame.
    :ivar position: the number of the frame that comes next.
    :ivar frames: how many frames were measured since the last summing up.
    """

    def __init__(
        self,
        sample: SampleFormat,
        rate: int,
        channels: int,
        *,
        clip_dbfs: float,
        speech: SpeechMeter | None,
        monitor: Monitor | None,
        tally: Tally | None = None,
    ) -> None:
        """:param tally: keeps what was measured of each second, for the end."""
        self.shape = (sample, rate, channels)
        self.rate = rate
        self.channels = channels
        self.frame_bytes = sample.frame_bytes(channels)
        self.position = 0
        self.frames = 0
        self._clip_dbfs = clip_dbfs
        self._decoder = Decoder(sample, channels)
        self._meter = Meter(rate, channels, 10.0 ** (clip_dbfs / 20.0))
        self._speech = speech
        self._monitor = monitor
        self._tally = tally
        self._chunks: list[MonitorChunk] = []

    def feed(self, data: bytes | memoryview) -> None:
        """
        Measure whole frames.

        :raises PartialFrame: for anything else.
        """
        for block in self._decoder.blocks(data):
            bad: Counts | None = self._decoder.bad
            for piece in self._pieces(block):
                measured = self._meter.block(piece, bad)
                bad = None
                if self._speech is not None:
                    self._speech.block(piece)
                if self._monitor is not None:
                    self._chunks += self._monitor.block(piece)
                if self._tally is not None:
                    self._tally.add(piece, measured, self._spoken())
                self.position += len(piece)
                self.frames += len(piece)

    def _pieces(self, block: Block) -> Iterator[Block]:
        """Cut a block where the tally begins another second, each time the last was taken."""
        at = 0
        while at < len(block):
            frames = len(block) if self._tally is None else self._tally.left
            yield block[at : at + frames]
            at += frames

    def _spoken(self) -> Spoken | None:
        if self._speech is None:
            return None
        return Spoken(self._speech.heard_hops, self._speech.spoken_hops)

    def begin(self, frame: int) -> None:
        """Let the first frame that comes have this number; of those before nothing is missing."""
        if frame:
            self.position = frame
            self.gap(frame)

    def end(self) -> None:
        """Let listeners hear what they have not heard yet: nothing follows."""
        self.gap(self.position)

    def gap(self, next_frame: int) -> None:
        """Go on at another frame: what lies between was not seen."""
        missing = max(0, next_frame - self.position)
        if self._speech is not None:
            self._speech.gap(missing)
        if self._monitor is not None:
            self._chunks += self._monitor.gap(next_frame)
        if self._tally is not None:
            self._tally.gap(next_frame)
        self.position = next_frame

    def skip(self, frames: int) -> None:
        """Leave frames out."""
        self.gap(self.position + frames)

    def take_chunks(self) -> list[MonitorChunk]:
        """What listeners hear, since the last time."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def frame(self) -> Measured:
        """Sum up what was measured since the last time."""
        speech = None
        if self._speech is not None:
            speech = np.array([each.last_score or 0.0 for each in self._speech.frame()])
        measured = self._meter.frame(speech)
        frames, self.frames = self.frames, 0
        return Measured(levels_of(measured, self._clip_dbfs, heard=speech is not None), frames)
