"""Tests for ``rakkr.health.edge``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.edge import Edge
from tests.fakes.evidence import Noted


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
