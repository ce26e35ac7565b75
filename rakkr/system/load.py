"""How busy the processors are, by the system's own average."""

from __future__ import annotations

import re
from typing import Final

import attrs

from rakkr.wording import one_line

_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MOST_SHOWN: Final = 40


@attrs.frozen
class Load:
    """
    The average of one minute.

    :ivar one_minute: processes that run or wait for a disk.
    :ivar cores: processors that this process may use.
    """

    one_minute: float
    cores: int

    @property
    def per_core(self) -> float:
        """The share of each."""
        return self.one_minute / max(1, self.cores)


def parse_loadavg(text: str) -> float:
    """
    The first number of ``/proc/loadavg``.

    :raises ValueError: when the text does not begin with a number.
    """
    first = next(iter(text.split()), "")
    if not _NUMBER.fullmatch(first):
        raise ValueError(f"it does not begin with a number: {one_line(text)[:_MOST_SHOWN]!a}")
    return float(first)
