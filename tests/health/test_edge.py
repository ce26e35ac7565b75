"""Tests for ``rakkr.health.edge``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.edge import Edge
from rakkr.health.problems import OpenProblems
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads

FAILED, RECOVERED = "agent.meter_frame.sync_failed", "agent.meter_frame.sync_recovered"
FACTS = {"capturedAt": "t", "channelCount": 2, "interfaceId": "i", "nodeId": "n"}


class EdgeTests(SynchronousTestCase):
    """Failures that come in runs."""

    def setUp(self) -> None:
        self.noted = Noted()
        self.edge = Edge(self.noted, FAILED, RECOVERED)

    def test_edges_only(self) -> None:
        """A run of failures is one event, its end another, with the count."""
        for _ in range(3):
            self.edge.failed({**FACTS, "error": "e"})
        self.edge.worked(FACTS)
        self.edge.worked(FACTS)
        self.assertEqual(
            self.noted.events,
            [
                (FAILED, "warning", {**FACTS, "error": "e"}, None),
                (RECOVERED, "info", {**FACTS, "failureCount": 3}, None),
            ],
        )

    def test_again(self) -> None:
        """The next run is reported again."""
        for _ in range(2):
            self.edge.failed({**FACTS, "error": "e"})
            self.edge.worked(FACTS)
        self.assertEqual(len(self.noted.events), 4)

    def test_no_recovery_type(self) -> None:
        """Where the contract has no recovery, none is reported."""
        edge = Edge(self.noted, FAILED, None)
        edge.failed({**FACTS, "error": "e"})
        edge.worked(FACTS)
        self.assertEqual(self.noted.types(), [FAILED])

    def test_over_a_restart(self) -> None:
        """A run that an earlier agent reported is not reported again, and its end is."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

        def restarted() -> Edge:
            problems = OpenProblems(directory / "open.json", FakeThreads(), Clock(), "node")
            return Edge(self.noted, FAILED, RECOVERED, problems=problems)

        restarted().failed({**FACTS, "error": "e"})
        edge = restarted()
        edge.failed({**FACTS, "error": "e"})
        edge.worked(FACTS)
        restarted().worked(FACTS)
        self.assertEqual(
            self.noted.events,
            [
                (FAILED, "warning", {**FACTS, "error": "e"}, None),
                (RECOVERED, "info", {**FACTS, "failureCount": 2}, None),
            ],
        )

    def test_comes_back(self) -> None:
        """What takes an event may say by that very event that it works."""
        edge = self.edge

        class Back(Noted):
            def emit(self, *event: Any) -> None:
                super().emit(*event)
                edge.worked(FACTS)

        edge.emitter = back = Back()
        edge.failures = 3
        edge.worked(FACTS)
        self.assertEqual(back.types(), [RECOVERED])

    def test_keys(self) -> None:
        """Two that share a type are remembered apart by their keys."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        problems = OpenProblems(directory / "open.json", FakeThreads(), Clock(), "node")
        edge = Edge(self.noted, FAILED, None, problems=problems, key="one")
        edge.failed({**FACTS, "error": "e"})
        self.assertEqual(problems.keys(), ("one",))
