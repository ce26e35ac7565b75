"""Tests for ``rakkr.jobs.axis``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.axis import Axis
from rakkr.jobs.timeline import Stamp

RATE = 48_000


def at(seconds: float, *, wall: float | None = None, boot_id: str = "a") -> Stamp:
    """A moment of a boot."""
    return Stamp(seconds, 1000.0 + seconds if wall is None else wall, boot_id)


class AxisTests(SynchronousTestCase):
    """Moments to frames."""

    def test_first_sample_is_frame_0(self) -> None:
        """Frame 0 is the first sample, not the moment at which the device was opened."""
        axis = Axis(RATE)
        self.assertFalse(axis.begun)
        axis.tried(at(5.0))
        self.assertTrue(axis.begun)
        self.assertIsNone(axis.origin)
        axis.started(1, at(5.25))
        self.assertEqual(axis.origin, at(5.25))
        self.assertEqual(axis.frame_at(at(6.25)), RATE)

    def test_first_try_without_a_sample(self) -> None:
        """A try that gave no sample is where the axis begins, and stays it."""
        axis = Axis(RATE)
        axis.tried(at(5.0))
        axis.tried(at(5.5))
        self.assertTrue(axis.settle())
        self.assertFalse(axis.settle())
        axis.started(2, at(7.0))
        self.assertEqual(axis.frame_at(at(7.0)), 2 * RATE)
        self.assertEqual(axis.start_of(2), at(7.0))
        self.assertIsNone(axis.start_of(1))

    def test_settled_by_a_sample(self) -> None:
        """A loss after the first sample moves nothing."""
        axis = Axis(RATE)
        axis.tried(at(5.0))
        axis.started(1, at(5.25))
        self.assertFalse(axis.settle())
        self.assertEqual(axis.origin, at(5.25))

    def test_nothing_tried(self) -> None:
        """Before anybody tried, there is no beginning to settle, and no frame but 0."""
        axis = Axis(RATE)
        self.assertFalse(axis.settle())
        self.assertEqual(axis.frame_at(at(99.0)), 0)

    def test_of_an_earlier_agent(self) -> None:
        """An origin that was written down is the origin."""
        axis = Axis(RATE, at(2.0))
        axis.tried(at(9.0))
        axis.started(2, at(9.5))
        self.assertEqual(axis.origin, at(2.0))
        self.assertEqual(axis.frame_at(at(3.0)), RATE)

    def test_across_a_reboot(self) -> None:
        """In another boot, wall time places a moment."""
        axis = Axis(RATE, at(500.0, wall=1000.0))
        self.assertEqual(axis.frame_at(at(3.0, wall=1060.0, boot_id="b")), 60 * RATE)

    @given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
    def test_never_before_frame_0(self, origin: float, moment: float) -> None:
        """No moment lies before the beginning."""
        self.assertGreaterEqual(Axis(RATE, at(origin)).frame_at(at(moment)), 0)

    @given(st.floats(0, 1e6), st.lists(st.floats(0, 1e6), min_size=2, max_size=9))
    def test_order(self, origin: float, moments: list[float]) -> None:
        """Later moments never lie before earlier ones."""
        axis = Axis(RATE, at(origin))
        frames = [axis.frame_at(at(each)) for each in sorted(moments)]
        self.assertEqual(frames, sorted(frames))
