"""Tests for ``rakkr.meters.lag``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.lag import WELL_SECONDS, Lag
from tests.meters.watching import judged


class LagTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.subject = Lag("node_1")

    def types(self, frames: int, now: float) -> list[str]:
        """The types of what is reported."""
        return [each.type for each in self.subject.seen("iface_1", frames, now)]

    def test_nothing_left_out(self) -> None:
        """A machine that is quick enough is not spoken of."""
        for now in range(1000):
            self.assertEqual(self.types(0, float(now)), [])

    def test_once(self) -> None:
        """Frames that are left out are told at once, and once, with how many there were."""
        (event,) = judged(self.subject.seen("iface_1", 480, 10.0))
        self.assertEqual((event.type, event.severity), ("agent.meter.behind", "warning"))
        expected = {"interfaceId": "iface_1", "leftOutFrames": 480, "nodeId": "node_1"}
        self.assertEqual(event.details, expected)
        self.assertEqual(self.types(480, 11.0), [])

    def test_well_again(self) -> None:
        """Only after a while without any is all well again; all that were left out are told."""
        self.types(480, 10.0)
        self.types(20, 50.0)
        self.assertEqual(self.types(0, 50.0 + WELL_SECONDS - 0.1), [])
        (event,) = judged(self.subject.seen("iface_2", 0, 50.0 + WELL_SECONDS))
        self.assertEqual((event.type, event.severity), ("agent.meter.behind_recovered", "info"))
        self.assertEqual(event.details["leftOutFrames"], 500)
        self.assertEqual(self.types(0, 500.0), [])
        (event,) = self.subject.seen("iface_1", 7, 501.0)
        self.assertEqual((event.type, event.details["leftOutFrames"]), ("agent.meter.behind", 7))
