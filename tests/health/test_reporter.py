"""Tests for ``rakkr.health.reporter``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.reporter import HealthReporter
from tests.health.bench import Bench


class ReporterTests(SynchronousTestCase):
    """Evidence: local first, then sent, and never in anybody's way."""

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        self.bench = Bench(directory)
        self.reporter = self.bench.reporter()
        self.reporter.startService()

    def tearDown(self) -> None:
        self.reporter.stopService()
        self.bench.pass_time(30)
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])

    def emit(self, type_: str = "agent.x", **details: Any) -> None:
        """Report something, and let it be delivered."""
        self.reporter.emit(type_, "info", details)
        self.bench.settle()

    def stop(self) -> Deferred[None]:
        """End, as the agent does."""
        stopped = self.reporter.stopService()
        self.bench.settle()
        return stopped

    def test_logged_and_sent(self) -> None:
        """An event is the same in the log and on the wire."""
        self.reporter.emit("agent.x", "warning", {"error": "e"}, "rec_1")
        self.bench.settle()
        self.assertEqual(self.bench.logged(), self.bench.taken)
        (event,) = self.bench.taken
        self.assertEqual(event["openedAt"], "1970-01-01T00:00:00.000Z")
        self.assertEqual(event["recordingId"], "rec_1")
        self.assertEqual(event["id"], "node_event_node_1_1970-01-01T00-00-00-000Z-run1-1")

    def test_ids_differ(self) -> None:
        """Two events of the same moment have two ids."""
        self.emit()
        self.emit()
        self.assertEqual(len({event["id"] for event in self.bench.logged()}), 2)

    def test_only_queues(self) -> None:
        """Whoever reports something waits for no disk."""
        self.bench.threads.held = []
        self.emit()
        self.emit()
        self.assertFalse(self.bench.path.exists())
        self.bench.threads.release()
        self.bench.settle()
        self.assertEqual(len(self.bench.logged()), 2)

    def test_before_the_start(self) -> None:
        """What is reported before the start is kept until then."""
        early = self.bench.reporter(calls=False)
        early.emit("agent.early", "info", {})
        self.assertFalse(self.bench.path.exists())
        early.startService()
        self.assertEqual(self.bench.logged()[0]["type"], "agent.early")
        self.successResultOf(early.stopService())

    def test_poison(self) -> None:
        """Text that would poison a controller is harmless in the log already."""
        self.emit(error="a\0b\udc80", level=float("nan"))
        (event,) = self.bench.logged()
        self.assertNotIn("\0", event["details"]["error"])
        self.assertIsNone(event["details"]["level"])

    def test_long(self) -> None:
        """An event of many megabytes takes no more memory, log and controller than it may."""
        self.emit(items=[{"error": "no such file"}] * 100_000)
        self.assertLess(self.bench.path.stat().st_size, 64 << 10)
        self.assertEqual(self.bench.logged(), self.bench.taken)
        self.assertEqual(len(self.bench.taken[0]["details"]["items"]), 100)

    def test_defect(self) -> None:
        """An event that the catalogue does not have is evidence all the same."""
        with capturedLogs() as logs:
            self.emit("agent.flowers", color=1)
        self.assertEqual(self.bench.types(), ["agent.flowers"])
        told = [each for each in logs if each["log_level"] is LogLevel.error]
        self.assertEqual(len(told), 1)

    def test_never_raises(self) -> None:
        """An event that cannot be written down is a line in the log, not an error of the job."""

        class Bad:
            def __str__(self) -> str:
                raise ZeroDivisionError

        self.emit(bad=Bad())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.emit("agent.good")
        self.assertEqual(self.bench.types(), ["agent.good"])

    def test_offline(self) -> None:
        """Without a controller there is the local log alone, and no cursor."""
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        bench = Bench(directory)
        store = bench.store()
        store.delivers = False  # type: ignore[attr-defined]
        reporter: HealthReporter = bench.reporter(store, calls=False)
        reporter.startService()
        reporter.emit("agent.x", "info", {})
        self.successResultOf(reporter.stopService())
        self.assertEqual(len(bench.logged()), 1)
        self.assertEqual(
            sorted(each.name for each in directory.iterdir()),
            ["events.jsonl", "events.jsonl.lock"],
        )
        self.assertEqual(bench.clock.getDelayedCalls(), [])

    def test_finish(self) -> None:
        """The last events are delivered before the end, within the time that is left."""
        answer: Deferred[None] = Deferred()
        self.bench.controller.answers["post_health_event"] = [answer, None]
        self.emit()
        done = self.stop()
        self.assertNoResult(done)
        answer.callback(None)
        self.bench.settle()
        self.successResultOf(done)

    def test_finish_is_bounded(self) -> None:
        """A controller that never answers does not keep the agent."""
        self.bench.controller.answers["post_health_event"] = [Deferred()]
        self.emit()
        done = self.stop()
        self.bench.settle(4.9)
        self.assertNoResult(done)
        self.bench.settle(0.2)
        self.successResultOf(done)

    def test_finish_without_a_controller(self) -> None:
        """A controller that is away keeps the agent not at all."""
        self.bench.mode = "away"
        self.emit()
        self.successResultOf(self.stop())

    def test_finish_with_a_backlog(self) -> None:
        """A long backlog is delivered for five seconds, without a pace, and is left to the next."""
        self.bench.rate = 0.1
        self.reporter.stopService()
        self.bench.settle()
        self.reporter = self.bench.reporter()
        self.reporter.startService()
        for number in range(200):
            self.reporter.emit(f"agent.n{number}", "info", {})
        self.bench.settle()
        self.assertEqual(len(self.bench.taken), 1)
        done = self.stop()
        self.bench.pass_time(5)
        self.successResultOf(done)
        self.assertEqual(len(self.bench.taken), 200)

    def test_hung_disk_at_the_end(self) -> None:
        """A disk that hangs does not keep the agent for ever."""
        self.bench.threads.held = []
        self.emit()
        done = self.stop()
        self.bench.pass_time(40)
        self.successResultOf(done)
        self.bench.threads.release()
