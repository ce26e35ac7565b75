"""Argument templates: shell words in which placeholders stand for the values of a capture."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

_OUTPUTS: Final = ("{output}", "{output_path}")
_PLACEHOLDER: Final = re.compile(r"\{[a-z_]+\}")


class BadTemplate(ValueError):
    """A template that cannot be followed; the message is for people."""


def expand(template: str, values: Mapping[str, str], whose: str = "capture") -> tuple[str, ...]:
    """
    Split a template into words as a POSIX shell would, then fill in the values.

    No value is ever split again, and braces around unknown names stay as they are.  Nothing else of
    a shell happens: no variables, no globs, no pipes.

    :param values: by placeholder name, without braces.
    :param whose: ``capture`` or ``meter``, for the error.
    :raises BadTemplate: for a quote without its partner, or no words at all.
    """
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise BadTemplate(f"{whose} args template {template!r}: {error}") from None
    if not words:
        raise BadTemplate(f"{whose} args template is empty: give at least one argument")

    def fill(found: re.Match[str]) -> str:
        return values.get(found[0][1:-1], found[0])

    return tuple(_PLACEHOLDER.sub(fill, word) for word in words)


def names_output(template: str) -> bool:
    """
    Whether the program is told a file to write.

    If not, it has to write headerless samples to its stdout, which the agent has opened for it.
    """
    return any(each in template for each in _OUTPUTS)
