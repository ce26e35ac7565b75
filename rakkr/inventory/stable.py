"""
Which device it really is, whatever number and name the system gives it today.

ALSA numbers cards as they come, and names a second card of a kind after the first, so both
references may mean another card after a USB hub was reset.  A recording goes on with the very same
card or waits for it; it never goes on with another one silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.reference import parse_reference

# Below it the kernel counts cards, and the count changes.
_COUNTED: Final = re.compile(r"/sound/card[0-9]+(/.*)?$")
_NOWHERE: Final = ("/proc/", "/sys/devices/virtual")


@attrs.frozen(kw_only=True)
class DeviceIdentity:
    """
    What is known of a device while it is there.

    :ivar name: of card and device, for people.
    :ivar device: number of the device on its card.
    :ivar card_id: ALSA's name of the card.
    :ivar serial: serial number of the card itself, None when it has none of its own, or when
        another card that was there has the same.
    :ivar hardware_path: where the card is plugged in, without the card's number; None for a card
        that is nowhere, such as a simulated one.
    :ivar alone: whether no other card of this name was there.
    """

    name: str
    device: int
    card_id: str | None = None
    serial: str | None = None
    hardware_path: str | None = None
    alone: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The identity as JSON has it."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> DeviceIdentity:
        """
        Read what :meth:`as_dict` made; members that are not known are passed over.

        :raises ValueError: when name or device is missing.
        """
        try:
            return cls(**{key: members[key] for key in attrs.fields_dict(cls) if key in members})
        except TypeError as error:
            raise ValueError(f"this is no identity of a device: {error}") from error


@attrs.frozen
class Found:
    """
    The answer to where a device is.

    :ivar device: the reference to open now, None while it must not be opened.
    :ivar absent: why not, for people.
    """

    device: str | None
    absent: str | None = None


def identity_of(device: str, interfaces: Iterable[AudioInterface]) -> DeviceIdentity | None:
    """
    Say which device a reference means now.

    :param device: ``hw:`` or ``plughw:`` with a card's name or number.
    :returns: None for any other name, which is whatever the sound system makes of it, and for a
        card that is not there.
    """
    reference, known = parse_reference(device), tuple(interfaces)
    found = None
    if reference is not None:
        found = next((each for each in known if reference.means(each)), None)
    if found is None or found.device is None:
        return None
    others = [each for each in _with_device(known, found.device) if each is not found]
    shared = any(each.own_serial == found.own_serial for each in others)
    return DeviceIdentity(
        name=found.system_name,
        device=found.device,
        card_id=found.card_id,
        serial=None if shared else found.own_serial,
        hardware_path=_place(found),
        alone=all(each.system_name != found.system_name for each in others),
    )


def device_for(identity: DeviceIdentity | None, device: str, inventory: Inventory) -> Found:
    """
    Find the reference that opens the very same device now.

    The serial number decides; without one the place where the card is plugged in, with its name;
    without a place its ALSA name.  A serial number that cannot be read at the moment does not make
    a card of the same name in the same place another one.  A card without a serial number may have
    been moved to another port: it is taken for the same only if no card of its name was beside it
    before, none is now, and it has its ALSA name again, because then nothing speaks for another
    card, and a person who moves the plug in the middle of a recording wants it to go on.

    When the inputs cannot be looked for, a reference by the card's name is tried, if there was no
    other card that could have got that name; one by number never, since numbers are given anew.

    :param identity: from :func:`identity_of` while it was there; with None nothing is known, and
        the device is what it was asked for as.
    :param device: as it was asked for; ``plughw:`` stays ``plughw:``.
    """
    reference = parse_reference(device)
    if identity is None or reference is None:
        return Found(device)
    if not inventory.probe_ok:
        if not reference.by_number and identity.alone:
            return Found(device)
        reason = inventory.reason or "the inputs are not known"
        return Found(None, f"whether {_described(identity, device)} is there is unknown: {reason}")
    candidates = _with_device(inventory.interfaces, identity.device)
    found = _same(identity, candidates)
    if found is not None:
        return Found(device if reference.means(found) else reference.to(found))
    absent = f"{_described(identity, device)} is not there"
    other = next((each for each in candidates if reference.means(each)), None)
    if other is not None:
        absent += f"; {device} is now another card or cannot be told from one: {_facts(other)}"
    return Found(None, absent)


def refreshed(
    device: str, interface_id: str | None, interfaces: Iterable[AudioInterface]
) -> str | None:
    """
    Find the reference that a job's device has now (the contract's jobs.md, section 9).

    :param interface_id: our own id of the job's interface; see :mod:`rakkr.inventory.theirs`.
    :returns: the reference, None when it is the same one or the input is not there.  A device that
        converts goes on converting.
    """
    for found in interfaces:
        if interface_id is None or found.id != interface_id or found.system_ref is None:
            continue
        wished, current = parse_reference(device), parse_reference(found.system_ref)
        if current is None:
            return None
        if wished is not None:
            current = attrs.evolve(current, front=wished.front, subdevice=wished.subdevice)
        return None if wished == current else current.to(found)
    return None


def _same(
    identity: DeviceIdentity, candidates: tuple[AudioInterface, ...]
) -> AudioInterface | None:
    here = [each for each in candidates if identity.hardware_path == _place(each) is not None]
    if identity.serial is not None:
        found = [
            each
            for each in candidates
            if each.own_serial == identity.serial
            and (each.system_name == identity.name or each in here)
        ]
        in_place = [each for each in found if each in here]
        if found:
            return _only(found) or _only(in_place)
        here = [each for each in here if each.own_serial is None]
    namesakes = [each for each in candidates if each.system_name == identity.name]
    in_place = [each for each in here if each in namesakes]
    if in_place:
        return _only(in_place)
    if identity.serial is not None:
        return None
    called = [each for each in namesakes if each.card_id == identity.card_id]
    if identity.hardware_path is None and all(_place(each) is None for each in called):
        return _only(called)
    moved = _only(namesakes) if identity.alone else None
    return moved if moved is not None and moved in called and moved.own_serial is None else None


def _only(found: list[AudioInterface]) -> AudioInterface | None:
    return found[0] if len(found) == 1 else None


def _with_device(interfaces: Iterable[AudioInterface], device: int) -> tuple[AudioInterface, ...]:
    return tuple(each for each in interfaces if each.backend == "alsa" and each.device == device)


def place_of(path: str | None) -> str | None:
    """Where a card is plugged in, by its path in the system; None for one that is nowhere."""
    if path is None or path.startswith(_NOWHERE):
        return None
    return _COUNTED.sub("", path)


def _place(found: AudioInterface) -> str | None:
    return place_of(found.hardware_path)


def _described(identity: DeviceIdentity, device: str) -> str:
    facts = [identity.name]
    if identity.serial is not None:
        facts.append(f"serial number {identity.serial}")
    elif identity.hardware_path is not None:
        facts.append(f"plugged in at {identity.hardware_path}")
    return f"{device} ({', '.join(facts)})"


def _facts(found: AudioInterface) -> str:
    serial = f"serial number {found.own_serial}" if found.own_serial else "no serial number"
    return f"{found.system_name}, {serial}, at {_place(found) or 'no known place'}"
