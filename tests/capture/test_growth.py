"""Whether a file still grows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.growth import Growth, StallEvidence


def stalled(growth: Growth, now: float) -> StallEvidence | None:
    """Judge by the default limits."""
    return growth.stalled(now, grace_seconds=10.0, stalled_seconds=30.0)


class GrowthTests(SynchronousTestCase):
    def test_both_sides_of_the_limit(self) -> None:
        """A file that did not grow for the allowed time has stalled, and not a moment before."""
        growth = Growth(100.0, 100.0).seen(500, 120.0)
        self.assertIsNone(stalled(growth, 149.99))
        evidence = stalled(growth, 150.0)
        self.assertEqual(evidence, StallEvidence(500, 50, 30, 10, 30))
        assert evidence is not None
        self.assertEqual(
            evidence.sentence, "capture output stalled: size=Some(500) age=50s unchanged=30s"
        )

    def test_no_verdict_within_the_grace(self) -> None:
        """However short the allowed silence, nothing is said while the capture is young."""
        growth = Growth(0.0, 0.0)
        self.assertIsNone(growth.stalled(10.0, grace_seconds=10.0, stalled_seconds=2.0))
        self.assertIsNotNone(growth.stalled(10.01, grace_seconds=10.0, stalled_seconds=2.0))

    def test_a_second_is_always_allowed(self) -> None:
        """An allowed silence of nothing counts as one second."""
        growth = Growth(0.0, 0.0).seen(1, 20.0)
        self.assertIsNone(growth.stalled(20.9, grace_seconds=0.0, stalled_seconds=0.0))
        self.assertIsNotNone(growth.stalled(21.0, grace_seconds=0.0, stalled_seconds=0.0))

    def test_a_missing_file_does_not_grow(self) -> None:
        """A file that never came is a stall whose evidence has no size."""
        evidence = stalled(Growth(0.0, 0.0).seen(None, 31.0), 31.0)
        assert evidence is not None
        self.assertIn("size=None", evidence.sentence)

    def test_a_file_that_shrank_has_to_pass_its_old_size(self) -> None:
        """Growth is only what goes beyond the largest size ever seen."""
        growth = Growth(0.0, 0.0).seen(100, 1.0).seen(10, 2.0).seen(99, 3.0)
        self.assertEqual(growth.grew, 1.0)
        self.assertEqual(growth.seen(101, 4.0).grew, 4.0)

    @given(st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=50))
    def test_a_file_that_grows_never_stalls(self, others: list[int | None]) -> None:
        """With growth in every second no other look at the file makes a stall of it."""
        growth = Growth(0.0, 0.0)
        for second, other in enumerate([*others, None]):
            growth = growth.seen(2000 + second, float(second)).seen(other, second + 0.5)
            self.assertIsNone(growth.stalled(second + 0.9, grace_seconds=0.0, stalled_seconds=1.0))
