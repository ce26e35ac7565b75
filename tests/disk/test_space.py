"""How much room there is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.space import LOOK_SECONDS, Gauge, Space, read_space
from tests.disk.statistics import Disk
from tests.fakes.threads import FakeThreads

REC = Path("/rec/a/b")


class ReadTests(SynchronousTestCase):
    def test_the_real_system(self) -> None:
        """The numbers are those of the system: what we may take, not what root may."""
        place = Path(tempfile.gettempdir())
        found, expected = read_space(place), os.statvfs(place)
        self.assertEqual(found.total, expected.f_blocks * expected.f_frsize)
        self.assertTrue(0 <= found.free <= found.total)

    def test_a_directory_that_will_be_made(self) -> None:
        """While the directory is not there the nearest one above it counts."""
        disk = Disk(7)
        disk.missing = {REC, REC.parent}
        self.assertEqual(read_space(REC, disk), Space(7, 10**12))
        self.assertEqual(disk.asked, [REC, Path("/rec/a"), Path("/rec")])

    def test_nothing_answers(self) -> None:
        """An error other than a missing directory is an error, and so is nothing at all."""
        disk = Disk(7)
        disk.error = PermissionError("no")
        self.assertRaises(PermissionError, read_space, REC, disk)
        disk.error = FileNotFoundError("no")
        self.assertRaises(FileNotFoundError, read_space, REC, disk)

    def test_percent(self) -> None:
        """The used share has one decimal, and a file system without size is full."""
        self.assertEqual(Space(2, 3).used_percent, 33.3)
        self.assertEqual(Space(0, 0).used_percent, 100.0)


class GaugeTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a gauge of a disk that the test decides about."""
        self.clock, self.threads, self.disk = Clock(), FakeThreads(), Disk(500, 1000)
        self.gauge = Gauge(REC, clock=self.clock, in_thread=self.threads, statvfs=self.disk)

    def look(self) -> Space | None:
        """Look once."""
        return self.successResultOf(self.gauge.look())

    def test_look(self) -> None:
        """An answer is kept with its age."""
        self.assertEqual((self.gauge.last, self.gauge.age), (None, None))
        self.assertEqual(self.look(), Space(500, 1000))
        self.clock.advance(3)
        self.assertEqual((self.gauge.last, self.gauge.age), (Space(500, 1000), 3.0))

    def test_failures_are_logged_once(self) -> None:
        """A disk that gives errors is complained of once, and again after it has worked."""
        self.look()
        self.disk.error = OSError(5, "Input/output error")
        with capturedLogs() as logs:
            self.clock.advance(1)
            self.assertEqual([self.look(), self.look()], [None, None])
            self.assertEqual(self.gauge.last, Space(500, 1000))
            self.assertEqual(self.gauge.age, 1.0)
            self.disk.error = None
            self.look()
            self.disk.error = OSError(5, "Input/output error")
            self.look()
        levels = [event["log_level"] for event in logs]
        self.assertEqual(levels, [LogLevel.error, LogLevel.info, LogLevel.error])

    def test_one_look_at_a_time(self) -> None:
        """Who asks while a look is under way gets the same answer, each once."""
        self.threads.held = []
        one, other = self.gauge_look(), self.gauge_look()
        self.assertEqual(len(self.threads.held), 1)
        self.threads.release()
        self.assertEqual(self.successResultOf(one), Space(500, 1000))
        self.assertEqual(self.successResultOf(other), Space(500, 1000))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def gauge_look(self) -> Deferred[Space | None]:
        """A look that is not waited for."""
        return Deferred.fromCoroutine(self.gauge.look())

    def test_a_look_that_hangs(self) -> None:
        """Nobody waits long for a dead disk, one thread is all it holds, and it may come back."""
        self.threads.held = []
        hung = self.gauge_look()
        self.clock.advance(LOOK_SECONDS - 0.1)
        self.assertNoResult(hung)
        with capturedLogs() as logs:
            self.clock.advance(0.1)
            self.assertIsNone(self.successResultOf(hung))
            later = self.gauge_look()
            self.clock.advance(0)
            self.assertIsNone(self.successResultOf(later))
        self.assertEqual(len(logs), 1)
        self.assertEqual(len(self.threads.held), 1)
        self.threads.release()
        self.assertEqual(self.gauge.last, Space(500, 1000))
        self.disk.free = 400
        self.assertEqual(self.look(), Space(400, 1000))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """Whoever does not wait any longer leaves nothing behind."""
        self.threads.held = []
        waiting = self.gauge_look()
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.threads.release()
        self.assertEqual(self.gauge.last, Space(500, 1000))
