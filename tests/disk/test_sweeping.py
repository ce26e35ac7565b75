"""Making room, at one moment once."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.notices import Swept
from rakkr.disk.sweeping import PATIENCE_SECONDS, SweepFailed, Sweeping


class SweepingTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a sweep that ends when the test says so."""
        self.clock = Clock()
        self.wanted: list[int] = []
        self.ends: list[Deferred[Swept]] = []
        self.sweeping = Sweeping(self.clock, self.sweep)

    async def sweep(self, required: int) -> Swept:
        """Note what was asked for, and wait."""
        self.wanted.append(required)
        end: Deferred[Swept] = Deferred()
        self.ends.append(end)
        return await end

    def run_it(self, required: int = 1) -> Deferred[Swept]:
        """Ask for a sweep."""
        return Deferred.fromCoroutine(self.sweeping.run(required))

    def test_one_at_a_time(self) -> None:
        """Two who ask at a time get one sweep; who asks later gets another."""
        one, other = self.run_it(1), self.run_it(2)
        self.ends[0].callback(Swept(deleted=3))
        self.assertEqual(self.successResultOf(one), Swept(deleted=3))
        self.assertEqual(self.successResultOf(other), Swept(deleted=3))
        later = self.run_it(3)
        self.ends[1].callback(Swept())
        self.successResultOf(later)
        self.assertEqual(self.wanted, [1, 3])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failure(self) -> None:
        """A sweep that fails is logged, its reason handed on, and the next one takes place."""
        failed = self.run_it()
        self.ends[0].errback(OSError("no disk"))
        self.assertEqual(str(self.failureResultOf(failed, SweepFailed).value), "no disk")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        again = self.run_it()
        self.ends[1].callback(Swept())
        self.successResultOf(again)

    def test_patience(self) -> None:
        """Nobody waits long for a sweep, which goes on, and is still the only one."""
        waiting = self.run_it()
        self.clock.advance(PATIENCE_SECONDS - 0.1)
        self.assertNoResult(waiting)
        self.clock.advance(0.1)
        self.failureResultOf(waiting, SweepFailed)
        self.run_it().addErrback(lambda _: None)
        self.assertEqual(len(self.ends), 1)
        self.sweeping.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop(self) -> None:
        """A stop ends the sweep, and tells those who wait."""
        waiting = self.run_it()
        self.sweeping.stop()
        self.assertIn("stopped", str(self.failureResultOf(waiting, SweepFailed).value))
        self.sweeping.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        again = self.run_it()
        self.ends[1].callback(Swept())
        self.successResultOf(again)
