"""Tests for ``rakkr.cache.sanity``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.sanity import MARGIN_SECONDS, MOST_SKEW_SECONDS, clock_trouble
from rakkr.version import RELEASED
from tests.cache.holding import NOON


class ClockTests(SynchronousTestCase):
    """Whether the clock may be believed."""

    def test_before_the_release(self) -> None:
        """A clock from before this version was made is wrong, whoever agrees."""
        self.assertIn("released", clock_trouble(RELEASED - 1, None, 0.0) or "")
        self.assertIsNone(clock_trouble(RELEASED, None, 0.0))

    def test_skew(self) -> None:
        """A clock that is far from the controller's is not believed, on either side."""
        for sign in (1, -1):
            self.assertIsNone(clock_trouble(NOON, None, sign * MOST_SKEW_SECONDS))
            self.assertIn("301 s", clock_trouble(NOON, None, sign * (MOST_SKEW_SECONDS + 1)) or "")

    def test_before_an_upload(self) -> None:
        """A clock that was later before is wrong, if not by a little."""
        self.assertNotIn("before", clock_trouble(NOON, NOON + MARGIN_SECONDS, None) or "")
        self.assertIn("was before", clock_trouble(NOON, NOON + MARGIN_SECONDS + 1, None) or "")

    def test_never_compared(self) -> None:
        """A clock that nobody compared with the controller's is not believed."""
        self.assertIn("not compared", clock_trouble(NOON, None, None) or "")

    def test_the_controller_agrees(self) -> None:
        """Where the controller agrees, a stamp from the future is the one that is wrong."""
        self.assertIsNone(clock_trouble(NOON, NOON + 1e9, 1.0))
