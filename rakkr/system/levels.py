"""How bad a value is, without going back and forth at a limit."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final

import attrs

_SMALLEST_SHARE: Final = 0.1


class Level(IntEnum):
    """How bad; ordered."""

    HEALTHY = 0
    WARNING = 1
    CRITICAL = 2


@attrs.frozen
class Bands:
    """
    From which value on something is bad, and how far it must come down to be well again.

    :ivar warning: a value of this or more warns.
    :ivar critical: a value of this or more is critical.
    :ivar calm: a level is left only this far below its limit.  It is never more than a tenth of
        the limit itself, so that every limit can be come down from.
    """

    warning: float
    critical: float
    calm: float

    @classmethod
    def ordered(cls, one: float, other: float, calm: float = math.inf) -> Bands:
        """Take two limits in either order: the smaller one warns."""
        return cls(min(one, other), max(one, other), calm)

    def level(self, value: float, before: Level) -> Level:
        """
        Judge a value.

        It gets worse at once, and better only with room to spare.

        :param before: the level until now; it stays for a value that is no number.
        """
        if not math.isfinite(value):
            return before
        limits = {Level.WARNING: self.warning, Level.CRITICAL: self.critical}
        held = [
            level
            for level, limit in limits.items()
            if value >= limit or (before >= level and value >= self._leave(limit))
        ]
        return max(held, default=Level.HEALTHY)

    def _leave(self, limit: float) -> float:
        return limit - min(self.calm, limit * _SMALLEST_SHARE)
