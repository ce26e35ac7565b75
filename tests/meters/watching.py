"""Alarms that are fed frames, and what they then report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.alarms import Alarms
from rakkr.meters.event import MeterEvent
from rakkr.meters.frame import MeterFrame
from rakkr.meters.limits import Limits
from tests.fakes.evidence import Noted


def short(type_: str) -> str:
    """The type of an event without what all have."""
    return type_.removeprefix("agent.meter.")


def judged(events: list[MeterEvent]) -> list[MeterEvent]:
    """The events, which are as the catalogue has them, or the test fails."""
    for event in events:
        Noted().emit(event.type, event.severity, event.details)
    return events


class WatchingCase(SynchronousTestCase):
    """A test of alarms with the limits that are the default."""

    def setUp(self) -> None:
        self.watch()

    def watch(self, **limits: float) -> None:
        """Begin with new alarms."""
        self.alarms = Alarms("node_1", Limits(**limits))

    def see(self, *frames: MeterFrame) -> list[MeterEvent]:
        """What a row of frames makes the alarms report."""
        return judged([event for each in frames for event in self.alarms.see(each)])

    def types(self, *frames: MeterFrame) -> list[str]:
        """The types of it."""
        return [short(event.type) for event in self.see(*frames)]

    def details(self, type_: str, frames: Iterable[MeterFrame]) -> Any:
        """The details of the only event, which has this type."""
        (event,) = self.see(*frames)
        self.assertEqual(short(event.type), type_)
        return event.details

    def still(self, *frames: MeterFrame) -> None:
        """Nothing is reported."""
        self.assertEqual(self.types(*frames), [])
