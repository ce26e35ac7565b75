"""Whether there is anything to record from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.reference import parse_reference
from rakkr.system.levels import Level


@attrs.frozen(kw_only=True)
class AudioInputs:
    """
    The inputs of the node, as they were looked for last.

    :ivar interfaces: those that are known; when they cannot be looked for, those of before.
    :ivar backends: the audio systems that the node names; ``unknown`` when there is none.
    :ivar listed: how many interfaces it names, one that only stands for "none" among them.
    :ivar error: why they could not be looked for, None when they were.
    """

    interfaces: Sequence[AudioInterface]
    backends: Sequence[str]
    listed: int
    error: str | None = None

    @property
    def available(self) -> int:
        """How many can be recorded from, whatever audio system they belong to."""
        return sum(each.backend != "unknown" and each.channel_count > 0 for each in self.interfaces)

    @property
    def level(self) -> Level:
        """None is a warning; never more, because a card may be plugged in when it is needed."""
        return Level.HEALTHY if self.available else Level.WARNING

    def details(self, configured: Iterable[str]) -> dict[str, Any]:
        """
        What the events say.

        :param configured: the devices that the settings name.
        """
        return {
            "audioBackends": list(self.backends),
            "availableInterfaces": self.available,
            "backendCount": len(self.backends),
            "interfaces": self.listed,
            "missingDevices": missing(configured, self.interfaces),
        }


def missing(configured: Iterable[str], interfaces: Sequence[AudioInterface]) -> list[str]:
    """
    The configured devices that are not there, each once.

    Only a reference that names a card can be missed: ``default`` may be anything.
    """
    cards = {name: parse_reference(name) for name in configured}
    return [
        name
        for name, card in cards.items()
        if card is not None and not any(card.means(each) for each in interfaces)
    ]
