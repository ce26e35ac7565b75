"""How long something lasted without a break: runs of samples that join across borders."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.blocks import Block, Counts

ZERO: Final = 0
STUCK: Final = 1
CLIPPED: Final = 2
KINDS: Final = 3
NOTABLE: Final = 32
"""Samples: zeros and equal values in a shorter run are ordinary sound, and count as no run."""

_GROUP: Final = 16  # a run of NOTABLE samples covers one aligned group of these
_ENDS: Final = np.array([0, 1, -1, -2])
_LEAST: Final = np.array([[NOTABLE], [NOTABLE], [1]])
Flags = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class Runs:
    """
    Runs of three kinds in a stretch, each an array of shape (kind, channels), in samples.

    The kinds are exact zeros, equal values that are not zero, and samples at the clip level.

    :ivar head: the run with which the stretch begins, of any length.
    :ivar tail: the run with which it ends, of any length.
    :ivar longest: the longest one that is long enough to count.
    """

    head: Counts
    tail: Counts
    longest: Counts

    @classmethod
    def none(cls, channels: int) -> Runs:
        """Return what an empty stretch has."""
        nothing = np.zeros((KINDS, channels), np.int64)
        return cls(nothing, nothing, nothing)

    def then(self, frames: int, last: Block, other: Runs, other_frames: int, first: Block) -> Runs:
        """
        Join with the runs of the stretch that follows.

        :param frames: the length of this one; 0 when only its tail is known.
        :param last: the last sample of each channel here; ``first`` the first one there.
        """
        if not other_frames or (self is other and frames):
            return self  # the runs of two plain blocks: single samples that are no run
        linked = np.ones(self.tail.shape, np.bool_)
        linked[STUCK] = last == first
        across = np.where(linked, self.tail + other.head, 0)
        across[across < _LEAST] = 0
        head = np.where(linked & (self.head == frames), frames + other.head, self.head)
        tail = np.where(linked & (other.tail == other_frames), other_frames + self.tail, other.tail)
        longest = np.maximum(np.maximum(self.longest, other.longest), across)
        return Runs(head if frames else other.head, tail, longest)

    def longest_of(self, kind: int) -> Counts:
        """The longest run of one kind."""
        longest: Counts = self.longest[kind]
        return longest

    def tail_of(self, kind: int) -> Counts:
        """The run of one kind with which the stretch ends."""
        tail: Counts = self.tail[kind]
        return tail


class Finder:
    """
    Finds the runs of blocks.

    :param clip: the absolute value from which on a sample is clipped.
    """

    def __init__(self, channels: int, clip: float) -> None:
        self._clip = clip
        self._unclipped = np.zeros(channels, np.int64)
        none = Runs.none(channels)
        single = np.zeros((KINDS, channels), np.int64)
        single[STUCK] = 1
        self._plain = Runs(single, single, none.longest)

    def find(self, block: Block, highest: Block, lowest: Block, peak: Block) -> tuple[Runs, Counts]:
        """
        Find the runs of a block, and count its samples at the clip level.

        :param highest: the highest sample of each channel; ``lowest`` and ``peak`` likewise.
        """
        suspects = _suspects(block)
        plain = suspects is None and peak.max() < self._clip
        if plain and _starts_and_ends_plainly(block):
            return self._plain, self._unclipped
        frames, channels = block.shape
        head, tail, longest = (np.zeros((KINDS, channels), np.int64) for _ in range(3))
        begin, end = _beginning(block), _beginning(block[::-1])
        zero_begin, zero_end = block[0] == 0, block[-1] == 0
        constant = highest == lowest
        begin[constant] = end[constant] = frames
        head[ZERO], head[STUCK] = np.where(zero_begin, begin, 0), np.where(zero_begin, 0, begin)
        tail[ZERO], tail[STUCK] = np.where(zero_end, end, 0), np.where(zero_end, 0, end)
        if frames >= NOTABLE:
            longest[:CLIPPED, constant] = head[:CLIPPED, constant]
        for channel in () if suspects is None else np.flatnonzero(suspects & ~constant):
            column = np.ascontiguousarray(block[:, channel])
            lengths, starts = _stretches(column)
            zero = column[starts] == 0
            _note(head, tail, longest, ZERO, channel, np.where(zero, lengths, 0))
            _note(head, tail, longest, STUCK, channel, np.where(zero, 0, lengths))
        clipped = np.zeros(channels, np.int64)
        for channel in np.flatnonzero(peak >= self._clip):
            there = np.abs(block[:, channel]) >= self._clip
            clipped[channel] = np.count_nonzero(there)
            lengths, starts = _stretches(there)
            _note(head, tail, longest, CLIPPED, channel, np.where(there[starts], lengths, 0))
        return Runs(head, tail, longest), clipped


def _starts_and_ends_plainly(block: Block) -> bool:
    """Whether no channel is zero, or has two equal samples, at either end."""
    if len(block) <= 1:
        return False
    ends = block.take(_ENDS, axis=0)
    return bool(ends[::2].all() and (ends[::2] != ends[1::2]).all())


def _beginning(block: Block) -> Counts:
    """Count the equal samples at the beginning, no more than NOTABLE."""
    few = min(len(block), NOTABLE)
    equal = np.logical_and.accumulate(block[:few] == block[0])
    count: Counts = equal.sum(axis=0)
    return count


def _suspects(block: Block) -> Flags | None:
    """Name the channels with a group of equal samples: only these can have a run that counts."""
    frames, channels = block.shape
    groups = frames // _GROUP
    rows = block[: groups * _GROUP].reshape(groups, _GROUP * channels)
    equal = rows[:, :channels] == rows[:, -channels:]
    for place in range(1, _GROUP - 1):
        if not equal.any():
            return None
        equal &= rows[:, :channels] == rows[:, place * channels : (place + 1) * channels]
    suspects: Flags = equal.any(axis=0)
    return suspects


def _stretches(column: npt.NDArray[Any]) -> tuple[Counts, Counts]:
    """Cut a column where its value changes: how long each piece is, and where it starts."""
    starts = np.concatenate(([0], np.flatnonzero(column[1:] != column[:-1]) + 1))
    return np.diff(starts, append=len(column)), starts


def _note(
    head: Counts, tail: Counts, longest: Counts, kind: int, channel: np.intp, lengths: Counts
) -> None:
    """Write down one channel; ``lengths`` are of its pieces in order, 0 for those of no concern."""
    head[kind, channel], tail[kind, channel] = lengths[0], lengths[-1]
    most = lengths.max()
    longest[kind, channel] = most if most >= _LEAST[kind, 0] else 0
