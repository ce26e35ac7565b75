"""PCM as numbers: bytes of any sample format become blocks of 32-bit floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rakkr.audio.pcm import SampleFormat

Block = npt.NDArray[np.float32]
"""Samples of shape (frames, channels), contiguous and finite; full scale is -1 to 1."""
Counts = npt.NDArray[np.int64]
"""One number for each channel."""

# 600 KiB of floats stay in the second cache of a core while several passes go over them; of 32
# channels at 48 kHz it is a tenth of a second.
_CACHED_SAMPLES: Final = 153_600
_FEWEST_FRAMES: Final = 960
_MOST_FRAMES: Final = 19_200
_PACKED: Final = 3  # bytes, for which numpy has no type
_INT_BYTES: Final = 4


class PartialFrame(ValueError):
    """Bytes that are not a whole number of frames; the message is for people."""


def block_frames(channels: int) -> int:
    """Return how many frames make a block that is quick to work on."""
    return min(max(_CACHED_SAMPLES // channels, _FEWEST_FRAMES), _MOST_FRAMES)


class Decoder:
    """
    Turns interleaved PCM of one format into blocks, in buffers that it uses again.

    Integers are divided by 2 to the power of their bits less one, so that the lowest is -1.  Floats
    are held to -1 to 1; one that is no number, or infinite, becomes 0 and counts as bad.

    :ivar bad: the bad samples in each channel of the block that was decoded last.
    """

    def __init__(self, sample: SampleFormat, channels: int) -> None:
        frames = block_frames(channels)
        self._sample, self._channels = sample, channels
        self._frame_bytes = sample.frame_bytes(channels)
        self._frames = frames
        self._floats = np.empty((frames, channels), np.float32)
        self._bytes = np.zeros(0, np.uint8)
        self._integers = np.zeros(0, np.int32)
        if sample.container_bytes == _PACKED:  # a byte more on either side: see _packed
            self._bytes = np.zeros(frames * self._frame_bytes + 2, np.uint8)
        if sample.bits == 8 * _PACKED:
            self._integers = np.empty(frames * channels, np.int32)
        self.bad: Counts = np.zeros(channels, np.int64)

    def blocks(self, data: bytes | memoryview) -> Iterator[Block]:
        """
        Decode whole frames, a cache-sized block at a time.

        A block is valid until the next one is asked for.

        :raises PartialFrame: before anything is decoded.
        """
        partial = len(data) % self._frame_bytes
        if partial:
            raise PartialFrame(
                f"{len(data)} bytes are not whole frames of {self._channels} channels of "
                f"{self._sample.name}: {partial} bytes are left over"
            )
        view = memoryview(data)
        size = self._frames * self._frame_bytes
        for start in range(0, len(view), size):
            yield self._decoded(view[start : start + size])

    def _decoded(self, data: memoryview) -> Block:
        block = self._floats[: len(data) // self._frame_bytes]
        flat = block.reshape(-1)
        if self._sample.kind == "float":
            self._held(np.frombuffer(data, self._dtype("f")), flat)
            return block
        bits = self._sample.bits
        if self._sample.container_bytes == _PACKED:
            flat[:], bits = self._packed(data), 8 * _INT_BYTES
        elif bits < 8 * self._sample.container_bytes:  # the byte above is of no meaning
            raw = np.frombuffer(data, self._dtype("i"))
            flat[:] = np.left_shift(raw, 8, out=self._integers[: raw.size])
            bits = 8 * _INT_BYTES
        elif self._sample.kind == "unsigned":
            flat[:] = np.frombuffer(data, self._dtype("u"))
            flat -= np.float32(1 << (bits - 1))
        else:
            flat[:] = np.frombuffer(data, self._dtype("i"))
        flat *= np.float32(0.5 ** (bits - 1))
        return block

    def _packed(self, data: memoryview) -> npt.NDArray[np.int32]:
        """Read 3 bytes as the upper ones of 4, the lowest being a neighbour's, which is masked."""
        self._bytes[1 : 1 + len(data)] = np.frombuffer(data, np.uint8)
        order, start = (">", 1) if self._sample.big_endian else ("<", 0)
        count = len(data) // _PACKED
        four = np.ndarray((count,), f"{order}i4", self._bytes.data, start, (_PACKED,))
        integers = self._integers[:count]
        np.bitwise_and(four, -256, out=integers)
        return integers

    def _held(self, raw: npt.NDArray[Any], flat: npt.NDArray[np.float32]) -> None:
        finite = np.isfinite(raw)
        with np.errstate(invalid="ignore"):
            np.clip(raw, -1.0, 1.0, out=flat, casting="same_kind")
        if finite.all():
            self.bad = np.zeros(self._channels, np.int64)
            return
        np.logical_not(finite, out=finite)
        flat[finite] = 0.0
        self.bad = finite.reshape(-1, self._channels).sum(axis=0)

    def _dtype(self, kind: str) -> np.dtype[Any]:
        order = ">" if self._sample.big_endian else "<"
        return np.dtype(f"{order}{kind}{self._sample.container_bytes}")
