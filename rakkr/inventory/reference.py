"""How ALSA programs are told which card to open."""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.inventory.interface import AudioInterface

_FRONTS: Final = ("hw", "plughw")
_DEVICE_KEYS: Final = ("DEV", "DEVICE")
_MOST_DIGITS: Final = 5


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


@attrs.frozen
class CardReference:
    """
    An ALSA reference to a card, taken apart.

    :ivar front: ``hw``, or ``plughw`` which converts.
    :ivar card: the card's name or number.
    """

    front: str
    card: str
    device: int
    subdevice: str | None

    @property
    def by_number(self) -> bool:
        """Whether it names the card by its number, which changes."""
        return _is_number(self.card)

    def means(self, found: AudioInterface) -> bool:
        """Whether ALSA would open this input."""
        if found.backend != "alsa" or found.device != self.device:
            return False
        return found.card == int(self.card) if self.by_number else found.card_id == self.card

    def to(self, found: AudioInterface) -> str:
        """The reference of the same form to this input."""
        if found.card_id is None:
            tail = "" if self.subdevice is None else f",{self.subdevice}"
            return f"{self.front}:{found.card},{found.device}{tail}"
        tail = "" if self.subdevice is None else f",SUBDEV={self.subdevice}"
        return f"{self.front}:CARD={found.card_id},DEV={found.device}{tail}"


def parse_reference(text: str) -> CardReference | None:
    """Take a reference apart (inventory.md section 7); None for one that names no card."""
    front, colon, rest = text.strip().removeprefix("alsa:").partition(":")
    if front not in _FRONTS or not colon:
        return None
    keyed: dict[str, str] = {}
    placed: list[str] = []
    for part in rest.split(","):
        key, equals, value = part.strip().partition("=")
        if equals:
            keyed[key.strip().upper()] = value.strip()
        else:
            placed.append(key)
    card = keyed.get("CARD", placed[0] if placed else "")
    numbers = [keyed[key] for key in _DEVICE_KEYS if key in keyed] + placed[1:2] + ["0"]
    if not card or not _is_number(numbers[0]):
        return None
    subdevice = keyed.get("SUBDEV", placed[2] if len(placed) > 2 else None)  # noqa: PLR2004
    return CardReference(front, card, int(numbers[0]), subdevice)
