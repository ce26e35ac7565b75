"""What an earlier agent left: read once, before anything new is begun."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from rakkr.jobs.foreign import ForeignState
from rakkr.jobs.journal import Journal
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.takeover import foreign_state
from rakkr.jobs.workplace import Workplace
from rakkr.render.partial import remove_partial

_log = Logger()


async def open_ledger(place: Workplace) -> tuple[list[Journal], ForeignState | None]:
    """
    Read all journals, and say with which of them something is left to be done.

    That is with unfinished jobs, and with those that are over but whose capture was never seen to
    end: its program may still run, and nobody needs it.

    :returns: those journals, and what the reference agent left, if it did.
    """
    journals = await place.ledger.open()
    directory = Path(place.live.current.capture_dir).absolute()
    try:
        await place.in_thread(remove_partial, directory)
    except OSError as error:
        _log.warn("half a file stays in {path}: {error}", path=directory, error=str(error))
    left = await foreign_state(place)
    return [each for each in journals if not _is_settled(each.remembered)], left


def _is_settled(known: Remembered) -> bool:
    return known.is_over and all(each.sealed is not None for each in known.segments.values())
