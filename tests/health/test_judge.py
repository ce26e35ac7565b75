"""Tests for ``rakkr.health.judge``."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.event import HealthEvent
from rakkr.health.judge import Judge

RIGHT = {"error": "e", "nodeId": "n"}


def event(type_: str, **details: Any) -> HealthEvent:
    """A warning."""
    return HealthEvent("id", f"agent.{type_}", "warning", "t", details)


class JudgeTests(SynchronousTestCase):
    """Events on their way into the log."""

    def told(self, *events: HealthEvent) -> list[str]:
        """What is said of events."""
        judge = Judge()
        with capturedLogs() as logs:
            for each in events:
                judge.see(each)
        return [formatEvent(each) for each in logs]

    def test_right(self) -> None:
        """Nothing is said of an event that is as the catalogue has it."""
        self.assertEqual(self.told(event("recording_job.claim_next_failed", **RIGHT)), [])

    def test_not_to_be_judged(self) -> None:
        """A detail that cannot even be shown hurts nobody."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        (said,) = self.told(event("recording_job.claim_next_failed", **RIGHT | {"error": deep}))
        self.assertIn("RecursionError", said)

    def test_once(self) -> None:
        """What is wrong is said once for each type."""
        first, *more = self.told(
            event("recording_job.claim_next_failed", error="e"),
            event("recording_job.claim_next_failed"),
            event("flowers", color="{red}"),
        )
        self.assertIn("details has no nodeId", first)
        self.assertEqual(len(more), 1)
        self.assertIn("'agent.flowers' is no type", more[0])
