"""The sentences of what can go wrong with a call, as events quote them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unauthorised, Unreachable


class SentenceTests(SynchronousTestCase):
    """The contract's texts (health-events.md section 3.1), with the cause behind them."""

    def test_rejected(self) -> None:
        """A refusal has the call, the status and what the controller said."""
        self.assertEqual(
            str(Rejected(503, "busy", "node heartbeat")),
            "controller rejected node heartbeat with 503: busy",
        )
        self.assertEqual(
            str(Unauthorised("who?", "meter frame")),
            "controller rejected meter frame with 401: who?",
        )

    def test_unreachable(self) -> None:
        """Silence has what was being done, in the contract's words, and why it failed."""
        self.assertEqual(
            str(Unreachable("connection refused", "node heartbeat")),
            "post node heartbeat to controller: controller gave no answer: connection refused",
        )
        self.assertTrue(
            str(Unreachable("reset", "node config request")).startswith("fetch node config: ")
        )
        self.assertTrue(
            str(Unreachable("reset", "job heartbeat")).startswith("job heartbeat: controller gave")
        )
