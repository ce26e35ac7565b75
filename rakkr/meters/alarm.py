"""An alarm of one interface: what it is, and how it goes on and off."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

import attrs

from rakkr.meters.frame import MeterFrame
from rakkr.meters.latch import Latch
from rakkr.meters.limits import Limits


@attrs.frozen
class Change:
    """
    An alarm that goes on or off.

    :ivar name: the type of its event, after ``agent.meter.`` and before ``_recovered``.
    :ivar details: of the event, but for what every event of a frame has.
    """

    name: str
    on: bool
    details: Mapping[str, Any]


class Alarm(Protocol):
    """One alarm of one interface."""

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """
        Take a frame into account; gives what it changed.

        :param frame: rounded, of this interface.
        """


@attrs.define
class WholeAlarm(ABC):
    """An alarm that is on for the whole interface, or off."""

    limits: Limits
    latch: Latch = attrs.Factory(Latch)
    name: ClassVar[str]

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """Take a frame into account."""
        before = self.latch
        self.latch = before.see(self.present(frame), frame.seconds, self.limits)
        if self.latch.on != before.on:
            details = self.fault(frame) if self.latch.on else self.end(frame)
            yield Change(self.name, self.latch.on, details)

    @abstractmethod
    def present(self, frame: MeterFrame) -> bool:
        """Whether a frame shows it."""

    @abstractmethod
    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """What there is to say when it goes on."""

    @abstractmethod
    def end(self, frame: MeterFrame) -> dict[str, Any]:
        """What there is to say when it goes off."""
