"""Tests for ``rakkr.health.delivery``."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, TokenUnreadable, Unauthorised, Unreachable
from rakkr.health.delivery import Delivery, NotNow
from rakkr.health.desk import Desk
from rakkr.health.pacing import Pacing
from rakkr.health.refused import DeadLetters
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads

REFUSAL = '{"error": "Invalid health event"}'


class DeliveryTests(SynchronousTestCase):
    """One event after another."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.clock = Clock()
        self.noted = Noted()
        self.threads = FakeThreads()
        self.letters = DeadLetters(self.directory / "refused.jsonl")
        self.controller = FakeController()
        self.delivery = Delivery(
            self.clock,
            Desk(self.threads),
            self.controller,
            self.noted,
            self.letters,
            Pacing(10.0),
            lambda: 1.0,
        )

    def answer(self, *answers: Any) -> None:
        """Lay out answers."""
        self.controller.answers["post_health_event"] = list(answers)

    def deliver(self, type_: str = "agent.x", **more: Any) -> Deferred[None]:
        """Begin."""
        return Deferred.fromCoroutine(self.delivery.deliver({"type": type_, **more}))

    def now(self, type_: str = "agent.x", **more: Any) -> None:
        """Deliver an event that must be done with at once."""
        done = self.deliver(type_, **more)
        self.clock.advance(0)
        self.successResultOf(done)

    def sent(self) -> list[dict[str, Any]]:
        """What was posted."""
        return [call[1] for call in self.controller.named("post_health_event")]

    def test_taken(self) -> None:
        """An event that is taken is done with."""
        self.answer(None)
        self.now()
        self.assertEqual(self.delivery.delivered, 1)
        self.assertEqual(self.noted.events, [])

    def test_until_it_is_taken(self) -> None:
        """What may be taken later is sent again, with pauses; both ends are one event each."""
        passing = [Rejected(status, "") for status in (404, 403, 408, 425, 429, 500, 503, 302)]
        self.answer(Unreachable("refused"), Unauthorised(""), TokenUnreadable("no"), *passing, None)
        done = self.deliver()
        self.clock.advance(0)
        self.assertTrue(self.delivery.retrying)
        self.clock.pump([1.0, 2.0, 4.0, 8.0, 16.0, 30.0])
        self.clock.pump([10.0] * 40)
        self.successResultOf(done)
        self.assertEqual(len(self.sent()), 12)
        self.assertEqual(
            self.noted.types(),
            ["agent.health_event.sync_failed", "agent.health_event.sync_recovered"],
        )
        self.assertEqual(
            self.noted.details("agent.health_event.sync_recovered")["failureCount"], 11
        )

    def test_spread(self) -> None:
        """After an outage the next event waits a while that differs from node to node."""
        self.answer(Unreachable("refused"), Unreachable("refused"), None)
        done = self.deliver()
        self.clock.pump([0, 1, 0, 2, 0])
        self.assertEqual(len(self.sent()), 3)
        self.assertNoResult(done)
        self.clock.advance(5.0)
        self.successResultOf(done)

    def test_pace(self) -> None:
        """Ten a second, and no more, after as many at once."""
        self.answer(None)
        for _ in range(10):
            self.now()
        done = self.deliver()
        self.clock.advance(0.09)
        self.assertNoResult(done)
        self.clock.advance(0.02)
        self.successResultOf(done)

    def test_reference(self) -> None:
        """When the recording is gone, the event arrives without it."""
        for status in (403, 404):
            self.answer(Rejected(status, ""), None)
            self.now(recordingId="rec_1")
            self.assertEqual(self.sent()[-1], {"type": "agent.x"})
        self.assertFalse(self.letters.path.exists())

    def test_404_of_a_proxy(self) -> None:
        """404 without a recording is nothing about the event; then it is sent with it again."""
        self.answer(Rejected(404, ""), Rejected(404, ""), None)
        done = self.deliver(recordingId="rec_1")
        self.clock.pump([0, 1, 0])
        self.successResultOf(done)
        self.assertIn("recordingId", self.sent()[-1])

    def test_refused(self) -> None:
        """What is refused for good is kept with the answer, and said once in a while."""
        for status in (400, 413, 422):
            self.answer(Rejected(status, REFUSAL))
            self.now(id=f"id{status}")
        kept = [json.loads(line) for line in self.letters.path.read_text().splitlines()]
        self.assertEqual([each["status"] for each in kept], [400, 413, 422])
        self.assertEqual(kept[0]["event"], {"id": "id400", "type": "agent.x"})
        self.assertEqual(self.noted.types(), ["agent.health_outbox.event_refused"])
        self.clock.advance(599)
        self.now()
        self.assertEqual(len(self.noted.events), 1)
        self.clock.advance(1)
        self.now()
        self.assertEqual(len(self.noted.events), 2)
        self.assertEqual(self.noted.events[1][2]["count"], 4)

    def test_refused_without_the_reference(self) -> None:
        """An event may be refused when it comes without its recording."""
        self.answer(Rejected(404, ""), Rejected(400, REFUSAL))
        self.now(recordingId="rec_1")
        self.assertTrue(self.letters.path.exists())

    def test_breaks_the_controller(self) -> None:
        """An event on which the controller breaks for minutes arrives bare, and is kept whole."""

        def answer(event: dict[str, Any]) -> Exception | None:
            return Rejected(500, "oops") if "poison" in event["details"] else None

        self.answer(answer)
        done = self.deliver(details={"poison": 1}, recordingId="rec_1")
        self.clock.pump([1.0] * 300)
        self.assertNoResult(done)
        self.clock.pump([1.0] * 600)
        self.successResultOf(done)
        self.assertEqual(
            self.sent()[-1], {"details": {"withheld": str(self.letters.path)}, "type": "agent.x"}
        )
        self.assertIn('"poison":1', self.letters.path.read_text())

    def test_blocked_on_the_way(self) -> None:
        """So does one that a proxy does not let pass, whatever it says."""

        def answer(event: dict[str, Any]) -> Exception | None:
            blocked = "poison" in event["details"]
            return Rejected(status, "<html>") if blocked else None

        for status in (400, 403):
            self.answer(answer)
            done = self.deliver(details={"poison": status})
            self.clock.pump([1.0] * 300)
            self.assertNoResult(done)
            self.clock.pump([1.0] * 600)
            self.successResultOf(done)
            self.assertIn(f'"poison":{status}', self.letters.path.read_text())

    def test_certificate_is_over(self) -> None:
        """A proxy that answers everything with 400 refuses nothing for good, however long."""
        self.answer(Rejected(400, "<html> The SSL certificate error </html>"))
        done = self.deliver(details={})
        self.clock.pump([10.0] * 1000)
        self.assertNoResult(done)
        self.answer(None)
        self.clock.pump([10.0] * 4)
        self.successResultOf(done)
        self.assertFalse(self.letters.path.exists())

    def test_a_broken_controller(self) -> None:
        """While the controller breaks on everything, nothing is refused, however long it takes."""
        self.answer(Rejected(500, "oops"))
        done = self.deliver(details={"poison": 1})
        self.clock.pump([10.0] * 1000)
        self.assertNoResult(done)
        self.answer(None)
        self.clock.pump([10.0] * 4)
        self.successResultOf(done)
        self.assertEqual(self.sent()[-1]["details"], {"poison": 1})
        self.assertFalse(self.letters.path.exists())

    def test_no_loop(self) -> None:
        """That an event about refused events is refused is no further event."""
        self.answer(Rejected(400, REFUSAL))
        self.now("agent.health_outbox.event_refused")
        self.assertEqual(self.noted.events, [])
        self.assertTrue(self.letters.path.exists())

    def test_unsendable(self) -> None:
        """An event that cannot even be sent does not hold up the next one."""
        self.answer(ZeroDivisionError("oops"))
        self.now()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn("ZeroDivisionError", self.letters.path.read_text())

    def test_letters_cannot_be_kept(self) -> None:
        """A disk that does not take a refused event does not hold up the next one."""
        self.letters.path.mkdir()
        self.answer(Rejected(400, REFUSAL))
        self.now()

    def test_letters_hang(self) -> None:
        """A disk that hangs then holds up the next one for ten seconds, not for ever."""
        self.threads.held = []
        self.answer(Rejected(400, REFUSAL), None)
        done = self.deliver()
        self.clock.advance(0)
        self.clock.advance(9.9)
        self.assertNoResult(done)
        self.clock.advance(0.2)
        self.successResultOf(done)
        self.threads.release()
        self.assertTrue(self.letters.path.exists())

    def test_hurry(self) -> None:
        """At the end nothing is paced, and nothing is tried twice."""
        self.answer(None)
        self.delivery.hurry()
        for _ in range(30):
            self.now()
        self.answer(Unreachable("refused"))
        done = self.deliver()
        self.clock.advance(0)
        self.failureResultOf(done, NotNow)
