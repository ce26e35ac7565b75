"""Samples for tests, and what measures them."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rakkr.audio.monitor import Monitor, MonitorChunk
from rakkr.audio.pcm import SampleFormat, sample_format
from rakkr.meters.analysis import Analysis, Measured
from rakkr.meters.sending import Heard

RATE = 8000
S16 = sample_format("S16_LE")


def make(sample: SampleFormat, rate: int, channels: int) -> Analysis:
    """Measure levels, and let somebody listen to chunks of half a second."""
    monitor = Monitor(rate, channels, 0.5)
    return Analysis(sample, rate, channels, clip_dbfs=-1.0, speech=None, monitor=monitor)


def pcm(seconds: float, *levels: float) -> bytes:
    """Channels of 16 bits that go between plus and minus a level, and are not alike; 2 if one."""
    both = levels * 2 if len(levels) == 1 else levels
    frames = round(seconds * RATE)
    slower = np.arange(frames)[:, np.newaxis] // np.arange(1, len(both) + 1)
    samples = np.where(slower % 2, -32768.0, 32768.0) * both
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def ramp(frames: int, first: int = 0) -> bytes:
    """Two channels of 16 bits that both count frames, a little above silence."""
    numbers = (np.arange(first, first + frames) % 20_000).astype("<i2")
    return np.repeat(numbers, 2).tobytes()


def heard(chunks: Sequence[Heard | MonitorChunk]) -> npt.NDArray[np.int16]:
    """The samples of chunks, joined."""
    parts = []
    for chunk in chunks:
        with wave.open(io.BytesIO(chunk.wav)) as file:
            parts.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    return np.concatenate([np.zeros(0, np.int16), *parts])


class Defective(Analysis):
    """Breaks at samples that are as loud as can be."""

    def feed(self, data: bytes | memoryview) -> None:
        """Measure what is quieter."""
        if b"\xff\x7f" in bytes(data):
            raise ZeroDivisionError("a defect")
        super().feed(data)


def make_defective(sample: SampleFormat, rate: int, channels: int) -> Analysis:
    """Measure as long as nothing is as loud as can be."""
    return Defective(sample, rate, channels, clip_dbfs=-1.0, speech=None, monitor=None)


class Unsummable(Analysis):
    """Measures, and can never say what."""

    def frame(self) -> Measured:
        """Break."""
        raise ZeroDivisionError("a defect")


def make_unsummable(sample: SampleFormat, rate: int, channels: int) -> Analysis:
    """Measure, and break when it is summed up."""
    return Unsummable(sample, rate, channels, clip_dbfs=-1.0, speech=None, monitor=None)
