"""Files that cannot be deleted: told of once, and tried again after growing pauses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import attrs

from rakkr.cache.files import Deleted

FIRST_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 86_400.0


@attrs.frozen
class Pause:
    """
    How long something is left alone.

    :ivar until: on the monotonic clock.
    """

    until: float
    seconds: float

    @classmethod
    def after(cls, last: Pause | None, now: float) -> Self:
        """The pause that follows another one."""
        seconds = FIRST_SECONDS if last is None else min(2 * last.seconds, LONGEST_SECONDS)
        return cls(now + seconds, seconds)


@attrs.define
class Failing:
    """What could not be deleted, by path."""

    _pauses: dict[Path, Pause] = attrs.field(factory=dict)

    def paths(self, now: float) -> set[Path]:
        """Those that are left alone for now, which is monotonic."""
        return {path for path, pause in self._pauses.items() if pause.until > now}

    def note(self, done: Sequence[Deleted], now: float) -> list[Deleted]:
        """
        Take into account what became of deletions.

        :returns: the same without failures that were told of before.
        """
        told: list[Deleted] = []
        for each in done:
            fresh = {path: why for path, why in each.errors.items() if path not in self._pauses}
            for path in each.errors:
                self._pauses[path] = Pause.after(self._pauses.get(path), now)
            for path in each.gone:
                self._pauses.pop(path, None)
            told.append(attrs.evolve(each, errors=fresh))
        return told
