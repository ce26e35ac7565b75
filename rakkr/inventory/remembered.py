"""
What devices said that they can do, kept so that none has to be opened for it again.

A device is known again by its serial number, else by where it is plugged in, else by its ALSA name;
by its own name and number besides, so that another card in the same place is asked for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rakkr.inventory.alsa import CaptureDevice, DeviceFacts
from rakkr.inventory.parameters import NOTHING, Parameters
from rakkr.inventory.rates import MOST_CHANNELS, rising
from rakkr.inventory.stable import place_of

MOST_DEVICES: Final = 256
"""More are forgotten, those that were asked first."""


def key_of(device: CaptureDevice, facts: DeviceFacts) -> str:
    """Say which device it is, in a text that is the same after a restart and on another port."""
    place = facts.own_serial or place_of(facts.hardware_path) or device.system_ref
    return f"{place} {device.device} {device.name}"


def as_text(known: Mapping[str, Parameters]) -> str:
    """Write what is known as JSON."""
    newest = list(known.items())[-MOST_DEVICES:]
    devices = {
        key: {
            "channelCount": each.channel_count,
            "sampleRates": list(each.sample_rates or ()),
            "formats": list(each.formats or ()),
        }
        for key, each in newest
    }
    return json.dumps({"devices": devices}, indent=1, ensure_ascii=True) + "\n"


def from_text(text: str) -> dict[str, Parameters]:
    """
    Read what :func:`as_text` wrote; an entry that makes no sense is left out.

    :raises ValueError: when it is no such file at all.
    """
    try:
        whole = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    devices = whole.get("devices") if isinstance(whole, dict) else None
    if not isinstance(devices, dict):
        raise ValueError("it holds no devices")  # noqa: TRY004 - a text, and no argument
    found = {key: _parameters(each) for key, each in devices.items() if isinstance(each, dict)}
    return {key: each for key, each in found.items() if each != NOTHING}


def _parameters(members: Mapping[str, Any]) -> Parameters:
    count, rates, formats = (
        members.get(name) for name in ("channelCount", "sampleRates", "formats")
    )
    is_count = isinstance(count, int) and 1 <= count <= MOST_CHANNELS
    return Parameters(
        count if is_count else None,
        rising([each for each in _list(rates) if isinstance(each, int)]),
        tuple(each for each in _list(formats) if isinstance(each, str)) or None,
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
