"""
What shape a node of PipeWire has: channels, rates, formats, as ``EnumFormat`` in its dump says.

A value that is not fixed is an object: with ``min`` and ``max`` for a range, with ``alt1`` and so
on for a choice, and with ``default`` in both.
"""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.inventory.rates import MOST_CHANNELS, rates_between, rising

_ALSA_NAMES: Final = {
    "U8": "U8",
    "S16LE": "S16_LE",
    "S24LE": "S24_3LE",
    "S24_32LE": "S24_LE",
    "S32LE": "S32_LE",
    "F32LE": "FLOAT_LE",
    "F32P": "FLOAT_LE",
}


@attrs.frozen
class Shape:
    """
    What a node can give.

    :ivar channel_count: the most channels, None when it does not say.
    :ivar formats: by ALSA's names, those that ALSA has too.
    """

    channel_count: int | None = None
    rates: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()


def shape_of(formats: object) -> Shape:
    """Read the formats of a node; what has another shape than expected is passed over."""
    channels: list[int] = []
    rates: list[int] = []
    names: dict[str, None] = {}
    for each in formats if isinstance(formats, list) else ():
        if not isinstance(each, dict) or each.get("mediaSubtype") != "raw":
            continue
        channels += [n for n in _values(each.get("channels")) if 1 <= n <= MOST_CHANNELS]
        rates += _rates(each.get("rate"))
        names.update(dict.fromkeys(_formats(each.get("format"))))
    return Shape(max(channels, default=None), rising(rates) or (), tuple(names))


def rates_of(rate: int | None) -> tuple[int, ...]:
    """One rate, if it can be one."""
    return () if rate is None else rising([rate]) or ()


def _rates(value: object) -> list[int]:
    found = _values(value)
    if isinstance(value, dict) and "max" in value and found:
        return rates_between(min(found), max(found))
    return found


def _values(value: object) -> list[int]:
    parts = value.values() if isinstance(value, dict) else [value]
    return [each for each in parts if isinstance(each, int) and not isinstance(each, bool)]


def _formats(value: object) -> list[str]:
    parts = value.values() if isinstance(value, dict) else [value]
    return [_ALSA_NAMES[each] for each in parts if isinstance(each, str) and each in _ALSA_NAMES]
