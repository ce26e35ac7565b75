"""What a member of an event's details may be, so that it can be judged and shown to people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import attrs

_LONGEST_SHOWN = 60


class Kind(Protocol):
    """
    What a value may be.

    :ivar words: for people; completes "it is ...".
    """

    @property
    def words(self) -> str:
        """Say what is allowed."""

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value, one sentence each; ``where`` is how it is named."""


def _not(where: str, value: object, words: str) -> str:
    return f"{where} is {ascii(value)[:_LONGEST_SHOWN]}, but it must be {words}"


@attrs.frozen
class Plain:
    """
    A value without parts.

    :ivar types: that it may be of; a truth value is no number.
    """

    words: str
    types: tuple[type, ...]

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value."""
        fits = isinstance(value, self.types)
        if isinstance(value, bool):
            fits = bool in self.types
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            yield _not(where, value, self.words)


TEXT: Final = Plain("text", (str,))
WHOLE: Final = Plain("whole number", (int,))
NUMBER: Final = Plain("number", (int, float))
SWITCH: Final = Plain("true or false", (bool,))


@attrs.frozen
class OneOf:
    """One of a few values, which are looked at with their type."""

    values: tuple[str | int | bool, ...]

    @property
    def words(self) -> str:
        """Say what is allowed."""
        return " or ".join(_literal(value) for value in self.values)

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value."""
        if not any(type(value) is type(each) and value == each for each in self.values):
            yield _not(where, value, self.words)


def _literal(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


@attrs.frozen
class OrNull:
    """Something, or null where it is not known or does not apply."""

    of: Kind

    @property
    def words(self) -> str:
        """Say what is allowed."""
        return f"{self.of.words}, or null"

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value."""
        if value is not None:
            yield from self.of.faults(where, value)


@attrs.frozen
class Each:
    """A list of things of one kind."""

    of: Kind

    @property
    def words(self) -> str:
        """Say what is allowed."""
        return f"list, each of it {self.of.words}"

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value."""
        if not isinstance(value, list | tuple):
            yield _not(where, value, self.words)
            return
        for number, each in enumerate(value):
            yield from self.of.faults(f"{where}[{number}]", each)


@attrs.frozen
class Record:
    """
    Members by name.

    :ivar always: those that are there in any case.
    :ivar sometimes: those that may be left out.
    """

    always: Mapping[str, Kind]
    sometimes: Mapping[str, Kind] = attrs.field(factory=dict)

    @property
    def words(self) -> str:
        """Say what is allowed."""
        names = [*self.always, *(f"{name}?" for name in self.sometimes)]
        return f"{{{', '.join(sorted(names))}}}"

    @property
    def members(self) -> Mapping[str, Kind]:
        """All of them, in the order of their names."""
        return dict(sorted({**self.always, **self.sometimes}.items()))

    def faults(self, where: str, value: object) -> Iterator[str]:
        """Say what is wrong with a value."""
        if not isinstance(value, Mapping):
            yield _not(where, value, self.words)
            return
        for name in sorted(self.always.keys() - value.keys()):
            yield f"{where} has no {name}"
        for name, member in value.items():
            kind = self.always.get(name) or self.sometimes.get(name)
            if kind is None:
                yield f"{where} has {name!a}, which no row of the catalogue has"
            else:
                yield from kind.faults(f"{where}.{name}", member)


def details(**members: Any) -> Mapping[str, Kind]:
    """Members by name."""
    return members
