"""Which files of the log are renamed and deleted, in an order that a crash may cut anywhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import attrs

ACTIVE: Final = ""
_UNDELIVERED: Final = ".undelivered."
_OLDEST_AGE: Final = 1000  # the setting's limit; other programs number files by dates


@attrs.frozen
class Step:
    """
    One renaming or deletion.

    :ivar name: the suffix of the file that goes.
    :ivar new_name: its new suffix; None deletes it.
    """

    name: str
    new_name: str | None


def aged(age: int) -> str:
    """The suffix of a rotated file; 1 is the youngest."""
    return f".{age}"


def in_order(suffixes: Collection[str]) -> list[str]:
    """Those suffixes that are the log's, the oldest first: kept aside, rotated, active."""
    kept = sorted(filter(None, map(_kept_number, suffixes)))
    ages = sorted(filter(None, map(_age, suffixes)), reverse=True)
    active = [ACTIVE] if ACTIVE in suffixes else []
    return [f"{_UNDELIVERED}{number}" for number in kept] + [aged(age) for age in ages] + active


def kept_aside(suffixes: Collection[str]) -> list[str]:
    """Those that hold what was not delivered when rotation would have deleted it, oldest first."""
    return [each for each in in_order(suffixes) if _kept_number(each)]


def doomed(suffixes: Collection[str], retained: int) -> list[str]:
    """Those that the next rotation would delete, the oldest first."""
    if not retained:
        return [each for each in in_order(suffixes) if not _kept_number(each)]
    ages = {age for age in map(_age, suffixes) if age}
    hole = next((age for age in range(1, retained) if age not in ages), None)
    return [
        aged(age)
        for age in sorted(ages, reverse=True)
        if age > retained or (age == retained and hole is None)
    ]


def plan(suffixes: Collection[str], retained: int, delivered: Collection[str]) -> list[Step]:
    """
    Put the active file aside.

    Every step leaves all files in their order, so a crash between two of them is harmless; a hole
    that it left among the numbers is filled first.

    :param retained: how many rotated files are kept; 0 keeps none.
    :param delivered: those of the doomed files that nobody needs any more; the others are kept
        under another name.
    """
    steps = []
    free = max((_kept_number(each) or 0 for each in suffixes), default=0) + 1
    for name in doomed(suffixes, retained):
        if name in delivered:
            steps.append(Step(name, None))
        else:
            steps.append(Step(name, f"{_UNDELIVERED}{free}"))
            free += 1
    if retained:
        left = {_age(each) for each in suffixes} - {_age(each.name) for each in steps}
        hole = next(age for age in range(1, retained + 1) if age not in left)
        steps += [Step(aged(age), aged(age + 1)) for age in range(hole - 1, 0, -1)]
        steps.append(Step(ACTIVE, aged(1)))
    return steps


def _kept_number(suffix: str) -> int | None:
    return _number(suffix.removeprefix(_UNDELIVERED)) if suffix.startswith(_UNDELIVERED) else None


def _age(suffix: str) -> int | None:
    age = _number(suffix[1:]) if suffix.startswith(".") else None
    return age if age is not None and age <= _OLDEST_AGE else None


def _number(text: str) -> int | None:
    """A whole number from 1 without leading zeros."""
    return int(text) if text.isascii() and text.isdigit() and not text.startswith("0") else None
