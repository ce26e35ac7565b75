"""What ``df -Pk`` says of a file system."""

from __future__ import annotations

import re
from typing import Final

import attrs

from rakkr.wording import one_line

# Read from the right: a device may have blanks in its name, and so may a mount point.  Where a long
# name is followed by a line break, one_line has made a blank of it.
_FIGURES: Final = re.compile(
    r"(?P<total>\d{1,24})\s+(?P<used>-?\d{1,24}|-)\s+(?P<free>-?\d{1,24})\s+"
    r"(?:(?P<percent>\d{1,3})%|-)(?:\s+(?P<mount>\S.*))?"
)
_KIB: Final = 1024
_MOST_SHOWN: Final = 120


class BadAnswer(ValueError):
    """An answer that says nothing; the message is a short sentence."""


@attrs.frozen
class Filled:
    """
    How full a file system is.

    :ivar total: bytes of it, those that are kept back for root among them.
    :ivar free: bytes that we may still write.
    :ivar used_percent: of the room that is not kept back, in whole percent, rounded up.
    """

    total: int
    free: int
    used_percent: int


def share_used(used: int, free: int) -> int:
    """
    The used part in whole percent, rounded up, as POSIX has ``df`` compute it.

    What is kept back for root is neither used nor free, so this and the free part make a hundred.
    Of 10000000 KiB with 8750000 used and 1250000 free, 87.5 % is used, and it says 88.
    """
    return -(-100 * used // (used + free)) if used + free > 0 else 100


def parse_df(text: str) -> Filled:
    """
    Read the first file system of an answer.

    The printed percentage counts; where there is none, it is computed as ``df`` itself does.

    :raises BadAnswer: when there is none, or one without a size.
    """
    found = _first(text)
    if found is None:
        shown = one_line(text)[:_MOST_SHOWN]
        raise BadAnswer(f"its answer holds no figures: {shown}" if shown else "it said nothing")
    total, free = int(found["total"]), max(0, int(found["free"]))
    if total == 0:
        raise BadAnswer("it says that the file system has no size")
    used = int(found["used"]) if found["used"] != "-" else total - free
    percent = found["percent"]
    printed = share_used(max(0, used), free) if percent is None else int(percent)
    return Filled(total * _KIB, free * _KIB, min(100, printed))


def _first(text: str) -> re.Match[str] | None:
    """The figures of the first line that has some; a name may stand on a line of its own."""
    before = ""
    for line in map(one_line, text.splitlines()):
        for candidate in (line, f"{before} {line}"):
            found = _rightmost(candidate)
            if found is not None:
                return found
        before = line
    return None


def _rightmost(line: str) -> re.Match[str] | None:
    """
    The last place in a line where figures begin.

    The name of a device stands before them, and may itself hold numbers.
    """
    words = [0, *(blank.end() for blank in re.finditer(r" ", line))]
    for start in reversed(words[1:]):
        found = _FIGURES.fullmatch(line, start)
        if found is not None:
            return found
    return None
