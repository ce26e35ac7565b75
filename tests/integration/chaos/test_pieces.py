"""Numbers in files, and arithmetic on runs of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.tone import numbered
from rakkr.tone.ledger import Run
from tests.integration.chaos.pieces import Piece, count, merged, pieces_of, within, without

runs = st.lists(st.builds(Run, st.integers(0, 60), st.integers(0, 10)), max_size=6)


def members(found: object) -> set[int]:
    """The numbers in runs."""
    return {number for run in found for number in range(run.first, run.end)}  # type: ignore[attr-defined]


class PiecesTests(SynchronousTestCase):
    @given(
        st.sampled_from(["S16_LE", "S24_LE", "S24_3LE", "S32_LE", "FLOAT_LE"]),
        st.sampled_from([2, 4]),
        st.integers(1 << 20, 1 << 35),
        st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(2, 900)), max_size=6),
    )
    def test_cut(
        self, name: str, channels: int, first: int, parts: list[tuple[bool, int, int]]
    ) -> None:
        """Runs and silences are found where they stand, though numbers start again in few bits."""
        sample, data, expected, at = sample_format(name), b"", [], 0
        number, was_silent = first, False
        for silent, frames, hole in parts:
            if silent and was_silent:
                continue
            was_silent = silent
            if silent:
                data += bytes(frames * sample.frame_bytes(channels))
                expected.append(Piece(at, frames, None))
            else:
                number += hole
                data += numbered.encode(number, frames, sample, channels)
                expected.append(Piece(at, frames, number))
                number += frames
            at += frames
        self.assertEqual(pieces_of(data, sample, channels, first), tuple(expected))

    def test_contradiction(self) -> None:
        """A frame that is put together from two is refused."""
        sample = sample_format("S16_LE")
        data = numbered.encode(7, 1, sample, 4)[:6] + b"\x09\x00"
        with self.assertRaises(numbered.ChannelsDisagree):
            pieces_of(data, sample, 4, 7)


class RunTests(SynchronousTestCase):
    @given(runs, runs, st.integers(0, 70), st.integers(0, 70))
    def test_sets(self, one: list[Run], other: list[Run], first: int, end: int) -> None:
        """Runs behave as the sets of their numbers do."""
        joined = merged([*one, *other])
        self.assertEqual(members(joined), members(one) | members(other))
        self.assertEqual(count(joined), len(members(joined)))
        self.assertTrue(all(a.end < b.first for a, b in pairwise(joined)))
        self.assertEqual(members(without(one, other)), members(one) - members(other))
        self.assertEqual(
            members(within(joined, first, end)), members(joined) & {*range(first, end)}
        )
