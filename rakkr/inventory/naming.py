"""
Names that can be said: to a controller, in JSON, in a table, in a log.

Names of devices come from hardware and from programs, and hold any bytes.  Nothing of them that
cannot be printed gets further than the room that reads them.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME: Final = 240
"""A controller takes 255, as :func:`clipped` counts, and the sound server's name comes before."""


def printable(text: str) -> str:
    """
    A name in one line, without blanks around it.

    Half a surrogate pair becomes U+FFFD, blanks of any kind become spaces, and what else cannot be
    printed goes, a NUL among it.
    """
    whole = (" " if each.isspace() else each for each in _SURROGATE.sub(UNKNOWN, text))
    return "".join(each for each in whole if each.isprintable()).strip()


def clipped(text: str, most: int) -> str:
    """
    The beginning of a text, without blanks around it.

    :param most: how long it may be, counted as a controller does: letters beyond U+FFFF are two.
    """
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore").strip()


def sayable(name: str) -> bool:
    """Whether a controller can be told a name, and hands the same one back."""
    fits = name != "" and printable(name) == name and clipped(name, LONGEST_NAME) == name
    return fits and UNKNOWN not in name


def token(name: str) -> str:
    """
    A name as a part of an id, the same for ever, whatever else is there.

    A name that had to be changed for that is told from others by a checksum.
    """
    safe = _UNSAFE.sub("_", name)
    if safe == name:
        return safe
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
