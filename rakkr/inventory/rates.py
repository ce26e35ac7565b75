"""Sample rates, in Hz, and the whole numbers in what programs and the kernel print of them."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]+")
_LONGEST: Final = 9
_RATES: Final = range(1, 1_000_000)
MOST_CHANNELS: Final = 256
"""More than a controller takes of one input."""
STANDARD_RATES: Final = (
    8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000,
    64_000, 88_200, 96_000, 176_400, 192_000, 352_800, 384_000,
)  # fmt: skip
"""The rates that stand for a continuous range, beside its two ends."""


def numbers(text: str) -> list[int]:
    """The whole numbers in a text, without those that are too long to mean anything."""
    return [int(digits) for digits in _NUMBER.findall(text) if len(digits) <= _LONGEST]


def rates_in(text: str) -> list[int]:
    """The numbers in a text that can be rates."""
    return [number for number in numbers(text) if number in _RATES]


def rates_between(lowest: int, highest: int) -> list[int]:
    """A continuous range: its ends, and the standard rates between them."""
    return [lowest, *(rate for rate in STANDARD_RATES if lowest < rate < highest), highest]


def rising(rates: list[int]) -> tuple[int, ...] | None:
    """Each rate once, rising; None when there is none."""
    return tuple(sorted({rate for rate in rates if rate in _RATES})) or None
