"""Whoever holds a device lets go of it before it is recorded."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.giving_way import PATIENCE_SECONDS, GivingWay
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import NotThere
from rakkr.capture.router import FindRoute
from tests.capture.requests import request


class GivingWayTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[CaptureRequest] = []
        self.answer: Deferred[CaptureRequest] | None = None
        self.subject = GivingWay(self.find_route, self.clock)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def find_route(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Say that it is captured as it was asked for."""
        self.asked.append(request)
        return succeed(request) if self.answer is None else self.answer

    def test_nobody_holds_it(self) -> None:
        """Where nobody holds anything, the way is found at once."""
        find: FindRoute = self.subject
        wished = request()
        self.assertIs(self.successResultOf(find(wished)), wished)

    def test_first_it_is_free(self) -> None:
        """Nothing is looked at before all have let go."""
        holders: list[Deferred[None]] = [Deferred(), Deferred()]
        left = iter(holders)
        self.subject.holders += [lambda: next(left), lambda: next(left)]
        finding = self.subject(request())
        holders[0].callback(None)
        self.assertNoResult(finding)
        self.assertEqual(self.asked, [])
        holders[1].callback(None)
        self.successResultOf(finding)

    def test_no_way(self) -> None:
        """What the search fails with is told as it is."""
        self.answer = fail(NotThere("it is not there"))
        self.failureResultOf(self.subject(request()), NotThere)

    def test_a_defect(self) -> None:
        """A holder that breaks keeps nobody from recording."""

        def breaks() -> Deferred[None]:
            raise ZeroDivisionError("a defect")

        self.subject.holders += [breaks, lambda: fail(ZeroDivisionError("another"))]
        self.successResultOf(self.subject(request()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_one_that_does_not_let_go(self) -> None:
        """A holder is waited for, and not for ever."""
        self.subject.holders.append(Deferred)
        finding = self.subject(request())
        self.clock.advance(PATIENCE_SECONDS - 0.1)
        self.assertNoResult(finding)
        self.clock.advance(0.1)
        self.successResultOf(finding)

    def test_given_up(self) -> None:
        """A search that is given up meanwhile looks at nothing."""
        self.subject.holders.append(Deferred)
        finding = self.subject(request())
        finding.cancel()
        self.failureResultOf(finding, CancelledError)
        self.assertEqual(self.asked, [])
