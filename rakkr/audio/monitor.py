"""Live listening: blocks of any rate and width become 16 kHz mono chunks that join seamlessly."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from rakkr.audio.resampling import Resampler

RATE: Final = 16_000
SHORTEST_SECONDS: Final = 0.001
LONGEST_SECONDS: Final = 10.0
"""What a controller takes; ten seconds are 320 044 bytes, and it takes 512 KiB."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES: Final = 2
_FULL_SCALE: Final = 32768.0


class CannotListen(ValueError):
    """A chunk length or a choice of channels that is not possible; the message is for people."""


@attrs.frozen
class MonitorChunk:
    """
    A piece of what is heard.

    :ivar first_frame: where in the source its first sample lies; between two frames if need be.
    :ivar samples: its length at 16 kHz.
    :ivar wav: the whole file: a header of 44 bytes and 16-bit mono samples.
    """

    first_frame: float
    samples: int
    wav: bytes

    @property
    def duration_ms(self) -> int:
        """Its length as the controller is told it."""
        return max(1, round(self.samples * 1000 / RATE))


class Monitor:
    """
    Mixes channels to their mean and cuts the result, resampled, into chunks.

    :ivar chunk_samples: the length of all chunks but the last before a gap.
    """

    def __init__(
        self,
        rate: int,
        channels: int,
        chunk_seconds: float = 2.0,
        chosen: Sequence[int] | None = None,
        first_frame: int = 0,
    ) -> None:
        """
        Begin a stream.

        :param chosen: which channels are heard, from 0; all of them if None.
        :param first_frame: the number in the source of the first frame that will come.
        :raises CannotListen: for a length outside 1 ms to 10 s, or channels that there are not.
        """
        if not SHORTEST_SECONDS <= chunk_seconds <= LONGEST_SECONDS:
            raise CannotListen(
                f"a chunk lasts {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} seconds,"
                f" not {chunk_seconds:g}"
            )
        heard = range(channels) if chosen is None else sorted(set(chosen))
        if not heard or heard[0] < 0 or heard[-1] >= channels:
            names = ", ".join(str(each + 1) for each in heard) or "none"
            raise CannotListen(f"channels to listen to are 1 to {channels}, not {names}")
        self.chunk_samples = round(chunk_seconds * RATE)
        self._mix = np.zeros((channels, 1), np.float32)
        self._mix[list(heard)] = 1.0 / len(heard)
        self._resampler = Resampler(rate, RATE, 1)
        self._begin(first_frame)

    def _begin(self, first_frame: int) -> None:
        self._origin = first_frame
        self._sent = 0
        self._kept: list[NDArray[np.float32]] = []
        self._kept_samples = 0

    def block(self, block: NDArray[np.float32]) -> list[MonitorChunk]:
        """
        Hear more.

        :param block: (frames, channels), the frames that follow the last ones.
        :returns: the chunks that are complete now.
        """
        self._keep(self._resampler.block(block @ self._mix))
        return list(self._complete())

    def gap(self, next_frame: int) -> list[MonitorChunk]:
        """
        End the stream here, and begin another one.

        :param next_frame: the number of the frame that comes next.
        :returns: what had not been heard yet; the last chunk is as short as it is.
        """
        self._keep(self._resampler.flush()[:, :1])
        chunks = list(self._complete())
        if self._kept_samples:
            chunks.append(self._cut(self._kept_samples))
        self._begin(next_frame)
        return chunks

    def _keep(self, samples: NDArray[np.float32]) -> None:
        self._kept.append(samples[:, 0])
        self._kept_samples += len(samples)

    def _complete(self) -> Iterator[MonitorChunk]:
        while self._kept_samples >= self.chunk_samples:
            yield self._cut(self.chunk_samples)

    def _cut(self, samples: int) -> MonitorChunk:
        joined = np.concatenate(self._kept)
        self._kept, self._kept_samples = [joined[samples:]], len(joined) - samples
        first = self._origin + self._sent * self._resampler.rate / RATE
        self._sent += samples
        return MonitorChunk(first, samples, _wav(joined[:samples]))


def _wav(samples: NDArray[np.float32]) -> bytes:
    scaled = np.rint(samples * np.float32(_FULL_SCALE))
    data: bytes = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1.0).astype("<i2").tobytes()
    head = _HEADER.pack(
        *(b"RIFF", _HEADER.size - 8 + len(data), b"WAVE", b"fmt ", 16, 1, 1),
        *(RATE, RATE * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES, b"data", len(data)),
    )
    return head + data
