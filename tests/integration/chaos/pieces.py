"""What stands in a file of numbered frames, as runs of numbers and of silence."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.pcm import SampleFormat
from rakkr.tone import numbered
from rakkr.tone.ledger import Run

_SILENT = -1


@attrs.frozen
class Piece:
    """
    Frames of a file that belong together.

    :ivar at: the position of the first one in the file.
    :ivar first: its number; None for silence.
    """

    at: int
    frames: int
    first: int | None

    @property
    def end(self) -> int:
        """The position after the last frame."""
        return self.at + self.frames

    @property
    def run(self) -> Run:
        """The numbers of frames that are not silent."""
        assert self.first is not None
        return Run(self.first, self.frames)


def pieces_of(data: bytes, sample: SampleFormat, channels: int, near: int) -> tuple[Piece, ...]:
    """
    Read the numbers of a file, and cut them where they do not follow one another.

    :param data: interleaved samples, whole frames.
    :param near: a true number not further from any of the file's than half the modulus: numbers
        in samples of few bits start again from 0.
    :raises numbered.ChannelsDisagree: when a frame contradicts itself.
    """
    size = sample.frame_bytes(channels)
    if not data:
        return ()
    sounds: npt.NDArray[np.bool_] = np.any(np.frombuffer(data, np.uint8).reshape(-1, size), axis=1)
    silent = ~sounds
    numbers = unwrapped(numbered.decode(data, sample, channels), sample, channels, near)
    numbers[silent] = _SILENT
    follows = (np.diff(numbers) == 1) & ~silent[:-1]
    same = follows | (silent[1:] & silent[:-1])
    starts = [0, *(np.flatnonzero(~same) + 1).tolist()]
    ends = [*starts[1:], len(numbers)]
    return tuple(
        Piece(at, end - at, None if silent[at] else int(numbers[at]))
        for at, end in zip(starts, ends, strict=True)
    )


def unwrapped(
    numbers: npt.NDArray[np.int64], sample: SampleFormat, channels: int, near: int
) -> npt.NDArray[np.int64]:
    """Find the true numbers, of which the samples carry the low bits, next to a true one."""
    modulus = numbered.modulus(sample, channels)
    return near + (numbers - near + modulus // 2) % modulus - modulus // 2


def merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Join runs that touch or overlap; in order."""
    found: list[Run] = []
    for run in sorted(runs):
        if found and run.first <= found[-1].end:
            found[-1] = Run(found[-1].first, max(found[-1].end, run.end) - found[-1].first)
        elif run.frames > 0:
            found.append(run)
    return tuple(found)


def within(runs: Iterable[Run], first: int, end: int) -> tuple[Run, ...]:
    """Cut what lies from ``first`` up to but not including ``end``."""
    cut = ((max(run.first, first), min(run.end, end)) for run in runs)
    return tuple(Run(a, b - a) for a, b in cut if b > a)


def without(runs: Iterable[Run], others: Iterable[Run]) -> tuple[Run, ...]:
    """Take away from runs what is in others, too."""
    left = list(merged(runs))
    for other in merged(others):
        left = [
            part
            for run in left
            for part in (*within([run], run.first, other.first), *within([run], other.end, run.end))
        ]
    return tuple(left)


def count(runs: Iterable[Run]) -> int:
    """How many frames there are in runs."""
    return sum(run.frames for run in runs)
