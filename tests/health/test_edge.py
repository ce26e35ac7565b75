"""Tests for ``rakkr.health.edge``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.edge import Edge
from rakkr.health.problems import OpenProblems
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads


class EdgeTests(SynchronousTestCase):
    """Failures that come in runs."""

    def setUp(self) -> None:
        self.noted = Noted()
        self.edge = Edge(self.noted, "agent.x.failed", "agent.x.recovered")

    def test_edges_only(self) -> None:
        """A run of failures is one event, its end another, with the count."""
        for _ in range(3):
            self.edge.failed({"error": "e"})
        self.edge.worked({"error": None})
        self.edge.worked({"error": None})
        self.assertEqual(
            self.noted.events,
            [
                ("agent.x.failed", "warning", {"error": "e"}, None),
                ("agent.x.recovered", "info", {"error": None, "failureCount": 3}, None),
            ],
        )

    def test_again(self) -> None:
        """The next run is reported again."""
        for _ in range(2):
            self.edge.failed({})
            self.edge.worked({})
        self.assertEqual(len(self.noted.events), 4)

    def test_no_recovery_type(self) -> None:
        """Where the contract has no recovery, none is reported."""
        edge = Edge(self.noted, "agent.x.failed", None)
        edge.failed({})
        edge.worked({})
        self.assertEqual(self.noted.types(), ["agent.x.failed"])

    def test_over_a_restart(self) -> None:
        """A run that an earlier agent reported is not reported again, and its end is."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

        def restarted() -> Edge:
            problems = OpenProblems(directory / "open.json", FakeThreads())
            return Edge(self.noted, "agent.x.failed", "agent.x.recovered", problems=problems)

        restarted().failed({})
        edge = restarted()
        edge.failed({})
        edge.worked({})
        restarted().worked({})
        self.assertEqual(
            self.noted.events,
            [
                ("agent.x.failed", "warning", {}, None),
                ("agent.x.recovered", "info", {"failureCount": 2}, None),
            ],
        )

    def test_keys(self) -> None:
        """Two that share a type are remembered apart by their keys."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        problems = OpenProblems(directory / "open.json", FakeThreads())
        Edge(self.noted, "agent.x.failed", None, problems=problems, key="one").failed({})
        self.assertEqual(problems.keys(), ("one",))
