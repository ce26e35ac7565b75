"""The kind of a setting that chooses channels."""

from __future__ import annotations

import re
from typing import Final

import attrs

_RANGE: Final = re.compile(r"([0-9]{1,4})(?:\s*-\s*([0-9]{1,4}))?")
_ALL: Final = "all"
_MOST: Final = 512
_EXPECTS: Final = f"all, or channels from 1 to {_MOST} and ranges of them such as 1,5-8"


@attrs.frozen
class ChannelChoice:
    """
    Some channels, or all of them.

    :ivar chosen: their numbers, from 1, rising; None is all.
    """

    chosen: tuple[int, ...] | None

    def of(self, count: int) -> tuple[int, ...]:
        """
        Choose among the channels of a device.

        :returns: their places in a frame, from 0; none when the device has none of the chosen.
        """
        if self.chosen is None:
            return tuple(range(count))
        return tuple(each - 1 for each in self.chosen if each <= count)

    def __str__(self) -> str:
        """As it would be typed."""
        return _ALL if self.chosen is None else ",".join(map(str, self.chosen))


ALL_CHANNELS: Final = ChannelChoice(None)


@attrs.frozen
class Channels:
    """All channels, or a list of them."""

    placeholder: str = "LIST"
    expects: str = _EXPECTS

    def parse(self, text: str) -> ChannelChoice:
        """Numbers and ranges between commas, in any order, or the word "all"."""
        if text.strip().lower() == _ALL:
            return ALL_CHANNELS
        chosen: set[int] = set()
        for part in text.split(","):
            found = _RANGE.fullmatch(part.strip())
            if found is None:
                raise ValueError(text)
            low, high = int(found[1]), int(found[2] or found[1])
            if not 1 <= low <= high <= _MOST:
                raise ValueError(text)
            chosen.update(range(low, high + 1))
        return ChannelChoice(tuple(sorted(chosen)))
