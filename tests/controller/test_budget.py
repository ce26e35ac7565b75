"""The time that a request has."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.budget import Budget, OutOfTime


class BudgetTests(SynchronousTestCase):
    """Both limits, on both sides."""

    def setUp(self) -> None:
        """Make a clock, and work that never ends by itself."""
        self.clock = Clock()
        self.work: Deferred[str] = Deferred()

    def spend(self, budget: Budget) -> Deferred[str]:
        """Run the work within a budget."""

        async def wait() -> str:
            return await self.work

        return Deferred.fromCoroutine(budget.spend(wait()))

    def test_in_time(self) -> None:
        """Work that ends just before the limit gives its result and leaves no timer."""
        running = self.spend(Budget(self.clock, 10.0, 3.0))
        self.clock.advance(2.9)
        self.work.callback("done")
        self.assertEqual(self.successResultOf(running), "done")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_over(self) -> None:
        """At the limit the work is cancelled, and what it was doing is said."""
        budget = Budget(self.clock, 10.0)
        running = self.spend(budget)
        self.clock.advance(9.9)
        self.assertNoResult(running)
        budget.doing = "nothing came"
        self.clock.advance(0.2)
        failure = self.failureResultOf(running, OutOfTime)
        self.assertEqual(str(failure.value), "nothing came within 10 s")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_silence(self) -> None:
        """A touch renews the limit on silence, but never the whole budget."""
        budget = Budget(self.clock, 10.0, 3.0)
        running = self.spend(budget)
        for _ in range(3):
            self.clock.advance(2.9)
            budget.touch()
        self.clock.advance(1.4)
        self.failureResultOf(running, OutOfTime)
        self.work = Deferred()
        running = self.spend(Budget(self.clock, 10.0, 3.0))
        self.clock.advance(3.0)
        self.assertIn("for 3 s", str(self.failureResultOf(running, OutOfTime).value))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_errors_and_cancelling_pass(self) -> None:
        """The work's own error and a cancellation from outside are not turned into anything."""
        running = self.spend(Budget(self.clock, 10.0))
        self.work.errback(KeyError("own"))
        self.failureResultOf(running, KeyError)
        self.work = Deferred()
        running = self.spend(Budget(self.clock, 10.0))
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
