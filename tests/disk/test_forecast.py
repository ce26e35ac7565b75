"""Whether the disk lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.forecast import CALM_SECONDS, Forecast, Rung, forecast
from rakkr.disk.need import Need

# A kilobyte a second for a day, and as much to be rendered as an hour of it.
DAY = Need(1000, 86_400_000, 3_600_000)
CALM = round(CALM_SECONDS * 1000)

needs = st.builds(Need, st.integers(0, 10**6), st.integers(0, 10**10), st.integers(0, 10**10))
rungs = st.sampled_from(Rung)


def rung(free: int, need: Need = DAY, previous: Rung = Rung.FINE) -> Rung:
    """The rung alone."""
    return forecast(free, need, previous).rung


class LadderTests(SynchronousTestCase):
    def test_both_sides_of_each_rung(self) -> None:
        """Each rung begins at its limit, and one byte more is still the rung above."""
        no_renders = Need(1000, 86_400_000)
        for free, need, at, above in (
            (89_999_999, DAY, Rung.SWEEP, Rung.FINE),
            (3_600_000, no_renders, Rung.SHED, Rung.SWEEP),
            (1_800_000, no_renders, Rung.DELAY_RENDERS, Rung.SHED),
            (600_000, no_renders, Rung.LAST_MINUTES, Rung.DELAY_RENDERS),
        ):
            self.assertEqual(rung(free, need), at)
            self.assertEqual(rung(free + 1, need), above)
        self.assertEqual(rung(0), Rung.LAST_MINUTES)
        self.assertEqual(rung(-1), Rung.LAST_MINUTES)

    def test_renders_that_would_leave_minutes(self) -> None:
        """What is rendered waits when only ten minutes were left after it."""
        self.assertEqual(rung(3_600_000 + 600_000), Rung.DELAY_RENDERS)
        self.assertEqual(rung(3_600_000 + 600_001), Rung.SWEEP)

    def test_room_for_the_captures_alone(self) -> None:
        """As long as the captures themselves fit, however late it is, only a sweep is needed."""
        last_minute = Need(1000, 60_000, 3_600_000)
        self.assertEqual(rung(60_000, last_minute), Rung.SWEEP)
        self.assertEqual(rung(59_999, last_minute), Rung.LAST_MINUTES)

    def test_a_short_rest_is_no_alarm(self) -> None:
        """Five minutes of room are fine for a window that ends in four."""
        self.assertEqual(rung(300_000, Need(1000, 240_000)), Rung.FINE)

    def test_nothing_records(self) -> None:
        """With no capture nothing is given up, whatever was before, and no time can be told."""
        seen = forecast(0, Need(0, 0, 10**9), Rung.LAST_MINUTES)
        self.assertEqual(seen, Forecast(None, enough=False, rung=Rung.FINE))

    def test_figures(self) -> None:
        """Seconds and whether it lasts are told beside the rung."""
        self.assertEqual(forecast(90_000_000, DAY), Forecast(90_000.0, enough=True, rung=Rung.FINE))
        self.assertEqual(forecast(1_000_500, DAY).seconds_left, 1000.5)
        self.assertFalse(forecast(89_999_999, DAY).enough)
        self.assertEqual(forecast(-5, DAY).seconds_left, 0.0)


class WayBackTests(SynchronousTestCase):
    def test_both_sides(self) -> None:
        """A rung is left when there are two minutes more than it needs, and not before."""
        for free, previous, better in (
            (90_000_000, Rung.SWEEP, Rung.FINE),
            (600_001, Rung.LAST_MINUTES, Rung.DELAY_RENDERS),
        ):
            need = DAY if previous is Rung.SWEEP else Need(1000, 86_400_000)
            self.assertEqual(rung(free, need), better)
            self.assertEqual(rung(free + CALM - 1, need, previous), previous)
            self.assertEqual(rung(free + CALM, need, previous), better)

    def test_several_rungs_at_once(self) -> None:
        """A sweep that made much room is felt at once."""
        self.assertEqual(rung(10**9, DAY, Rung.LAST_MINUTES), Rung.FINE)

    def test_down_at_once(self) -> None:
        """It gets worse without delay."""
        self.assertEqual(rung(600_000, DAY, Rung.FINE), Rung.LAST_MINUTES)

    @given(needs, rungs, st.integers(0, 10**11), st.integers(0, 10**11))
    def test_more_room_is_never_worse(
        self, need: Need, previous: Rung, one: int, other: int
    ) -> None:
        """Of two disks the fuller one is never on a better rung."""
        fuller, emptier = sorted((one, other))
        self.assertGreaterEqual(rung(fuller, need, previous), rung(emptier, need, previous))

    @given(needs, rungs, st.integers(0, 10**11))
    def test_never_better_than_it_is(self, need: Need, previous: Rung, free: int) -> None:
        """The rung before can hold it back, but not push it further down than that rung."""
        fresh, held = rung(free, need), rung(free, need, previous)
        self.assertTrue(fresh <= held <= max(fresh, previous))

    @given(needs, rungs, st.integers(0, 10**11))
    def test_steady(self, need: Need, previous: Rung, free: int) -> None:
        """When nothing changes the rung does not change either."""
        first = rung(free, need, previous)
        self.assertEqual(rung(free, need, first), first)
