"""The inputs as a table for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.naming import printable

_HEADINGS: Final = (
    "NAME", "BACKEND", "DEVICE TO RECORD", "CHANNELS", "RATES (HZ)", "FORMATS", "SERIAL NUMBER",
    "WHERE",
)  # fmt: skip
_GAP: Final = "  "
_NOTHING: Final = "-"
_MOST_RATES: Final = 6
_WIDE: Final = frozenset("WF")


def inventory_table(inventory: Inventory) -> str:
    """
    One line for each input, below headings.

    A number of channels that nobody told has a question mark behind it.
    """
    if not inventory.interfaces:
        why = f": {printable(inventory.reason)}" if inventory.reason else ""
        return f"no audio input was found{why}\n"
    rows = [_HEADINGS, *map(_row, inventory.interfaces)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [_GAP.join(map(_padded, row, widths)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def device_of(found: AudioInterface) -> str:
    """What is given as ``--capture-device`` to record an input."""
    return found.system_ref or found.system_name if found.backend == "alsa" else found.system_name


def _row(found: AudioInterface) -> tuple[str, ...]:
    channels = f"{found.channel_count}{'?' if found.assumed else ''}"
    cells = (
        found.alias or found.system_name,
        found.backend,
        device_of(found),
        channels,
        _rates(found.sample_rates),
        " ".join(found.formats),
        found.serial_number or "",
        found.hardware_path or "",
    )
    return tuple(printable(cell) or _NOTHING for cell in cells)


def _rates(rates: Sequence[int]) -> str:
    """All of a few rates, of many the ends and how many there are."""
    if len(rates) <= _MOST_RATES:
        return " ".join(map(str, rates))
    return f"{rates[0]}-{rates[-1]} ({len(rates)})"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(each) in _WIDE for each in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
