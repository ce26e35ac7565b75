"""Tests for ``rakkr.root``."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.root import RecorderService, Resource


class RootTests(SynchronousTestCase):
    """The order of starting and stopping."""

    def setUp(self) -> None:
        self.seen: list[str] = []
        self.root = RecorderService()

    def add(self, name: str, closing: object = None) -> None:
        """A child that says what happens to it."""

        def close() -> object:
            self.seen.append(f"close {name}")
            if isinstance(closing, Exception):
                raise closing
            return closing

        Resource(
            name, opening=lambda: self.seen.append(f"open {name}"), closing=close
        ).setServiceParent(self.root)

    def test_order(self) -> None:
        """Children are stopped in turn, last first, each after the one before is really gone."""
        slow: Deferred[None] = Deferred()
        self.add("a")
        self.add("b", slow)
        self.root.startService()
        self.assertEqual(self.seen, ["open a", "open b"])
        stopped = self.root.stopService()
        self.assertEqual(self.seen[2:], ["close b"])
        self.assertNoResult(stopped)
        slow.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.seen[3:], ["close a"])

    def test_failure(self) -> None:
        """A child that cannot stop is logged, and the others are stopped all the same."""
        self.add("a")
        self.add("b", ValueError("stuck"))
        self.root.startService()
        self.successResultOf(self.root.stopService())
        self.assertEqual(self.seen[-1], "close a")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
