"""Samples that a capture program says it lost."""

from __future__ import annotations

import re
from typing import Final

import attrs

# arecord: "overrun!!! (at least 1506.087 ms long)"; jack_capture, once, at its end: "encountered 3
# jack x-runs" and "failed with a total of 3 overruns".
_ALSA: Final = re.compile(r"overrun!!!(?:[^\n]*?at least ([0-9.]+) ms)?")
_JACK: Final = re.compile(r"(?:encountered|failed with a total of) (\d+) (?:jack x-runs|overruns)")


@attrs.frozen
class Dropouts:
    """
    Gaps that the program itself reported.

    :ivar count: how many.
    :ivar milliseconds: how long together, at least, where the program knew.
    """

    count: int = 0
    milliseconds: float = 0.0

    def __add__(self, other: Dropouts) -> Dropouts:
        return Dropouts(self.count + other.count, self.milliseconds + other.milliseconds)


def find_dropouts(text: str) -> Dropouts:
    """Count the gaps that whole lines of a program's messages report."""
    lengths = _ALSA.findall(text)
    count = len(lengths) + sum(int(each) for each in _JACK.findall(text))
    return Dropouts(count, sum(map(_milliseconds, lengths)))


def is_dropout(line: str) -> bool:
    """Whether a line reports a gap, and nothing else."""
    return _ALSA.search(line) is not None


def _milliseconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
