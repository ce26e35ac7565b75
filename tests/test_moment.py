"""Something that happens once."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from rakkr.moment import Moment


class MomentTests(SynchronousTestCase):
    def test_waiters_before_and_after(self) -> None:
        """Who waited and who comes late get the same value, each by a Deferred of their own."""
        moment = Moment[int]()
        early = moment.when()
        self.assertNoResult(early)
        moment.comes(1)
        moment.comes(2)
        self.assertEqual(self.successResultOf(early), 1)
        self.assertEqual(self.successResultOf(moment.when()), 1)

    def test_who_gives_up_disturbs_nobody(self) -> None:
        """A cancelled waiter is forgotten, and the others are served."""
        moment = Moment[int]()
        given_up, patient = moment.when(), moment.when()
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        moment.comes(1)
        self.assertEqual(self.successResultOf(patient), 1)
