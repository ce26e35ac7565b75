"""What a capture program can do, read off its own help text."""

from __future__ import annotations

import re
from typing import Final

import attrs

_OPTION: Final = re.compile(r"(?:^|[\s,\[(])(-{1,2}[A-Za-z][\w-]*)")
_VERSION: Final = re.compile(r"\b(\d+(?:\.\d+)+)\b")


@attrs.frozen
class Abilities:
    """
    What is known of a program that is there.

    :ivar options: the options that its help text names, with their dashes; None when it gave no
        text, so that nothing is known.
    :ivar version: as it calls itself, for people; None when it does not say.
    """

    options: frozenset[str] | None = None
    version: str | None = None

    def has(self, option: str) -> bool:
        """Whether it surely knows an option."""
        return self.options is not None and option in self.options


def read_abilities(help_text: str, version_text: str) -> Abilities:
    """Read a help text, and what a program says of its version."""
    options = frozenset(_OPTION.findall(help_text))
    version = _VERSION.search(version_text)
    return Abilities(options or None, None if version is None else version[1])
