"""
Checks for what others sent, put together from small ones and read as tables.

A check takes a value and where it stood, and returns the value as it is kept (trimmed, converted,
with defaults) or raises :class:`Invalid` with every fault that it found.  The number rules are
those of JSON in a JavaScript controller: ``1.0`` is a whole number, and a text that is converted
may hold one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import attrs

Place = tuple[str | int, ...]
Check = Callable[[Any, Place], Any]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z\Z")


class Invalid(ValueError):
    """
    A value breaks its rules.

    :ivar issues: one ``{path, code, message}`` for each fault.
    """

    def __init__(self, issues: Sequence[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(issue["message"]) for issue in issues))
        self.issues = list(issues)


def fault(place: Place, code: str, message: str) -> Invalid:
    """One fault at one place."""
    return Invalid([{"path": list(place), "code": code, "message": message}])


def _utf16_length(text: str) -> int:
    """The length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text(least: int = 1, most: int | None = None, *, trim: bool = True) -> Check:
    """A string of ``least`` to ``most`` characters, counted after white space is stripped."""

    def check(value: Any, place: Place) -> str:
        if not isinstance(value, str):
            raise fault(place, "invalid_type", "expected a string")
        kept = value.strip() if trim else value
        if _utf16_length(kept) < least:
            raise fault(place, "too_small", f"expected at least {least} characters")
        if most is not None and _utf16_length(kept) > most:
            raise fault(place, "too_big", f"expected at most {most} characters")
        return kept

    return check


def _between(value: float, least: float | None, most: float | None, place: Place) -> None:
    if least is not None and value < least:
        raise fault(place, "too_small", f"expected a number of at least {least}")
    if most is not None and value > most:
        raise fault(place, "too_big", f"expected a number of at most {most}")


def number(least: float | None = None, most: float | None = None) -> Check:
    """A finite number within both limits; true and false are none."""

    def check(value: Any, place: Place) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise fault(place, "invalid_type", "expected a number")
        if not math.isfinite(value):
            raise fault(place, "invalid_type", "expected a finite number")
        _between(value, least, most, place)
        return value

    return check


def _converted(value: Any) -> Any:
    """What JavaScript's ``Number(value)`` makes of plain values."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return 0
        return float(stripped) if _NUMBER.match(stripped) else value
    return value


def whole(least: int | None = None, most: int | None = None, *, convert: bool = False) -> Check:
    """
    A whole number within both limits.

    :param convert: also take texts, null, true and false for the numbers that JavaScript sees.
    """
    within = number(least, most)

    def check(value: Any, place: Place) -> int:
        given = within(_converted(value) if convert else value, place)
        if given != int(given):
            raise fault(place, "invalid_type", "expected a whole number")
        return int(given)

    return check


def flag(value: Any, place: Place) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise fault(place, "invalid_type", "expected true or false")
    return value


def anything(value: Any, place: Place) -> Any:  # noqa: ARG001 - the shape of a check
    """Whatever JSON can say."""
    return value


def free_object(value: Any, place: Place) -> dict[str, Any]:
    """An object with any members."""
    if not isinstance(value, dict):
        raise fault(place, "invalid_type", "expected an object")
    return value


def one_of(*choices: str) -> Check:
    """Exactly one of these texts."""

    def check(value: Any, place: Place) -> str:
        if not isinstance(value, str) or value not in choices:
            raise fault(place, "invalid_value", f"expected one of {', '.join(choices)}")
        return value

    return check


def or_null(inner: Check) -> Check:
    """What ``inner`` takes, or null."""

    def check(value: Any, place: Place) -> Any:
        return None if value is None else inner(value, place)

    return check


def moment(value: Any, place: Place) -> str:
    """A date as ``Date.parse`` reads it: ISO 8601 with any zone or none, or RFC 2822."""
    if not isinstance(value, str):
        raise fault(place, "invalid_type", "expected a string")
    try:
        if _DATE.match(value):
            datetime.fromisoformat(value)
        else:
            parsedate_to_datetime(value)
    except (ValueError, TypeError):
        raise fault(place, "custom", "expected a date and time") from None
    return value


def zulu_moment(value: Any, place: Place) -> str:
    """An ISO 8601 date and time in UTC, which only a final ``Z`` may say."""
    if not isinstance(value, str) or not _ZULU.match(value):
        raise fault(place, "invalid_format", "expected an ISO date and time that ends in Z")
    return str(moment(value, place))


def items(inner: Check, *, most: int, least: int = 0, cut: bool = False) -> Check:
    """
    A list of ``least`` to ``most`` members.

    :param cut: drop what is over ``most`` instead of refusing it.
    """

    def check(value: Any, place: Place) -> list[Any]:
        if not isinstance(value, list):
            raise fault(place, "invalid_type", "expected a list")
        members = value[:most] if cut else value
        if len(members) < least:
            raise fault(place, "too_small", f"expected at least {least} members")
        if len(members) > most:
            raise fault(place, "too_big", f"expected at most {most} members")
        return _gathered([partial(inner, one, (*place, at)) for at, one in enumerate(members)])

    return check


def _gathered(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of all calls, or all their faults."""
    results: list[Any] = []
    issues: list[dict[str, Any]] = []
    for call in calls:
        try:
            results.append(call())
        except Invalid as error:
            issues += error.issues
    if issues:
        raise Invalid(issues)
    return results


@attrs.frozen
class Member:
    """
    One member of a record.

    :ivar required: whether it must be there; null is a value, not an absence.
    :ivar default: makes the value of an absent member; None leaves it absent.
    """

    check: Check
    required: bool = False
    default: Callable[[], Any] | None = None


def needed(check: Check) -> Member:
    """A member that must be there."""
    return Member(check, required=True)


def record(members: Mapping[str, Member], *, strict: bool = False) -> Check:
    """
    An object of named members.

    :param strict: refuse members that have no name here, instead of dropping them.
    """

    def check(value: Any, place: Place) -> dict[str, Any]:
        given = free_object(value, place)
        present = [name for name in members if name in given]
        calls: list[Callable[[], Any]] = [
            partial(members[name].check, given[name], (*place, name)) for name in present
        ]
        calls += [
            partial(_absent, name, place)
            for name, member in members.items()
            if member.required and name not in given
        ]
        unknown = [name for name in given if name not in members] if strict else []
        if unknown:
            calls.append(partial(_unknown, unknown, place))
        kept = dict(zip(present, _gathered(calls), strict=True))
        for name, member in members.items():
            if name not in given and member.default is not None:
                kept[name] = member.default()
        return kept

    return check


def _absent(name: str, place: Place) -> None:
    raise fault((*place, name), "invalid_type", f"{name} is required")


def _unknown(names: Sequence[str], place: Place) -> None:
    raise fault(place, "unrecognized_keys", f"unknown members: {', '.join(names)}")
