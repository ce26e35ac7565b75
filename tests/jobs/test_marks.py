"""Tests for ``rakkr.jobs.marks``."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.jobs.ending import Ending
from rakkr.jobs.marks import Marks, Paper
from rakkr.jobs.records import Done, MarkTaken, MarkWanted, Record
from tests.fakes.controller import FakeController
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job, told

REFUSED = Rejected(403, "", "job terminal update")


@attrs.define(slots=False)
class Sheet:
    """A journal that only keeps what is noted."""

    job_id: str = "job_1"
    records: list[Record] = attrs.field(factory=list)

    def note(self, record: Record) -> Deferred[None]:
        """Keep it."""
        self.records.append(record)
        return succeed(None)


_check: type[Paper] = Sheet


class MarksCase(SynchronousTestCase):
    """Marks without chance, on a clock that a test moves."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.sheet = Sheet()
        self.controller = FakeController(
            mark_failed=[make_job()], mark_cancelled=[make_job()], get_job=[make_job()]
        )
        self.marks = self.make_marks(None)

    def make_marks(self, patience: float | None) -> Marks:
        """Marks that are tried for so long."""
        return Marks(self.clock, self.controller, lambda: 0.0, patience)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def sends(self, work: Coroutine[Any, Any, None]) -> Deferred[None]:
        """Begin to tell."""
        return Deferred.fromCoroutine(work)

    def names(self) -> list[str]:
        """The calls so far."""
        return [call[0] for call in self.controller.calls]


class MarksTests(MarksCase):
    """Ends that the controller must hear of."""

    def test_said_once(self) -> None:
        """A mark that was taken is not repeated, and the journal says both things in order."""
        self.successResultOf(self.sends(self.marks.failed(self.sheet, "no card")))
        self.assertEqual(self.controller.calls, [("mark_failed", "job_1", "no card")])
        self.assertEqual(self.sheet.records, [MarkWanted("failed", "no card"), MarkTaken()])

    def test_stopped(self) -> None:
        """An end without audio after a stop has the one reason that is no alarm."""
        self.successResultOf(self.sends(self.marks.cancelled(self.sheet)))
        self.assertEqual(
            self.controller.calls, [("mark_cancelled", "job_1", "controller_stop_requested")]
        )

    def test_written_before_it_is_sent(self) -> None:
        """What is to be told is on the disk before the controller can know of it."""
        written: Deferred[None] = Deferred()
        self.sheet.note = lambda record: written  # type: ignore[method-assign]
        done = self.sends(self.marks.failed(self.sheet, "no card"))
        self.assertEqual(self.controller.calls, [])
        written.callback(None)
        self.assertEqual(self.names(), ["mark_failed"])
        self.assertTrue(done.called)

    def test_tried_again(self) -> None:
        """Silence, a busy controller and 401 are no answers: the mark is sent again."""
        self.controller.answers["mark_failed"] = [
            Unreachable("reset"),
            Rejected(503, "", "job terminal update"),
            Unauthorised("", "job terminal update"),
            make_job(),
        ]
        done = self.sends(self.marks.failed(self.sheet, "why"))
        self.clock.pump([1] * 6)
        self.assertNoResult(done)
        self.clock.advance(1)
        self.successResultOf(done)
        self.assertEqual(self.names().count("mark_failed"), 4)

    def test_for_ever(self) -> None:
        """A controller that is away for a day hears of it when it is back."""
        self.controller.answers["mark_failed"] = [Unreachable("refused")]
        self.controller.answers["get_job"] = [Unreachable("refused")]
        done = self.sends(self.marks.failed(self.sheet, "why"))
        self.clock.pump([30.0] * 2880)
        self.assertNoResult(done)
        self.controller.answers["get_job"] = [make_job()]
        self.controller.answers["mark_failed"] = [make_job()]
        self.clock.advance(30)
        self.successResultOf(done)
        self.assertIn(MarkTaken(), self.sheet.records)

    def test_patience(self) -> None:
        """A run that has an end leaves the mark to the next one, and says so in the journal."""
        self.controller.answers["mark_failed"] = [Unreachable("refused")]
        done = self.sends(self.make_marks(45.0).failed(self.sheet, "why"))
        self.clock.pump([1] * 44)
        self.assertNoResult(done)
        self.clock.pump([1] * 20)
        self.successResultOf(done)
        self.assertEqual(self.sheet.records, [MarkWanted("failed", "why")])


