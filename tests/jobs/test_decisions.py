"""Tests for ``rakkr.jobs.decisions``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.decisions import VANISHED, Wish, standing_of, upload_may_succeed


class StandingTests(SynchronousTestCase):
    """What a job's status means for its recording."""

    def test_wishes(self) -> None:
        """A lost lease does not end a recording; every decision of a person does."""
        for status, reason, wish in (
            ("running", None, Wish.RECORD),
            ("queued", None, Wish.RECORD),
            ("stop_requested", None, Wish.DELIVER),
            ("failed", "lease_expired", Wish.FINISH),
            ("failed", "something else", Wish.KEEP),
            ("cancelled", None, Wish.KEEP),
            ("completed", None, Wish.KEEP),
            ("a word of a later version", None, Wish.KEEP),
        ):
            self.assertIs(standing_of(status, reason).wish, wish, status)

    def test_stop_window(self) -> None:
        """A stopped job is delivered within 30 s of the controller's own moment of the stop."""
        self.assertEqual(standing_of("stop_requested", None, 1000.0).deliver_before, 1030.0)
        self.assertIsNone(standing_of("stop_requested").deliver_before)

    def test_upload(self) -> None:
        """Only a job that failed, was cancelled or is gone takes no upload any more."""
        for status, possible in (
            ("running", True),
            ("stop_requested", True),
            ("completed", True),
            ("failed", False),
            ("cancelled", False),
        ):
            self.assertIs(upload_may_succeed(standing_of(status)), possible, status)
        self.assertFalse(upload_may_succeed(VANISHED))
