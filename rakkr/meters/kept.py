"""The records of what is being captured, for the reports that are made at the end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from rakkr.audio.recap import Cut, Recap, recap
from rakkr.audio.seconds import Seconds
from rakkr.threads import InThread

PATIENCE_SECONDS: Final = 5.0
"""How long the meters may take to read the end of what was captured."""
KEPT_SECONDS: Final = 60.0
"""How long a record is kept when nothing is captured into its file any more."""
MOST_FILES: Final = 512
"""Of more files the oldest records are forgotten; their audio then counts as unmeasured."""
_LOOK_SECONDS: Final = 0.1


@attrs.define
class _Record:
    seconds: Seconds
    wanted_at: float


class Kept:
    """
    One record for each captured file, as long as somebody may ask for it.

    A file that no meter has read has none: what an earlier agent measured is gone.
    """

    def __init__(self, clock: IReactorTime, in_thread: InThread) -> None:
        self._clock = clock
        self._in_thread = in_thread
        self._records: dict[Path, _Record] = {}

    @property
    def paths(self) -> list[Path]:
        """The files of which there are records."""
        return list(self._records)

    def begin(self, path: Path, rate: int, channels: int) -> Seconds:
        """Return the record of a file, which may have been begun before."""
        now, known = self._clock.seconds(), self._records.get(path)
        if known is not None and (known.seconds.rate, known.seconds.channels) == (rate, channels):
            known.wanted_at = now
            return known.seconds
        while len(self._records) >= MOST_FILES:  # a device that comes and goes all day
            del self._records[next(iter(self._records))]
        fresh = Seconds(rate, channels)
        self._records[path] = _Record(fresh, now)
        return fresh

    def sweep(self, wanted: Collection[Path]) -> None:
        """Forget what nobody has wanted for a minute; these files are wanted now."""
        now = self._clock.seconds()
        for path, record in list(self._records.items()):
            if path in wanted:
                record.wanted_at = now
            elif now - record.wanted_at > KEPT_SECONDS:
                del self._records[path]

    async def measured(self, cuts: Sequence[Cut]) -> Recap:
        """
        Sum up ranges of files; waits until the meters have read them, for some seconds at most.

        :returns: what is known; what was not measured is not in it.
        """
        until = self._clock.seconds() + PATIENCE_SECONDS
        while self._behind(cuts) and self._clock.seconds() < until:
            await deferLater(self._clock, _LOOK_SECONDS)
        found = [
            (self._records[cut.path].seconds, cut) for cut in cuts if cut.path in self._records
        ]
        result: Recap = await self._in_thread(recap, found)
        return result

    def _behind(self, cuts: Sequence[Cut]) -> bool:
        return any(
            self._records[cut.path].seconds.reached < cut.end
            for cut in cuts
            if cut.path in self._records
        )
