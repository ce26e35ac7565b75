"""Tests for ``rakkr.cache.rules``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.rules import MOST_FREE_PERCENT, rules_for
from tests.cache.holding import DAY, NOON, delivered, policy


class RulesTests(SynchronousTestCase):
    """What is in force."""

    def test_the_controller_counts(self) -> None:
        """What the controller says of a policy now replaces what a job carried."""
        held = delivered(1, rule=policy(max_age_days=1))
        rules = rules_for([held], [policy(max_age_days=7, max_bytes=5)], 30)
        rule = rules.of(held)
        assert rule is not None
        self.assertEqual((rule.seconds, rule.max_bytes, rule.vanished), (7 * DAY, 5, False))

    def test_not_known_yet(self) -> None:
        """While the controller's policies are not known, the youngest job's own counts."""
        old = delivered(1, NOON, rule=policy(max_age_days=1))
        young = delivered(2, NOON + 1, rule=policy(max_age_days=3))
        for holdings in ([old, young], [young, old]):
            rule = rules_for(holdings, None, 30).of(old)
            assert rule is not None
            self.assertEqual((rule.seconds, rule.vanished), (3 * DAY, False))

    def test_vanished(self) -> None:
        """A policy that is gone keeps its files for the default age, or longer if it said so."""
        for promised, days in ((None, 30), (7, 30), (90, 90)):
            held = delivered(1, rule=policy(max_age_days=promised, max_bytes=1))
            rule = rules_for([held], [], 30).of(held)
            assert rule is not None
            self.assertEqual(rule.seconds, days * DAY)
            self.assertEqual((rule.max_bytes, rule.vanished), (None, True))

    def test_no_policy(self) -> None:
        """Without a policy there is no rule."""
        held = delivered(1)
        self.assertIsNone(rules_for([held], [policy()], 30).of(held))

    def test_order(self) -> None:
        """The controller's order comes first; what is gone follows."""
        holdings = [delivered(n, rule=policy(name)) for n, name in enumerate(("z", "b", "a"))]
        rules = rules_for(holdings, [policy("z"), policy("c")], 30)
        self.assertEqual(list(rules.by_policy), ["z", "c", "a", "b"])

    def test_odd_percentage(self) -> None:
        """More free space than a controller may ask for is as much as it may ask for."""
        held = delivered(1, rule=policy())
        rule = rules_for([held], [policy(min_free_disk_percent=250.5)], 30).of(held)
        assert rule is not None
        self.assertEqual(rule.min_free_percent, MOST_FREE_PERCENT)
