"""A check that is in force."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.problems import OpenProblems
from rakkr.system.alarm import Alarm
from rakkr.system.checks import LOAD
from rakkr.system.levels import Level
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads

FACTS = {
    "cores": 4.0,
    "criticalLoadPerCore": 4.0,
    "loadAverageOneMinute": 1.0,
    "loadPerCore": 0.2,
    "nodeId": "n",
    "warningLoadPerCore": 2.0,
}


class AlarmTests(SynchronousTestCase):
    """Levels that are told, and remembered."""

    def setUp(self) -> None:
        self.noted = Noted()
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.problems = OpenProblems(directory / "open.json", FakeThreads(), Clock(), "node")

    def alarm(self) -> Alarm:
        """The alarm of an agent that starts now."""
        return Alarm(LOAD, self.noted, self.problems)

    def test_remembered(self) -> None:
        """An agent that starts takes the level over that was told last."""
        for level in (Level.CRITICAL, Level.WARNING, Level.HEALTHY):
            self.alarm().judged(level, FACTS)
            self.assertIs(self.alarm().level, level)
        self.assertEqual(self.problems.keys(), ())
        self.assertEqual([event[1] for event in self.noted.events], ["critical", "warning", "info"])

    def test_unknown_word(self) -> None:
        """A level that is none of ours was no problem of ours."""
        self.problems.put(LOAD.key, "terrible")
        self.assertIs(self.alarm().level, Level.HEALTHY)
