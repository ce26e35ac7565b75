"""Tests for ``tests.integration.chaos.judge``: which frames a recording must have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.ledger import Run
from tests.integration.chaos.judge import first_owed


class FirstOwedTests(SynchronousTestCase):
    """A window is 100 frames."""

    def test_in_the_window(self) -> None:
        """What began in a window is owed, and so is all without a window."""
        self.assertEqual(first_owed([Run(99, 1)], [0], 100, 3), 99)
        self.assertEqual(first_owed([Run(0, 11)], [0], 100, 3), 0)
        self.assertEqual(first_owed([Run(500, 1)], [], 100, 3), 500)

    def test_joined(self) -> None:
        """Of what ran already when the job was claimed, it is owed the rest, a moment later."""
        self.assertEqual(first_owed([Run(0, 11)], [10], 100, 3), 13)
        self.assertEqual(first_owed([Run(300, 50)], [0, 320], 100, 3), 323)

    def test_between_windows(self) -> None:
        """What began when every window was over, and ended before the next one, is not."""
        wrote = [Run(100, 5), Run(300, 100)]
        self.assertEqual(first_owed(wrote, [0, 300], 100, 3), 300)
        self.assertEqual(first_owed([Run(100, 5)], [0], 100, 3), 105)
        self.assertEqual(first_owed([Run(0, 10)], [10], 100, 3), 10)
