"""Waves into samples of every format that the agent can size; integers into samples and back."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rakkr.audio.pcm import SampleFormat

_PACKED: Final = 3  # bytes, for which numpy has no type
Waves = npt.NDArray[np.floating[Any]]
Words = npt.NDArray[np.int64]


def encode(waves: Waves, sample: SampleFormat) -> bytes:
    """
    Code waves as interleaved samples; integers are clipped to full scale, floats are not.

    :param waves: of shape (frames, channels); full scale is -1 to 1.
    """
    if sample.kind == "float":
        return waves.astype(_dtype(sample)).tobytes()
    most = (1 << (sample.bits - 1)) - 1
    words = np.rint(np.clip(waves, -1.0, 1.0) * most).astype(np.int64)
    return pack(words + (1 << (sample.bits - 1)) if sample.kind == "unsigned" else words, sample)


def pack(words: Words, sample: SampleFormat) -> bytes:
    """Store the low ``bits`` bits of integers as integer samples, two's complement if signed."""
    if sample.container_bytes == _PACKED:
        four = words.astype(">i4" if sample.big_endian else "<i4").reshape(-1, 1).view(np.uint8)
        return (four[:, 1:] if sample.big_endian else four[:, :3]).tobytes()
    if sample.bits < sample.container_bytes * 8:  # sign-extended, as ALSA devices deliver it
        spare = 64 - sample.bits
        words = (words << spare) >> spare
    return words.astype(_dtype(sample)).tobytes()


def unpack(data: bytes, sample: SampleFormat) -> Words:
    """Read integer samples as their ``bits`` bits, never negative; the inverse of :func:`pack`."""
    mask = (1 << sample.bits) - 1
    if sample.container_bytes == _PACKED:
        three = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int64)
        low, high = (2, 0) if sample.big_endian else (0, 2)
        return three[:, low] | three[:, 1] << 8 | three[:, high] << 16
    return np.frombuffer(data, _dtype(sample)).astype(np.int64) & mask


def _dtype(sample: SampleFormat) -> np.dtype[Any]:
    kind = {"signed": "i", "unsigned": "u", "float": "f"}[sample.kind]
    return np.dtype(f"{'>' if sample.big_endian else '<'}{kind}{sample.container_bytes}")
