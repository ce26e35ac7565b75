"""Tests for ``rakkr.health.pacing``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.pacing import SPREAD_SECONDS, Pacing


def sent_within(pacing: Pacing, seconds: float) -> int:
    """How many go in a time, when there are always more."""
    now, count = 0.0, 0
    while now <= seconds:
        pause = pacing.pause(now)
        if pause:
            now += pause
        else:
            pacing.sent()
            count += 1
    return count


class PacingTests(SynchronousTestCase):
    """How fast events go."""

    def test_at_once(self) -> None:
        """In good times nothing waits."""
        self.assertEqual(Pacing(20).pause(5.0), 0.0)

    @given(st.floats(0.1, 500), st.floats(0, 20))
    def test_rate(self, rate: float, seconds: float) -> None:
        """However many wait, the rate is kept, after the burst of a quiet second."""
        sent = sent_within(Pacing(rate), seconds)
        self.assertLessEqual(sent, max(1.0, rate) + rate * seconds + 1)
        self.assertGreaterEqual(sent, int(rate * seconds * 0.99))

    @given(st.floats(0, 1))
    def test_growing_pauses(self, luck: float) -> None:
        """Pauses double from about a second to at most half a minute, and never vanish."""
        pacing = Pacing(20)
        pauses = [pacing.failed(luck) for _ in range(50)]
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreaterEqual(pauses[0], 0.5)
        self.assertLessEqual(pauses[0], 1.0)
        self.assertGreaterEqual(pauses[-1], 15.0)
        self.assertLessEqual(pauses[-1], 30.0)

    def test_spread(self) -> None:
        """After an outage every node goes on at another moment; after a single failure at once."""
        pacing = Pacing(20)
        pacing.failed(0.5)
        self.assertEqual(pacing.worked(1.0), 0.0)
        for _ in range(2):
            pacing.failed(0.5)
        self.assertEqual(pacing.worked(1.0), SPREAD_SECONDS)
        self.assertEqual(pacing.worked(1.0), 0.0)

    def test_again(self) -> None:
        """After a success the pauses are short again."""
        pacing = Pacing(20)
        for _ in range(9):
            pacing.failed(1.0)
        pacing.worked(0.0)
        self.assertEqual(pacing.failed(1.0), 1.0)
