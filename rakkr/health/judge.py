"""Events that the catalogue does not have: a defect of this agent, and no reason to keep quiet."""

from __future__ import annotations

from twisted.logger import Logger

from rakkr.health.catalogue import faults
from rakkr.health.event import HealthEvent


class Judge:
    """Says what is wrong with events in the log of the program, once for each type."""

    log = Logger()

    def __init__(self) -> None:
        self._told: set[str] = set()

    def see(self, event: HealthEvent) -> None:
        """Look at an event; it is evidence, whatever is wrong with it, so this never raises."""
        try:
            wrong = faults(event.type, event.severity, event.details, event.recording_id)
        except Exception as error:  # noqa: BLE001 - evidence never hurts whoever leaves it
            wrong = [f"it cannot be judged: {type(error).__name__}"]
        if wrong and event.type not in self._told:
            self._told.add(event.type)
            self.log.error(
                "a defect of this agent: the event {type} is not as the catalogue has it: {why}",
                type=event.type,
                why="; ".join(wrong),
            )
