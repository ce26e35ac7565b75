"""Which event a change calls for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.checks import DISK
from rakkr.system.levels import Level

PROBLEM, RECOVERED = "agent.system.disk_pressure", "agent.system.disk_recovered"


class CheckTests(SynchronousTestCase):
    """The contract's table of transitions."""

    def test_each(self) -> None:
        """A problem is told at each change of its severity, its end once, and rest never."""
        healthy, warning, critical = Level
        expected = {
            (healthy, warning): (PROBLEM, "warning"),
            (healthy, critical): (PROBLEM, "critical"),
            (warning, critical): (PROBLEM, "critical"),
            (critical, warning): (PROBLEM, "warning"),
            (warning, healthy): (RECOVERED, "info"),
            (critical, healthy): (RECOVERED, "info"),
        }
        for before in Level:
            for now in Level:
                self.assertEqual(DISK.told(before, now), expected.get((before, now)))
