"""Another sample rate, without aliases, block by block: a typed face of libsoxr."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Resampler:
    """
    Resamples a stream of blocks; the results, joined, are those of resampling all at once.

    The filter's delay is taken off: sample ``n`` that comes out is the sound at ``n / to`` seconds
    of what went in.  It comes out later, when the filter has seen enough.

    :ivar rate: samples in a second of what goes in.
    :ivar to: the same of what comes out.
    """

    def __init__(self, rate: int, to: int, channels: int) -> None:
        self.rate = rate
        self.to = to
        self._channels = channels
        self._stream = soxr.ResampleStream(rate, to, channels, dtype="float32", quality="HQ")

    @property
    def pending(self) -> int:
        """Samples that will come out of what went in already."""
        return int(np.ceil(self._stream.delay()))

    def block(self, block: Floats) -> Floats:
        """
        Put frames in.

        :param block: (frames, channels), finite.
        :returns: (frames, channels), any number of them, also none.
        """
        return self._through(np.ascontiguousarray(block), last=False)

    def flush(self) -> Floats:
        """Take out what is pending; the next block begins a new stream."""
        rest = self._through(np.zeros((0, self._channels), np.float32), last=True)
        self._stream.clear()
        return rest

    def _through(self, block: Floats, *, last: bool) -> Floats:
        result: Floats = self._stream.resample_chunk(block, last=last)
        return result
