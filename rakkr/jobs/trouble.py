"""What can be wrong with the files that the agent remembers by, and what is done about it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import attrs

_SENTENCES = {
    "unwritable": ("cannot be written", "make room there, or let the agent write there"),
    "unreadable": ("cannot be read", "let the agent read it, or look after its disk"),
    "damaged": (
        "is damaged and not used",
        "audio that it spoke of may be in --capture-dir, and --attach-cache-file sends it",
    ),
    "double": (
        "belongs to a job that has another journal",
        "it is left alone, and the other one counts",
    ),
}


@attrs.frozen
class Trouble:
    """
    A file that is not as it should be; never a reason to stop.

    :ivar path: the file, under the name that it has now.
    :ivar error: what exactly is wrong.
    """

    what: Literal["unwritable", "unreadable", "damaged", "double"]
    path: Path
    error: str

    @property
    def sentence(self) -> str:
        """For people."""
        wrong, remedy = _SENTENCES[self.what]
        return f"{self.path} {wrong}: {self.error}; {remedy}"


Report = Callable[[Trouble], None]


def set_aside(path: Path) -> Path:
    """
    Rename a file to ``<name>.damaged``, or ``.damaged.2`` and so on, for people to look at.

    :returns: the new name.
    :raises OSError: when it cannot be renamed.
    """
    for number in itertools.count(1):
        suffix = ".damaged" if number == 1 else f".damaged.{number}"
        aside = path.with_name(path.name + suffix)
        if not aside.exists():
            path.replace(aside)
            return aside
    raise AssertionError  # there is always a next number
