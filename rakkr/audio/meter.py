"""The meter of a stream: levels, quality and likeness of all its channels."""

from __future__ import annotations

import attrs
import numpy as np

from rakkr.audio.blocks import Block, Counts
from rakkr.audio.gauge import FULL_SCALE, Gauge
from rakkr.audio.quality import Quality, judge
from rakkr.audio.shapes import Values
from rakkr.audio.stretch import Stretch
from rakkr.audio.texture import TextureFollower


@attrs.frozen(eq=False)
class MeterFrame:
    """
    What was measured since the last frame.

    :ivar rate: frames in a second.
    :ivar stretch: levels of this time alone; those of consecutive frames can be joined.
    :ivar lasting: the same, with runs and the first crossing that began before.
    :ivar quality: scores, one for each channel.
    """

    rate: int
    stretch: Stretch
    lasting: Stretch
    quality: Quality


class Meter:
    """
    Measures a stream, block by block; for one thread at a time.

    What it keeps depends on the channels and the rate, and not on how long it runs.

    :param rate: frames in a second.
    :param clip: the absolute value from which on a sample is clipped.
    """

    def __init__(self, rate: int, channels: int, clip: float = FULL_SCALE) -> None:
        self._rate, self._channels = rate, channels
        self._gauge = Gauge(rate, channels, clip)
        self._texture = TextureFollower(rate, channels)
        self._before = self._stretch = Stretch.empty(channels)

    def block(self, block: Block, bad: Counts | None = None) -> Stretch:
        """
        Take in the next frames of the stream, of shape (frames, channels), any number of them.

        :param bad: the samples in each channel that were no number, and are 0 in the block.
        :returns: what was measured of these frames alone.
        """
        block = np.ascontiguousarray(block, np.float32)
        measured = self._gauge.measure(block, bad)
        self._stretch = self._stretch.then(measured)
        self._texture.block(block)
        return measured

    def frame(self, speech: Values | None = None) -> MeterFrame:
        """
        Sum up since the last frame, and begin a new one.

        The noise floor, earlier hum, and runs that have not ended are remembered.

        :param speech: the part of the time in which somebody spoke, 0 to 1, for each channel; none
            where it is not known.
        """
        if speech is None:
            speech = np.zeros(self._channels)
        stretch = self._stretch
        lasting = self._before.then(stretch)
        texture = self._texture.frame()
        self._before, self._stretch = lasting.ending(), Stretch.empty(self._channels)
        return MeterFrame(self._rate, stretch, lasting, judge(stretch, texture, speech))
