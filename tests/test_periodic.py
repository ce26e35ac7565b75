"""Work that nothing can end but a stop."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.periodic import Periodic


class PeriodicTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have work that is counted."""
        self.clock = Clock()
        self.runs: list[float] = []
        self.waiting: Deferred[None] | None = None
        self.error: Exception | None = None
        self.periodic = Periodic(self.clock, 2.0, self.work, name="the work")

    async def work(self) -> None:
        """Count, wait if there is something to wait for, and fail if told to."""
        self.runs.append(self.clock.seconds())
        if self.waiting is not None:
            await self.waiting
        if self.error is not None:
            raise self.error

    def test_at_once_and_then_every_interval(self) -> None:
        """The first run is at the start, and the others follow one interval apart."""
        self.periodic.startService()
        self.clock.pump([1.0] * 4)
        self.assertEqual(self.runs, [0.0, 2.0, 4.0])
        self.successResultOf(self.periodic.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_goes_on_after_a_failure(self) -> None:
        """A run that fails is logged, and the next one takes place."""
        self.error = ValueError("it broke")
        self.periodic.startService()
        self.clock.pump([1.0] * 2)
        self.assertEqual(len(self.runs), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
        self.successResultOf(self.periodic.stopService())

    def test_never_two_at_a_time(self) -> None:
        """While a run takes long, no other begins."""
        self.waiting = Deferred()
        self.periodic.startService()
        self.clock.pump([1.0] * 9)
        self.assertEqual(len(self.runs), 1)
        waiting, self.waiting = self.waiting, None
        waiting.callback(None)
        self.clock.pump([1.0] * 2)
        self.assertEqual(len(self.runs), 2)
        self.successResultOf(self.periodic.stopService())

    def test_stop_cancels_and_waits(self) -> None:
        """A stop cancels the run in flight, and is done when that is gone."""
        cancelled: list[Deferred[None]] = []
        self.waiting = Deferred(cancelled.append)
        self.periodic.startService()
        self.successResultOf(self.periodic.stopService())
        self.assertEqual(cancelled, [self.waiting])
        self.clock.pump([1.0] * 5)
        self.assertEqual(len(self.runs), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_new_interval(self) -> None:
        """A changed interval counts from the next run on, in whole steps from the start."""
        self.periodic.startService()
        self.periodic.interval = 5.0
        self.clock.pump([1.0] * 12)
        self.assertEqual(self.runs, [0.0, 2.0, 5.0, 10.0])
        self.successResultOf(self.periodic.stopService())

    def test_a_stop_before_any_start(self) -> None:
        """A service that never ran stops at once."""
        self.successResultOf(self.periodic.stopService())
