"""A device that does not have the rate that it was asked for."""

from __future__ import annotations

import re
from typing import Final

import attrs

# arecord's, which records at the other rate and ends well; other programs convert, or refuse.
_WARNING: Final = re.compile(r"rate is not accurate \(requested = (\d+)Hz, got = (\d+)Hz\)")


@attrs.frozen
class WrongRate:
    """
    What a program said of the rate, in Hz.

    :ivar requested: what it was asked for.
    :ivar got: what the samples have.
    """

    requested: int
    got: int

    def sentence(self, device: str) -> str:
        """Say what is wrong, and what to do."""
        plug = f"plug{device}" if device.startswith("hw:") else "a plughw: device"
        return (
            f"{device or 'the device'} delivers {self.got} Hz, not the {self.requested} Hz that"
            f" were asked for: ask for {self.got} Hz, or use {plug}, which converts"
        )


def find_wrong_rate(text: str) -> WrongRate | None:
    """Find the warning in a program's messages."""
    found = _WARNING.search(text)
    return None if found is None else WrongRate(int(found[1]), int(found[2]))
