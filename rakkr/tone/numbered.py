"""
Samples in which every frame says its own number, so that none can be lost unseen.

A frame number is cut into slices of as many bits as a sample carries: 8, 16, 24 or 32 for integer
formats and 24 for floats, which hold the slice ``k`` exactly as ``k / 2**23 - 1``.  Channel ``c``
carries slice ``c modulo n`` of the ``n`` slices that make up to 48 bits, the lowest first.  With
too few channels for 48 bits, numbers count modulo what fits: see :func:`modulus`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rakkr.audio.pcm import SampleFormat
from rakkr.tone.coding import Words, pack, unpack

NUMBER_BITS: Final = 48
_FLOAT_BITS: Final = 24


class ChannelsDisagree(ValueError):
    """Channels that carry the same slice of a frame's number differ: the frame was put together."""


def modulus(sample: SampleFormat, channels: int) -> int:
    """Say how many frames are told apart: numbers start again from 0 after that many."""
    return 1 << min(NUMBER_BITS, _bits(sample) * channels)


def encode(first_frame: int, frames: int, sample: SampleFormat, channels: int) -> bytes:
    """Make ``frames`` frames of interleaved samples that carry their numbers."""
    numbers = np.arange(first_frame, first_frame + frames, dtype=np.int64)
    numbers %= modulus(sample, channels)
    slices = _slices(sample, channels)
    bits = _bits(sample)
    shifts = (np.arange(channels) % slices) * bits
    words: Words = (numbers[:, None] >> shifts[None, :]) & ((1 << bits) - 1)
    if sample.kind == "float":
        return (words / 2.0**23 - 1.0).astype(_float(sample)).tobytes()
    return pack(words, sample)


def decode(data: bytes, sample: SampleFormat, channels: int) -> npt.NDArray[np.int64]:
    """
    Read the frame numbers, modulo :func:`modulus`, of whole frames; a cut last one is left out.

    :raises ChannelsDisagree: when a frame contradicts itself.
    """
    size = sample.frame_bytes(channels)
    data = data[: len(data) - len(data) % size]
    if sample.kind == "float":
        waves = np.frombuffer(data, _float(sample)).astype(np.float64)
        words = np.rint((waves + 1.0) * 2.0**23).astype(np.int64)
    else:
        words = unpack(data, sample)
    words = words.reshape(-1, channels)
    slices, bits = _slices(sample, channels), _bits(sample)
    numbers = np.zeros(len(words), np.int64)
    for channel in range(channels):
        if channel < slices:
            numbers |= words[:, channel] << (channel * bits)
        elif not np.array_equal(words[:, channel], words[:, channel % slices]):
            at = int(np.argmax(words[:, channel] != words[:, channel % slices]))
            raise ChannelsDisagree(
                f"frame {at} of the data: channels {channel % slices} and {channel} differ"
            )
    return numbers & (modulus(sample, channels) - 1)


def _bits(sample: SampleFormat) -> int:
    return _FLOAT_BITS if sample.kind == "float" else sample.bits


def _slices(sample: SampleFormat, channels: int) -> int:
    return min(channels, -(-NUMBER_BITS // _bits(sample)))


def _float(sample: SampleFormat) -> np.dtype[Any]:
    return np.dtype(f"{'>' if sample.big_endian else '<'}f{sample.container_bytes}")
