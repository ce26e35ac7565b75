"""What a stream was like, second by second: a row of small numbers for each second and channel."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
"""Elements are structures with the fields that :func:`row_type` names."""

STEPS: Final = 5
"""Loudness is kept for every fifth of a second."""
SILENCE: Final = -32767
"""The level of exact zeros, in millibels."""
UNKNOWN: Final = -32768
"""Stands for a level that was not measured."""
MOST_BYTES: Final = 128 << 20
"""A record grows no longer than this: 24 hours of 64 channels at 48 kHz."""

_SPAN: Final = 60  # seconds in a chunk
_SHORT: Final = 0xFFFF
_MOST_HOPS: Final = 0xFF
_BELS: Final = 1000.0


def row_type(rate: int) -> np.dtype[Any]:
    """
    Return what is kept of a channel in a second: 22 bytes, or 26 above 65.5 kHz.

    ``peak``, ``true_peak``, ``power`` (mean square) and ``loudness`` (K-weighted mean squares) are
    levels in millibels, ``clipped`` and ``silent`` are frames, ``heard`` and ``spoken`` hops of
    32 ms.
    """
    frames = "<u2" if rate <= _SHORT else "<u4"
    return np.dtype(
        [
            ("peak", "<i2"),
            ("true_peak", "<i2"),
            ("power", "<i2"),
            ("clipped", frames),
            ("silent", frames),
            ("heard", "u1"),
            ("spoken", "u1"),
            ("loudness", "<i2", (STEPS,)),
        ]
    )


def millibels(powers: NDArray[np.float64]) -> NDArray[np.int16]:
    """Write powers, 1 being full scale, as levels; within 0.005 dB."""
    levels = np.full(powers.shape, SILENCE, np.int16)
    heard = powers > 0.0
    levels[heard] = np.clip(np.rint(_BELS * np.log10(powers[heard])), SILENCE + 1, -SILENCE)
    return levels


def powers(levels: NDArray[np.int16]) -> NDArray[np.float64]:
    """Read levels back; what is unknown is no number."""
    found = np.power(10.0, levels.astype(np.float64) / _BELS)
    found[levels == SILENCE] = 0.0
    found[levels == UNKNOWN] = np.nan
    return found


def hops(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Write how much was heard."""
    return np.clip(counts, 0, _MOST_HOPS).astype(np.uint8)


@attrs.frozen(eq=False)
class _Chunk:
    frames: NDArray[np.int32]
    rows: Rows


class Seconds:
    """
    The record of a stream, in chunks of a minute; a day of 32 channels takes 61 MB.

    One thread writes it, others may read: a second that is being written may then be half old.

    :ivar rate: frames in a second.
    :ivar channels: samples in a frame.
    :ivar reached: the frame up to which the stream was measured, or left out.
    """

    def __init__(self, rate: int, channels: int, most_bytes: int = MOST_BYTES) -> None:
        self.rate = rate
        self.channels = channels
        self.reached = 0
        self._type = row_type(rate)
        self._chunks: dict[int, _Chunk] = {}
        self._most_chunks = most_bytes // (_SPAN * channels * self._type.itemsize)

    @property
    def nbytes(self) -> int:
        """How much memory the numbers take."""
        return sum(each.rows.nbytes + each.frames.nbytes for each in self._chunks.values())

    def put(self, second: int, frames: int, row: Rows) -> None:
        """
        Keep a second, unless more of it was kept before, or the record is full.

        :param frames: how many of its frames were measured.
        :param row: one structure for each channel.
        """
        number, at = divmod(second, _SPAN)
        chunk = self._chunks.get(number)
        if chunk is None:
            if len(self._chunks) >= self._most_chunks:
                return
            chunk = self._chunks[number] = self._empty()
        if frames >= chunk.frames[at]:
            chunk.rows[at] = row
            chunk.frames[at] = frames

    def frames(self, first: int, last: int) -> NDArray[np.int64]:
        """How many frames were measured in each second from ``first`` to before ``last``."""
        pieces = [np.zeros(0, np.int64)]
        for number, part in self._spans(first, last):
            chunk = self._chunks.get(number)
            none = np.zeros(part.stop - part.start, np.int32)
            pieces.append((none if chunk is None else chunk.frames[part]).astype(np.int64))
        return np.concatenate(pieces)

    def column(self, channel: int, first: int, last: int) -> Rows:
        """Return the rows of a channel, counted from 0; of an unknown second, a row of nothing."""
        pieces = [np.zeros(0, self._type)]
        for number, part in self._spans(first, last):
            chunk = self._chunks.get(number)
            if chunk is None:
                pieces.append(self._nothing(part.stop - part.start))
            else:
                pieces.append(chunk.rows[part, channel])
        return np.concatenate(pieces)

    @staticmethod
    def _spans(first: int, last: int) -> list[tuple[int, slice]]:
        chunks = range(first // _SPAN, -(-last // _SPAN))
        return [
            (each, slice(max(first - each * _SPAN, 0), min(last - each * _SPAN, _SPAN)))
            for each in chunks
        ]

    def _empty(self) -> _Chunk:
        return _Chunk(np.zeros(_SPAN, np.int32), self._nothing(_SPAN, self.channels))

    def _nothing(self, *shape: int) -> Rows:
        rows = np.zeros(shape, self._type)
        for level in ("peak", "true_peak", "power", "loudness"):
            rows[level] = UNKNOWN
        return rows
