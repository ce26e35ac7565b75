"""A reporter with its log, a controller that does as it is told, and a clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from rakkr.clock import WallTime
from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.health.jsonl import JsonLines
from rakkr.health.problems import OpenProblems
from rakkr.health.refused import DeadLetters
from rakkr.health.reporter import HealthReporter
from rakkr.health.store import Store
from tests.fakes.controller import FakeController
from tests.fakes.threads import FakeThreads
from tests.health.breaking import Breaking

REFUSALS: dict[str, Exception] = {
    "away": Unreachable("refused"),
    "401": Unauthorised(""),
    "400": Rejected(400, '{"error": "no"}'),
    "404": Rejected(404, "no"),
    "503": Rejected(503, "no"),
}


class Bench:
    """
    One node.

    :ivar mode: how the controller answers: ``ok``, or a key of REFUSALS.
    :ivar taken: the events that it took, in order.
    """

    def __init__(self, directory: Path, **limits: Any) -> None:
        self.clock = Clock()
        self.directory = directory
        self.path = directory / "events.jsonl"
        self.limits = {"max_bytes": 0, "retained": 3, "undelivered_max_bytes": 1 << 20} | limits
        self.mode = "ok"
        self.taken: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.controller = FakeController(post_health_event=[self._answer])
        self.threads = FakeThreads()
        self.system = Breaking()
        self.runs = 0
        self.rate = 1000.0

    def _answer(self, event: Mapping[str, Any]) -> Exception | None:
        if self.mode == "ok":
            self.taken.append(dict(event))
            return None
        if self.mode == "400":
            self.refused.append(dict(event))
        return REFUSALS[self.mode]

    def store(self) -> Store:
        """The log."""
        return JsonLines(self.path, delivers=True, system=self.system, **self.limits)

    def reporter(self, store: Store | None = None, *, calls: bool = True) -> HealthReporter:
        """An agent's reporter; each is another run of it."""
        self.runs += 1
        return HealthReporter(
            self.clock,
            WallTime(lambda: 0.0),
            "node_1",
            store or self.store(),
            self.controller if calls else None,
            f"run{self.runs}",
            in_thread=self.threads,
            random=lambda: 0.5,
            letters=DeadLetters(self.directory / "refused.jsonl"),
            events_per_second=self.rate,
            problems=OpenProblems(
                self.directory / "open-problems.json", FakeThreads(), self.clock, "node_1"
            ),
        )

    def settle(self, seconds: float = 0.0) -> None:
        """Let time pass, and everything happen that is due at once."""
        self.clock.advance(seconds)
        for _ in range(100_000):
            if not any(call.getTime() <= self.clock.seconds() for call in self._delayed()):
                return
            self.clock.advance(0)
        raise AssertionError("there is no end")

    def pass_time(self, seconds: int) -> None:
        """Let time pass second by second."""
        for _ in range(seconds):
            self.settle(1.0)

    def forget_calls(self) -> None:
        """What a killed process had planned does not happen."""
        for call in self._delayed():
            call.cancel()

    def _delayed(self) -> list[Any]:
        return list(self.clock.getDelayedCalls())

    def types(self) -> list[str]:
        """What the controller took."""
        return [event["type"] for event in self.taken]

    def logged(self) -> list[dict[str, Any]]:
        """The active file."""
        return [json.loads(line) for line in self.path.read_text().splitlines()]
