"""Tests for ``rakkr.health.reporter``."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.clock import WallTime
from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.health.jsonl import JsonLines
from rakkr.health.reporter import HealthReporter
from tests.fakes.controller import FakeController


class ReporterTests(SynchronousTestCase):
    """Evidence: local first, then sent, and never in anybody's way."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "events.jsonl"
        self.controller = FakeController(post_health_event=[None])
        self.reporter = self.make(self.controller)

    def tearDown(self) -> None:
        self.reporter.stopService()
        self.clock.advance(self.reporter.last_seconds)
        self.successResultOf(self.reporter.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def make(self, controller: FakeController | None) -> HealthReporter:
        """A reporter at a fixed moment."""
        wall = WallTime(lambda: 0.0)
        return HealthReporter(
            self.clock, wall, "node_1", JsonLines(self.path, 0, 3), controller, "run"
        )

    def logged(self) -> list[dict[str, Any]]:
        """The local log."""
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def sent(self) -> list[dict[str, Any]]:
        """What was posted."""
        return [call[1] for call in self.controller.named("post_health_event")]

    def test_logged_and_sent(self) -> None:
        """An event is the same in the log and on the wire."""
        self.reporter.emit("agent.x", "warning", {"error": "e"}, "rec_1")
        self.assertEqual(self.logged(), self.sent())
        (event,) = self.sent()
        self.assertEqual(event["openedAt"], "1970-01-01T00:00:00.000Z")
        self.assertEqual(event["recordingId"], "rec_1")
        self.assertEqual(event["id"], "node_event_node_1_1970-01-01T00-00-00-000Z-run-1")

    def test_ids_differ(self) -> None:
        """Two events of the same moment have two ids."""
        self.reporter.emit("agent.x", "info", {})
        self.reporter.emit("agent.x", "info", {})
        self.assertEqual(len({event["id"] for event in self.logged()}), 2)

    def test_order_across_an_outage(self) -> None:
        """Events of an outage are delivered after it, oldest first, with their own times."""
        self.controller.answers["post_health_event"] = [Unreachable("refused")]
        for number in range(3):
            self.reporter.emit(f"agent.n{number}", "info", {})
        self.clock.pump([5.0] * 3)
        self.controller.calls.clear()
        self.controller.answers["post_health_event"] = [None]
        self.clock.advance(5)
        self.assertEqual([e["type"] for e in self.sent()], ["agent.n0", "agent.n1", "agent.n2"])

    def test_401_is_waited_out(self) -> None:
        """A refused token may be a controller whose database is away."""
        self.controller.answers["post_health_event"] = [Unauthorised(""), None]
        self.reporter.emit("agent.x", "info", {})
        self.clock.advance(5)
        self.assertEqual(len(self.sent()), 2)

    def test_deleted_recording(self) -> None:
        """When the recording is gone, the event arrives without it."""
        self.controller.answers["post_health_event"] = [Rejected(404, ""), None]
        self.reporter.emit("agent.x", "info", {}, "rec_1")
        self.assertNotIn("recordingId", self.sent()[-1])
        self.assertEqual(self.logged()[0]["recordingId"], "rec_1")

    def test_refused_for_good(self) -> None:
        """An event that the controller cannot read does not hold up the next one."""
        self.controller.answers["post_health_event"] = [Rejected(400, ""), None]
        self.reporter.emit("agent.a", "info", {})
        self.reporter.emit("agent.b", "info", {})
        self.assertEqual([event["type"] for event in self.sent()], ["agent.a", "agent.b"])
        self.assertEqual(len(self.logged()), 2)

    def test_no_event_blocks_the_others(self) -> None:
        """Whatever is wrong with one event, the next one is sent."""
        self.controller.answers["post_health_event"] = [
            Rejected(422, ""),
            ZeroDivisionError("oops"),
            None,
        ]
        for name in ("a", "b", "c"):
            self.reporter.emit(f"agent.{name}", "info", {})
        self.assertEqual([e["type"] for e in self.sent()], ["agent.a", "agent.b", "agent.c"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_poison(self) -> None:
        """Text that would poison a controller is harmless in the log already."""
        self.reporter.emit("agent.x", "info", {"error": "a\0b\udc80", "level": float("nan")})
        (event,) = self.logged()
        self.assertNotIn("\0", event["details"]["error"])
        self.assertIsNone(event["details"]["level"])

    def test_defect(self) -> None:
        """An event that the catalogue does not have is evidence all the same."""
        with capturedLogs() as logs:
            self.reporter.emit("agent.flowers", "info", {"color": 1})
        self.assertEqual([event["type"] for event in self.sent()], ["agent.flowers"])
        self.assertEqual(self.logged(), self.sent())
        self.assertEqual([each["log_level"] for each in logs], [LogLevel.error])

    def test_full_disk(self) -> None:
        """A log that takes nothing is no reason to keep the controller in the dark."""
        self.path.mkdir()
        self.reporter.emit("agent.a", "info", {})
        self.reporter.emit("agent.b", "info", {})
        self.assertEqual(len(self.sent()), 2)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_offline(self) -> None:
        """Without a controller there is the local log."""
        reporter = self.make(None)
        reporter.emit("agent.x", "info", {})
        self.assertEqual(len(self.logged()), 1)
        self.assertEqual(self.sent(), [])

    def test_bounded(self) -> None:
        """However long an outage is, only so many events wait in memory."""
        self.controller.answers["post_health_event"] = [Unreachable("refused")]
        for number in range(1100):
            self.reporter.emit(f"agent.n{number}", "info", {})
        self.controller.calls.clear()
        self.controller.answers["post_health_event"] = [None]
        self.clock.advance(5)
        self.assertEqual(len(self.sent()), 1000)
        self.assertEqual(len(self.logged()), 1100)

    def test_finish(self) -> None:
        """The last events are delivered before the end, within the time that is left."""
        answer: Deferred[None] = Deferred()
        self.controller.answers["post_health_event"] = [answer]
        self.reporter.emit("agent.x", "info", {})
        done = self.reporter.stopService()
        self.assertNoResult(done)
        answer.callback(None)
        self.successResultOf(done)

    def test_finish_is_bounded(self) -> None:
        """A controller that never answers does not keep the agent."""
        self.controller.answers["post_health_event"] = [Deferred()]
        self.reporter.emit("agent.x", "info", {})
        done = self.reporter.stopService()
        self.clock.advance(4.9)
        self.assertNoResult(done)
        self.clock.advance(0.2)
        self.successResultOf(done)
