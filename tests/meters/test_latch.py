"""Tests for ``rakkr.meters.latch``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.latch import Latch
from rakkr.meters.limits import Limits

LIMITS = Limits()


def frames_needed(seconds: float, limits: Limits, *, on: bool = False) -> int:
    """How many frames of one length it takes to flip a latch."""
    latch = Latch(on)
    for count in range(1, 1000):
        latch = latch.see(not on, seconds, limits)
        if latch.on is not on:
            return count
    raise AssertionError("it never flipped")


class LatchTests(SynchronousTestCase):
    """What lasts, and what does not."""

    def test_three_frames(self) -> None:
        """By default it takes three frames of five seconds, also when they are not quite that."""
        for seconds in (4.9, 5.0, 5.1, 6.0):
            self.assertEqual(frames_needed(seconds, LIMITS), 3)
            self.assertEqual(frames_needed(seconds, LIMITS, on=True), 3)

    def test_other_periods(self) -> None:
        """It takes the same time, to the closest frame, when frames come more or less often."""
        for seconds, frames in ((0.2, 75), (1.0, 15), (2.0, 7), (10.0, 2), (12.0, 2), (60.0, 1)):
            self.assertEqual(frames_needed(seconds, LIMITS), frames, seconds)

    def test_both_ways(self) -> None:
        """Going on and going off each have their time; none is the first frame."""
        limits = Limits(set_seconds=0, clear_seconds=30)
        self.assertEqual(frames_needed(5, limits), 1)
        self.assertEqual(frames_needed(0, limits), 1)
        self.assertEqual(frames_needed(5, limits, on=True), 6)

    def test_one_frame_that_agrees(self) -> None:
        """A frame that agrees begins the count anew, one that cannot tell holds it."""
        two = Latch().see(True, 5, LIMITS).see(True, 5, LIMITS)
        self.assertTrue(two.see(None, 5, LIMITS).see(True, 5, LIMITS).on)
        self.assertEqual(two.see(False, 5, LIMITS), Latch())

    @given(st.lists(st.tuples(st.none() | st.booleans(), st.floats(0.01, 60))))
    def test_evidence(self, seen: list[tuple[bool | None, float]]) -> None:
        """It flips only with a frame that says so, and after most of the time it needs."""
        latch = Latch()
        for present, seconds in seen:
            after = latch.see(present, seconds, LIMITS)
            if after.on != latch.on:
                self.assertEqual(present, after.on)
                self.assertGreaterEqual(latch.seconds + seconds, 12.5)
                self.assertEqual(after.seconds, 0)
            latch = after
