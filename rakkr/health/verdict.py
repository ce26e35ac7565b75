"""What an answer to an event means for it, and for those behind it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final

from rakkr.health.record import REFERENCES

# What is said of this one event, and would be said of it again.  Every other status is said of the
# node, of the way there or of the moment: a proxy whose controller is away answers 404, too.
_OF_THE_EVENT: Final = frozenset({400, 409, 411, 413, 414, 415, 422})
_OF_A_REFERENCE: Final = frozenset({403, 404})


class Verdict(Enum):
    """What is to be done."""

    LATER = auto()
    WITHOUT_REFERENCE = auto()
    REFUSED = auto()


def judge(status: int, wire: Mapping[str, Any]) -> Verdict:
    """Decide about an event that was answered with a status that is no success."""
    if status in _OF_THE_EVENT:
        return Verdict.REFUSED
    if status in _OF_A_REFERENCE and any(name in wire for name in REFERENCES):
        return Verdict.WITHOUT_REFERENCE
    return Verdict.LATER


def without_reference(wire: Mapping[str, Any]) -> dict[str, Any]:
    """The event without the recording or schedule that the controller does not have."""
    return {name: value for name, value in wire.items() if name not in REFERENCES}
