"""Events as records that are never too long for a controller, for memory, and for the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rakkr.health.event import json_line

LONGEST_BYTES: Final = 64 << 10
_LIMITS: Final = ((4000, 100), (400, 20))
"""Characters of a text and items of a list, for the first try and for the second."""


def short_line(wire: Mapping[str, Any]) -> bytes:
    """
    Make the record of an event, of LONGEST_BYTES at most.

    Where it would be longer, the texts and lists among its details lose their ends; where that is
    not enough, all details are withheld.

    :param wire: an event of plain JSON data.
    """
    line = json_line(wire)
    for characters, items in _LIMITS:
        if len(line) <= LONGEST_BYTES:
            return line
        line = json_line({**wire, "details": _cut(wire["details"], characters, items)})
    if len(line) <= LONGEST_BYTES:
        return line
    return json_line({**wire, "details": {"withheld": "they are too long"}})


def _cut(value: Any, characters: int, items: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[: characters - 1]}…"
    if isinstance(value, list):
        return [_cut(each, characters, items) for each in value[:items]]
    if isinstance(value, dict):
        return {key: _cut(each, characters, items) for key, each in value.items()}
    return value
