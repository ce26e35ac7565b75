"""When a source counts as lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.holding import JOINING_SECONDS, QUIET_SECONDS, Holding, Lost
from rakkr.capture.tie import Hold, Standing

GOOD = Standing(Hold.GOOD)


def standing(hold: Hold) -> Standing:
    """Stand in a way, for a reason."""
    return Standing(hold, f"it is {hold.value}")


class HoldingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.fresh = Holding(since=100.0)
        self.good = self.fresh.seen(GOOD, 101.0, 48000)

    def test_good(self) -> None:
        """A capture that has its source is looked at every two seconds, and not lost."""
        self.assertFalse(self.fresh.settled)
        self.assertTrue(self.good.settled)
        self.assertIsNone(self.good.lost(101.0, quiet=60.0))
        self.assertEqual(self.good.next_look, 2.0)
        self.assertEqual(self.fresh.next_look, 0.25)

    def test_gone(self) -> None:
        """A source that is gone is lost at once; what was counted at the last good look stays."""
        gone = self.good.seen(standing(Hold.GONE), 103.0, 99999)
        self.assertEqual(gone.lost(103.0, quiet=0.0), Lost("it is gone", 48000, silence=True))

    def test_elsewhere(self) -> None:
        """Of another source nothing is kept, not even what sounds."""
        other = self.good.seen(standing(Hold.ELSEWHERE), 103.0, 99999)
        lost = other.lost(103.0, quiet=0.0)
        self.assertEqual(lost, Lost("it is elsewhere", 48000, silence=False))
        never = self.fresh.seen(standing(Hold.ELSEWHERE), 100.1, 500)
        self.assertEqual(never.lost(100.1, quiet=0.0), Lost("it is elsewhere", 0, silence=False))
        self.assertFalse(never.settled)

    def test_loose_in_the_middle(self) -> None:
        """A link may be made anew within half a second."""
        loose = self.good.seen(standing(Hold.LOOSE), 103.0, 99999)
        self.assertEqual(loose.next_look, 0.25)
        loose = loose.seen(standing(Hold.LOOSE), 103.4, 99999)
        self.assertIsNone(loose.lost(103.49, quiet=0.0))
        self.assertEqual(loose.lost(103.5, quiet=0.0), Lost("it is loose", 48000))
        self.assertIsNone(loose.seen(GOOD, 103.5, 60000).lost(200.0, quiet=0.0))

    def test_never_joined(self) -> None:
        """A recorder has some seconds to be joined to its source for the first time."""
        loose = self.fresh.seen(standing(Hold.LOOSE), 100.1, 10)
        self.assertIsNone(loose.lost(99.99 + JOINING_SECONDS, quiet=0.0))
        self.assertEqual(loose.lost(100.0 + JOINING_SECONDS, quiet=0.0), Lost("it is loose", 0))

    def test_nobody_says(self) -> None:
        """A server without an answer is only a loss when nothing more is written, either."""
        unknown = self.good.seen(standing(Hold.UNKNOWN), 103.0, 99999)
        self.assertTrue(unknown.settled)
        self.assertEqual(unknown.next_look, 1.0)
        long = 103.0 + QUIET_SECONDS
        self.assertIsNone(unknown.lost(300.0, quiet=QUIET_SECONDS - 0.01))
        self.assertIsNone(unknown.lost(long - 0.01, quiet=60.0))
        self.assertEqual(unknown.lost(long, quiet=QUIET_SECONDS), Lost("it is unknown", None))

    def test_another_trouble_begins_anew(self) -> None:
        """The patience with one trouble is not used up by another one."""
        unknown = self.good.seen(standing(Hold.UNKNOWN), 103.0, 99999)
        loose = unknown.seen(standing(Hold.LOOSE), 110.0, 99999)
        self.assertIsNone(loose.lost(110.4, quiet=0.0))

    @given(st.lists(st.tuples(st.sampled_from(Hold), st.integers(0, 100)), max_size=30))
    def test_what_was_good_stays(self, looks: list[tuple[Hold, int]]) -> None:
        """Whatever is seen, what a good look has counted is kept."""
        holding, frames, counted = self.fresh, 0, 0
        for number, (hold, more) in enumerate(looks):
            frames += more
            holding = holding.seen(Standing(hold), 100.0 + number, frames)
            counted = frames if hold is Hold.GOOD else counted
            lost = holding.lost(100.0 + number, quiet=60.0)
            self.assertTrue(lost is None or lost.keep in {None, counted})