class UnsureTests(MarksCase):
    """It is not known whether a mark arrived."""

    def lost(self, *then: Any) -> Deferred[None]:
        """Send a mark whose answer gets lost, and let the job then be read like that."""
        self.controller.answers["mark_failed"] = [Unreachable("reset"), make_job()]
        self.controller.answers["get_job"] = list(then)
        done = self.sends(self.marks.failed(self.sheet, "why"))
        self.clock.advance(1)
        return done

    def test_it_arrived(self) -> None:
        """A job that has an end by now is not told of twice."""
        for status in ("failed", "cancelled", "completed"):
            self.controller.calls.clear()
            self.successResultOf(self.lost(told(make_job(), status)))
            self.assertEqual(self.names(), ["mark_failed", "get_job"])

    def test_it_was_lost(self) -> None:
        """A job that is open still is told of again, after it was read."""
        for status in ("queued", "running", "stop_requested"):
            self.controller.calls.clear()
            self.successResultOf(self.lost(told(make_job(), status)))
            self.assertEqual(self.names(), ["mark_failed", "get_job", "mark_failed"])

    def test_nobody_to_tell(self) -> None:
        """A job that is gone, or another node's, needs no mark."""
        for status in (403, 404):
            self.controller.calls.clear()
            self.successResultOf(self.lost(Rejected(status, "", "job")))
            self.assertEqual(self.names(), ["mark_failed", "get_job"])

    def test_reading_fails(self) -> None:
        """Nothing is sent while the job cannot be read, whatever the reason."""
        waits = (Unreachable("x"), Rejected(503, "", "job"), Unauthorised("", "job"))
        done = self.lost(*waits, make_job())
        self.clock.pump([1] * 13)
        self.assertEqual(self.names(), ["mark_failed", *["get_job"] * 3])
        self.clock.advance(1)
        self.successResultOf(done)
        self.assertEqual(self.names()[-2:], ["get_job", "mark_failed"])

    def test_lost_transition(self) -> None:
        """404 to the mark means that the job ended otherwise: there is nothing to repeat."""
        self.controller.answers["mark_failed"] = [Rejected(404, "", "job terminal update")]
        self.successResultOf(self.sends(self.marks.failed(self.sheet, "why")))
        self.assertEqual(self.names(), ["mark_failed"])

    def test_refused_for_good(self) -> None:
        """What will be refused tomorrow, too, is sent once."""
        self.controller.answers["mark_failed"] = [REFUSED]
        self.successResultOf(self.sends(self.marks.failed(self.sheet, "why")))
        self.assertEqual(self.names(), ["mark_failed"])

    def test_of_an_earlier_agent(self) -> None:
        """What the journal shows as unsent may have arrived: the job is read first."""
        self.successResultOf(self.sends(self.marks.resume(self.sheet, "failed", "why")))
        self.assertEqual(self.names(), ["get_job", "mark_failed"])
        self.controller.calls.clear()
        self.controller.answers["get_job"] = [told(make_job(), "failed")]
        self.successResultOf(self.sends(self.marks.resume(self.sheet, "cancelled", "why")))
        self.assertEqual(self.names(), ["get_job"])


class ReasonTests(MarksCase):
    """What a controller shows to people."""

    @given(st.text(max_size=2000))
    def test_one_printable_line(self, text: str) -> None:
        """Whatever a program said, the reason is one printable line, also in the journal."""
        self.sheet = Sheet()
        self.controller.calls.clear()
        self.successResultOf(self.sends(self.marks.failed(self.sheet, text)))
        ((_, _, reason),) = self.controller.calls
        self.assertTrue(reason.isprintable(), reason)
        self.assertEqual(self.sheet.records[0], MarkWanted("failed", reason))


class RestartTests(SessionCase):
    """Marks of an agent that is gone."""

    def failing(self) -> None:
        """Have a job that fails while the controller is away, and end the agent."""
        (self.shop.directory / "bin" / "arecord").unlink()
        self.controller.answers["mark_failed"] = [Unreachable("refused")]
        done = self.begin(make_job())
        self.assertNoResult(done)
        self.leave(done)
        self.controller.calls.clear()

    def marked(self) -> list[Any]:
        """The marks since then."""
        return self.controller.named("mark_failed")

    def test_told_by_the_next_agent(self) -> None:
        """A mark that nobody took is told at the next start, once, and the job is over."""
        self.failing()
        self.controller.answers["mark_failed"] = [None]
        crew = self.go_on(5.0)
        ((_, job_id, reason),) = self.marked()
        self.assertEqual(job_id, "job_1")
        self.assertIn("alsa-utils", reason)
        self.assertEqual(crew.results["job_1"].ending, Ending.FAILED)
        self.assertEqual(self.shop.reactor.spawned, [])

    def test_it_had_arrived(self) -> None:
        """One that had arrived is not told again."""
        self.failing()
        self.tell(1, "failed", failure_reason="x")
        self.go_on(5.0)
        self.assertEqual(self.marked(), [])
        self.assertTrue(self.remembered().mark_taken)
        self.assertTrue(self.remembered().is_over)

    def test_of_a_job_that_was_never_begun(self) -> None:
        """The mark of a refused job is told after a look at the job, and not refused anew."""
        for status, marks in (("running", 1), ("failed", 0)):
            self.open_shop()
            self.controller.answers["mark_failed"] = [Unreachable("refused")]
            done = self.begin(make_job(capture_channels=9))
            self.assertNoResult(done)
            self.leave(done)
            self.controller.calls.clear()
            self.tell(1, status)
            self.controller.answers["mark_failed"] = [None]
            self.go_on(5.0)
            self.shop.reactor.advance(0)
            self.assertEqual(len(self.marked()), marks)
            self.assertTrue(self.remembered().is_over)
            self.assertEqual(len(self.every("capture_start_failed")), 1)
            self.assertEqual(self.shop.reactor.spawned, [])

    def test_taken_but_not_done(self) -> None:
        """A mark that was taken is not told again, though the agent died right after it."""
        self.failing()
        journal = self.journal()
        self.successResultOf(journal.note(MarkTaken()))
        self.go_on(5.0)
        self.assertEqual(self.marked(), [])
        self.assertIsInstance(self.remembered().done, Done)
