"""Tests for ``rakkr.jobs.marks``."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.jobs.marks import Marks
from tests.fakes.controller import FakeController
from tests.jobs.making import make_job


class MarksTests(SynchronousTestCase):
    """Ends that the controller must hear of."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.controller = FakeController(mark_failed=[make_job()], mark_cancelled=[make_job()])
        self.marks = Marks(self.clock, self.controller)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_said_once(self) -> None:
        """A mark that was taken is not repeated."""
        self.successResultOf(Deferred.fromCoroutine(self.marks.failed("job_1", "no card")))
        self.successResultOf(Deferred.fromCoroutine(self.marks.cancelled("job_2")))
        self.assertEqual(
            self.controller.calls,
            [
                ("mark_failed", "job_1", "no card"),
                ("mark_cancelled", "job_2", "controller_stop_requested"),
            ],
        )

    def test_tried_again(self) -> None:
        """Silence, a busy controller and 401 are no answers: the mark is sent again."""
        self.controller.answers["mark_failed"] = [
            Unreachable("reset"),
            Rejected(503, "", "job terminal update"),
            Unauthorised("", "job terminal update"),
            make_job(),
        ]
        done = Deferred.fromCoroutine(self.marks.failed("job_1", "why"))
        self.clock.pump([1] * 8)
        self.assertNoResult(done)
        self.clock.advance(1)
        self.successResultOf(done)
        self.assertEqual(len(self.controller.calls), 4)

    def test_lost_transition(self) -> None:
        """404 means that the job ended otherwise: there is nothing to repeat."""
        self.controller.answers["mark_failed"] = [Rejected(404, "", "job terminal update")]
        self.successResultOf(Deferred.fromCoroutine(self.marks.failed("job_1", "why")))

    def test_gives_up(self) -> None:
        """When every lease must have expired, the controller knows by itself."""
        self.controller.answers["mark_failed"] = [Unreachable("refused")]
        done = Deferred.fromCoroutine(self.marks.failed("job_1", "why"))
        self.clock.pump([1] * 44)
        self.assertNoResult(done)
        self.clock.pump([1] * 3)
        self.successResultOf(done)
