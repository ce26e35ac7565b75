"""How bad a value is, on both sides of each limit."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.checks import DISK
from rakkr.system.levels import Bands, Level

DISKS = Bands.ordered(85.0, 95.0, 2.0)
HEALTHY, WARNING, CRITICAL = Level
VALUES = st.floats(0, 100)


class LevelTests(SynchronousTestCase):
    """Limits of 85 and 95, left at 83 and 93."""

    def test_up(self) -> None:
        """The limit itself is bad already, whatever the level was before."""
        for before in (HEALTHY, WARNING):
            self.assertIs(DISKS.level(85.0, before), WARNING)
            self.assertIs(DISKS.level(94.9, before), WARNING)
            self.assertIs(DISKS.level(95.0, before), CRITICAL)
        self.assertIs(DISKS.level(84.9, HEALTHY), HEALTHY)

    def test_down(self) -> None:
        """A level is left only two points below its limit."""
        self.assertIs(DISKS.level(93.0, CRITICAL), CRITICAL)
        self.assertIs(DISKS.level(92.9, CRITICAL), WARNING)
        self.assertIs(DISKS.level(83.0, WARNING), WARNING)
        self.assertIs(DISKS.level(82.9, WARNING), HEALTHY)

    def test_down_at_once(self) -> None:
        """From critical it may be healthy at once, but not inside the band of a warning."""
        self.assertIs(DISKS.level(10.0, CRITICAL), HEALTHY)
        self.assertIs(DISKS.level(84.0, CRITICAL), WARNING)

    def test_tenth(self) -> None:
        """Without a wider band a level is left a tenth below its limit."""
        loads = Bands.ordered(2.0, 4.0)
        self.assertIs(loads.level(1.8, WARNING), WARNING)
        self.assertIs(loads.level(1.79, WARNING), HEALTHY)
        self.assertIs(loads.level(3.6, CRITICAL), CRITICAL)
        self.assertIs(loads.level(3.59, CRITICAL), WARNING)

    def test_low_limits(self) -> None:
        """However low a limit is, what is far below it is healthy."""
        self.assertIs(Bands.ordered(1.0, 95.0, 2.0).level(0.8, WARNING), HEALTHY)
        self.assertIs(Bands.ordered(0.1, 4.0).level(0.0, WARNING), HEALTHY)

    def test_other_order(self) -> None:
        """Limits in the wrong order are taken in the right one."""
        self.assertEqual(Bands.ordered(95.0, 85.0, 2.0), DISKS)

    def test_one_limit_for_both(self) -> None:
        """With one limit for both, there is no warning but on the way down."""
        both = Bands.ordered(90.0, 90.0, 2.0)
        self.assertIs(both.level(89.9, HEALTHY), HEALTHY)
        self.assertIs(both.level(90.0, HEALTHY), CRITICAL)
        self.assertIs(both.level(87.9, CRITICAL), HEALTHY)

    def test_nonsense(self) -> None:
        """What is no number changes nothing."""
        for nonsense in (float("nan"), float("inf"), float("-inf")):
            for before in Level:
                self.assertIs(DISKS.level(nonsense, before), before)

    @given(st.sampled_from(Level), VALUES, st.lists(st.floats(0, 0.99), min_size=2))
    def test_never_back_and_forth(self, before: Level, value: float, wobble: list[float]) -> None:
        """A value that moves by less than the band changes the level in one direction only."""
        level = before
        seen = [level]
        for step in (0.0, *wobble):
            level = DISKS.level(value + step, level)
            seen.append(level)
        moves = {one < other for one, other in pairwise(seen[1:]) if one != other}
        self.assertLessEqual(len(moves), 1, seen)

    @given(VALUES, VALUES, st.sampled_from(Level), st.sampled_from(Level))
    def test_monotonous(self, one: float, other: float, before: Level, later: Level) -> None:
        """A worse value after a worse level is never better."""
        low, high = sorted((one, other))
        good, bad = sorted((before, later))
        self.assertLessEqual(DISKS.level(low, good), DISKS.level(high, bad))

    @given(st.lists(VALUES))
    def test_one_recovery_for_each_problem(self, values: list[float]) -> None:
        """Whatever the values: problems and recoveries alternate, a change of severity aside."""
        level, told = HEALTHY, []
        for value in [*values, 0.0]:
            now = DISKS.level(value, level)
            event = DISK.told(level, now)
            self.assertEqual(event is None, now is level)
            if event is not None:
                told.append((event[0] == DISK.recovered, event[1]))
            level = now
        ends = [index for index, (over, _) in enumerate(told) if over]
        self.assertEqual(bool(told), bool(ends))
        starts = [0, *(end + 1 for end in ends)]
        for start, end in zip(starts, ends, strict=False):
            self.assertGreater(end, start, "a recovery has a problem before it")
        self.assertEqual(starts[-1], len(told), "nothing stays open")
        for one, other in pairwise(told):
            self.assertNotEqual(one, other, "nothing is told twice")
