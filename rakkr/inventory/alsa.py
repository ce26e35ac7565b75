"""
ALSA's capture devices, read from what ``arecord -l`` and the kernel's text files say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.naming import UNKNOWN, printable
from rakkr.inventory.parameters import NOTHING, Parameters

_LISTED: Final = re.compile(r"card ([0-9]{1,5}):(.*?), device ([0-9]{1,5}):(.*)")
_PCM: Final = re.compile(r"([0-9]{1,5})-([0-9]{1,5}):(.*)")
_HIGHEST_NUMBER: Final = 65_535


@attrs.frozen
class CaptureDevice:
    """
    One capture device of one card.

    :ivar card_id: the card's name in ``hw:CARD=...``, or None where only numbers are known.
    :ivar name: of card and device, for people.
    """

    card: int
    device: int
    name: str
    card_id: str | None = None

    @property
    def system_ref(self) -> str:
        """How ALSA programs open it; by name where possible, because numbers change."""
        if self.card_id is None:
            return f"hw:{self.card},{self.device}"
        return f"hw:CARD={self.card_id},DEV={self.device}"

    @property
    def hardware_ref(self) -> str:
        """How it is opened at this moment, without anything that converts."""
        return f"hw:{self.card},{self.device}"

    @property
    def numeric_id(self) -> str:
        """An id from its numbers alone."""
        return f"alsa_hw_{self.card}_{self.device}"

    @property
    def id(self) -> str:
        """Our id for it, from the card's name where that leaves anything."""
        token = "".join(c for c in (self.card_id or "").lower() if c.isascii() and c.isalnum())
        return f"alsa_card_{token}_dev_{self.device}" if token else self.numeric_id


@attrs.frozen
class DeviceFacts:
    """
    What the kernel's files tell of a device; None is "does not tell".

    :ivar can: what it can do, by its own description.
    :ivar opened: what it was opened with, if it runs; it may be able to do more.
    :ivar serial_number: of the device or of something above it.
    :ivar own_serial: of the USB device itself.
    :ivar card_id: the card's name, for a list that knows only numbers.
    """

    can: Parameters = NOTHING
    opened: Parameters = NOTHING
    hardware_path: str | None = None
    serial_number: str | None = None
    own_serial: str | None = None
    card_id: str | None = None


def parse_arecord_list(text: str) -> tuple[CaptureDevice, ...]:
    """The devices in the output of ``arecord -l`` in the C locale; other lines are passed over."""
    found = []
    for line in text.split("\n"):
        match = _LISTED.fullmatch(line.strip())
        if match is None:
            continue
        card, device = int(match[1]), int(match[3])
        words = match[2].split()
        if card > _HIGHEST_NUMBER or device > _HIGHEST_NUMBER or not words:
            continue
        name = printable(_joined_name(_label(match[2]), _label(match[4]))) or printable(words[0])
        name = name or f"Card {card} device {device}"
        named = printable(words[0]) == words[0] and UNKNOWN not in words[0]
        found.append(CaptureDevice(card, device, name, card_id=words[0] if named else None))
    return tuple(found)


def parse_proc_pcm(text: str) -> tuple[CaptureDevice, ...]:
    """The capture devices in the kernel's list ``/proc/asound/pcm``."""
    found = []
    for line in text.split("\n"):
        match = _PCM.fullmatch(line.strip())
        if match is None or ": capture" not in line:
            continue
        card, device = int(match[1]), int(match[2])
        if card > _HIGHEST_NUMBER or device > _HIGHEST_NUMBER:
            continue
        parts = (part.strip() for part in match[3].split(":"))
        names = (
            printable(part)
            for part in parts
            if printable(part) and not part.startswith(("playback", "capture"))
        )
        found.append(CaptureDevice(card, device, next(names, f"Card {card} device {device}")))
    return tuple(found)


def interfaces(
    devices: Iterable[CaptureDevice], facts: Mapping[CaptureDevice, DeviceFacts]
) -> tuple[AudioInterface, ...]:
    """
    The devices as inputs of the node, each id and each reference once.

    Card names that differ only in punctuation would share an id; the later one is then named by its
    numbers.
    """
    known: dict[str, AudioInterface] = {}
    references: set[str] = set()
    for device in devices:
        if device.system_ref in references:
            continue
        references.add(device.system_ref)
        id_ = device.id if device.id not in known else device.numeric_id
        known[id_] = _interface(device, id_, facts.get(device, DeviceFacts()))
    return tuple(known.values())


def _interface(device: CaptureDevice, id_: str, facts: DeviceFacts) -> AudioInterface:
    told = facts.can.or_else(facts.opened)
    return AudioInterface(
        id=id_,
        backend="alsa",
        system_name=device.name,
        system_ref=device.system_ref,
        channel_count=told.channel_count or 2,
        assumed=facts.can.channel_count is None,
        sample_rates=told.sample_rates or (48_000,),
        formats=told.formats or (),
        hardware_path=facts.hardware_path,
        serial_number=facts.serial_number,
        card=device.card,
        card_id=device.card_id or facts.card_id,
        device=device.device,
        own_serial=facts.own_serial,
    )


def _label(part: str) -> str:
    """The text in brackets, or all of it."""
    opening, closing = part.find("["), part.rfind("]")
    return part[opening + 1 : closing].strip() if 0 <= opening < closing else part.strip()


def _joined_name(card: str, device: str) -> str:
    return device if card.lower() == device.lower() else f"{card} {device}".strip()
