"""Tests for ``rakkr.health.verdict``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.verdict import Verdict, judge, may_be_the_event, without_reference


class VerdictTests(SynchronousTestCase):
    """What answers mean."""

    def test_refused(self) -> None:
        """What is said of this event is final."""
        for status in (400, 409, 413, 415, 422):
            self.assertIs(judge(status, '{"error": ""}', {}), Verdict.REFUSED, status)

    def test_later(self) -> None:
        """What is said of the moment, of the way or of the node is not."""
        for status in (301, 302, 401, 403, 404, 405, 407, 408, 425, 429, 500, 502, 503, 504, 511):
            self.assertIs(judge(status, "{}", {"type": "agent.x"}), Verdict.LATER, status)

    def test_400_of_a_proxy(self) -> None:
        """400 in another language than the controller's is said to everything."""
        for body in ("<html> The SSL certificate error </html>", ""):
            self.assertIs(judge(400, body, {}), Verdict.LATER)
        self.assertIs(judge(413, "<html>", {}), Verdict.REFUSED)

    def test_may_be_the_event(self) -> None:
        """What nobody says of a single event is no reason to try it otherwise."""
        for status in (400, 403, 404, 500, 501):
            self.assertTrue(may_be_the_event(status), status)
        for status in (401, 408, 425, 429, 502, 503, 504):
            self.assertFalse(may_be_the_event(status), status)

    def test_reference(self) -> None:
        """A recording or a schedule that is gone is left out, and the event sent again."""
        for name in ("recordingId", "scheduleId"):
            for status in (403, 404):
                self.assertIs(judge(status, "{}", {name: "r"}), Verdict.WITHOUT_REFERENCE)
        self.assertIs(judge(400, "{}", {"recordingId": "r"}), Verdict.REFUSED)
        self.assertEqual(
            without_reference({"id": "i", "recordingId": "r", "scheduleId": "s"}), {"id": "i"}
        )
