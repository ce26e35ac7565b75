"""Tests for ``rakkr.jobs.timeline``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import sample_format
from rakkr.jobs.timeline import Gap, Stamp, Timeline

S16 = sample_format("S16_LE")
SHAPE = (S16, 48_000, 2)
FRAMES = st.integers(1, 1000)
#: Where each segment belongs by the clock, and how long it is.
SEGMENTS = st.lists(st.tuples(st.integers(0, 5000), FRAMES), max_size=6)
WINDOW = st.tuples(st.integers(0, 4000), st.integers(0, 3000)).map(lambda it: (it[0], sum(it)))


def audio(number: int, frames: int) -> CapturedAudio:
    """A file of so many frames."""
    return CapturedAudio(Path(f"/c/{number}.wav"), 80, S16, 48_000, 2, frames, wav=True)


def timeline(segments: Sequence[tuple[int, int]]) -> Timeline:
    """Segments, one after another, each after a loss of its own."""
    line = Timeline()
    for number, (offset, frames) in enumerate(segments, start=1):
        line = line.with_segment(number, audio(number, frames), offset, f"loss {number}")
    return line


class StampTests(SynchronousTestCase):
    """Moments of two clocks."""

    def test_one_boot(self) -> None:
        """Within a boot the monotonic clock counts, whatever people set the time to."""
        self.assertEqual(Stamp(7.0, 9999.0, "a").since(Stamp(5.0, 1.0, "a")), 2.0)

    def test_across_a_reboot(self) -> None:
        """Across a reboot wall time is all that there is."""
        self.assertEqual(Stamp(1.0, 1060.0, "b").since(Stamp(500.0, 1000.0, "a")), 60.0)


class PropertyTests(SynchronousTestCase):
    """What holds for any segments."""

    @given(SEGMENTS)
    def test_no_overlap(self, segments: list[tuple[int, int]]) -> None:
        """No two segments overlap, none begins before its moment, and each keeps its length."""
        placed = timeline(segments).placed
        for one, two in itertools.pairwise(placed):
            self.assertLessEqual(one.end, two.start)
        for each, (offset, frames) in zip(placed, segments, strict=True):
            self.assertGreaterEqual(each.start, offset)
            self.assertEqual(each.audio.frames, frames)

    @given(SEGMENTS, WINDOW)
    def test_filled(self, segments: list[tuple[int, int]], window: tuple[int, int]) -> None:
        """With silence in the gaps a recording is as long as its window."""
        start, end = window
        strip = timeline(segments).strip(start, end, shape=SHAPE, fill=True)
        self.assertEqual(strip.frames, end - start)

    @given(SEGMENTS, WINDOW)
    def test_joined(self, segments: list[tuple[int, int]], window: tuple[int, int]) -> None:
        """Without, it is as long as what was captured of it, in the same order."""
        line, (start, end) = timeline(segments), window
        strip = line.strip(start, end, shape=SHAPE, fill=False)
        self.assertEqual(strip.frames, line.captured(start, end))
        self.assertEqual(strip.silent_frames, 0)
        names = [piece.audio.path for piece in strip.pieces if piece.audio is not None]
        self.assertEqual(names, sorted(names))

    @given(SEGMENTS, WINDOW)
    def test_account(self, segments: list[tuple[int, int]], window: tuple[int, int]) -> None:
        """Captured frames and declared ones make the window; a gap is never empty."""
        line, (start, end) = timeline(segments), window
        gaps = line.gaps(start, end)
        self.assertEqual(line.captured(start, end) + sum(gap.frames for gap in gaps), end - start)
        for gap in gaps:
            self.assertGreater(gap.frames, 0)
            self.assertTrue(start <= gap.start_frame < gap.end_frame <= end)
            self.assertEqual(line.captured(gap.start_frame, gap.end_frame), 0)

    @given(SEGMENTS, WINDOW, st.integers(0, 3000))
    def test_cut(self, segments: list[tuple[int, int]], window: tuple[int, int], at: int) -> None:
        """Two parts of a recording are the recording, wherever it is cut."""
        line, (start, end) = timeline(segments), window
        middle = min(start + at, end)
        for fill in (True, False):
            one = line.strip(start, middle, shape=SHAPE, fill=fill)
            two = line.strip(middle, end, shape=SHAPE, fill=fill)
            self.assertEqual(one + two, line.strip(start, end, shape=SHAPE, fill=fill))

    @given(SEGMENTS, st.lists(FRAMES, min_size=1, max_size=5))
    def test_growing(self, segments: list[tuple[int, int]], grows: list[int]) -> None:
        """Looks at a growing segment move nothing that was there before."""
        line = timeline(segments)
        number, offset, before = len(segments) + 1, 700, line.placed
        starts = set()
        for frames in sorted(grows):
            line = line.with_segment(number, audio(number, frames), offset, "x")
            self.assertEqual(line.placed[:-1], before)
            starts.add(line.placed[-1].start)
        self.assertEqual(len(starts), 1)

    @given(SEGMENTS.flatmap(lambda each: st.permutations(list(enumerate(each, start=1)))))
    def test_any_order(self, numbered: list[tuple[int, tuple[int, int]]]) -> None:
        """Segments keep the order of their numbers, however late one is known."""
        line = Timeline()
        for number, (offset, frames) in numbered:
            line = line.with_segment(number, audio(number, frames), offset, "")
        self.assertEqual([each.number for each in line.placed], sorted(n for n, _ in numbered))


class GapTests(SynchronousTestCase):
    """Reasons."""

    def test_reasons(self) -> None:
        """A gap has the reason of the loss before it; the one at the end that of the last loss."""
        line = timeline([(0, 100), (150, 100)])
        self.assertEqual(line.gaps(0, 300, "gone"), (Gap(100, 50, "loss 2"), Gap(250, 50, "gone")))

    def test_nothing_yet(self) -> None:
        """Of a take without a sample everything is missing."""
        self.assertEqual(Timeline().gaps(10, 30, "no card"), (Gap(10, 20, "no card"),))
        self.assertEqual(Timeline().gaps(10, 10, "no card"), ())
