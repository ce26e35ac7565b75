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
# Said to everything while the controller is away, or the token is not known.
_NEVER_OF_THE_EVENT: Final = frozenset({401, 408, 425, 429, 502, 503, 504})
_BAD_REQUEST: Final = 400


class Verdict(Enum):
    """What is to be done."""

    LATER = auto()
    WITHOUT_REFERENCE = auto()
    REFUSED = auto()


def judge(status: int, body: str, wire: Mapping[str, Any]) -> Verdict:
    """
    Decide about an event that was answered with a status that is no success.

    :param body: of the answer.  The controller's is a JSON object; a proxy that says 400 in another
        language says it to everything, as when our certificate is no longer valid.
    """
    if status in _OF_THE_EVENT and (status != _BAD_REQUEST or body.startswith("{")):
        return Verdict.REFUSED
    if status in _OF_A_REFERENCE and any(name in wire for name in REFERENCES):
        return Verdict.WITHOUT_REFERENCE
    return Verdict.LATER


def may_be_the_event(status: int) -> bool:
    """Whether a status that does not pass may be the answer to this event alone, after all."""
    return status not in _NEVER_OF_THE_EVENT


def without_reference(wire: Mapping[str, Any]) -> dict[str, Any]:
    """The event without the recording or schedule that the controller does not have."""
    return {name: value for name, value in wire.items() if name not in REFERENCES}
