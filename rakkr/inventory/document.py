"""
The node as JSON: the printed inventory, the heartbeat, and the inputs that a controller is told of.

Keys whose value is unknown are left out, because a controller refuses null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from rakkr.inventory.host import HostFacts, audio_backends
from rakkr.inventory.interface import FALLBACK, FALLBACK_ALIAS, AudioInterface, Inventory
from rakkr.inventory.naming import clipped, printable

MOST_INTERFACES: Final = 64
MOST_RATES: Final = 16
_MOST_CHANNELS: Final = 256
_NAME, _ALIAS, _PATH, _VERSION = 255, 160, 500, 80
_COMMON_RATES: Final = (48_000, 44_100, 96_000, 88_200, 192_000, 176_400, 32_000, 16_000)


@attrs.frozen
class Identity:
    """How the node is called, as it is set up."""

    node_id: str
    alias: str
    site: str
    room: str


def inventory_document(
    identity: Identity, host: HostFacts, inventory: Inventory, *, version: str, stamp: str
) -> dict[str, Any]:
    """
    What ``--print-inventory`` prints, keys in the order in which they are printed.

    A node without inputs shows one that stands for "none known yet".

    :param stamp: the time of the reading, as it stands on the wire.
    """
    return {
        "agentVersion": version,
        "alias": identity.alias,
        "hostname": host.hostname,
        "id": identity.node_id,
        "interfaces": [_whole(found) for found in inventory.interfaces or (FALLBACK,)],
        "ipAddresses": list(host.addresses),
        "lastSeenAt": stamp,
        "location": {"room": identity.room, "site": identity.site},
        "runtime": _runtime(host, inventory),
        "status": "online",
        "tags": ["recorder-agent"],
    }


def heartbeat_body(
    host: HostFacts, inventory: Inventory, *, status: str, version: str
) -> dict[str, Any]:
    """
    The body of a heartbeat; a controller reads nothing else from it.

    :param status: ``online``, ``recording``, ``degraded`` or ``alerting``.
    """
    return {
        "agentVersion": _clipped(version, _VERSION),
        "hostname": _clipped(host.hostname, _NAME) or "unknown-host",
        "ipAddresses": list(host.addresses),
        "runtime": _runtime(host, inventory),
        "status": status,
    }


def key_of(interface: Mapping[str, Any]) -> str:
    """What a controller knows an input by."""
    return str(interface.get("systemRef") or interface["systemName"])


def assumed_keys(inventory: Inventory) -> frozenset[str]:
    """The inputs of which nobody told how many channels they have, by what they are known by."""
    return frozenset(key_of(_for_controller(each)) for each in inventory.interfaces if each.assumed)


def interfaces_for_controller(inventory: Inventory) -> list[dict[str, Any]]:
    """
    The inputs as a controller takes them: at most 64, each known by its own reference.

    One label that is too long or blank would have the whole list refused, so labels are cut and
    blank ones replaced.  Nothing found is an empty list; the stand-in of the printed inventory
    is never sent.
    """
    sent: dict[str, dict[str, Any]] = {}
    for found in inventory.interfaces:
        interface = _for_controller(found)
        sent.setdefault(key_of(interface), interface)
    return list(sent.values())[:MOST_INTERFACES]


def _for_controller(found: AudioInterface) -> dict[str, Any]:
    name = _clipped(found.system_name, _NAME) or found.id
    rates = found.sample_rates
    if len(rates) > MOST_RATES:
        kept = [rate for rate in _COMMON_RATES if rate in rates]
        rates = tuple(sorted((kept + [r for r in rates if r not in kept])[:MOST_RATES]))
    count = min(found.channel_count, _MOST_CHANNELS)
    return _known(
        alias=_clipped(found.alias or name, _ALIAS) or _clipped(name, _ALIAS),
        backend=found.backend,
        channelCount=count,
        channels=channels_of(count, found.channel_names),
        hardwarePath=_clipped(found.hardware_path, _PATH),
        sampleRates=list(rates),
        serialNumber=_clipped(found.serial_number, _NAME),
        systemName=name,
        systemRef=_clipped(found.system_ref, _NAME),
    )


def _whole(found: AudioInterface) -> dict[str, Any]:
    return _known(
        alias=FALLBACK_ALIAS if found is FALLBACK else found.alias or found.system_name,
        backend=found.backend,
        channelCount=found.channel_count,
        channels=channels_of(found.channel_count, found.channel_names),
        hardwarePath=found.hardware_path,
        id=found.id,
        sampleRates=list(found.sample_rates),
        serialNumber=found.serial_number,
        systemName=found.system_name,
        systemRef=found.system_ref,
    )


def _runtime(host: HostFacts, inventory: Inventory) -> dict[str, Any]:
    return _known(
        architecture=host.architecture,
        audioBackends=audio_backends(inventory),
        kernelRelease=host.kernel,
        osName=host.os_name,
        uptimeSeconds=host.uptime_seconds,
    )


def channels_of(count: int, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The channels of an input, by their names where they have any."""
    known = dict(enumerate(names, 1))
    return [
        {"alias": known.get(index) or f"Input {index}", "index": index}
        for index in range(1, count + 1)
    ]


def _clipped(text: str | None, most: int) -> str:
    """At most so many letters, without blanks around them and only what can be printed."""
    return clipped(printable(text or ""), most)


def _known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "")}
