"""Reading the salvage list from the disk, beside an agent that may be running."""

from __future__ import annotations

from pathlib import Path

from rakkr.jobs.archive import Archive
from rakkr.jobs.salvage import SalvageRow, salvage_rows
from rakkr.jobs.trouble import Trouble
from rakkr.threads import InThread


async def list_salvage(
    archive: Archive, in_thread: InThread
) -> tuple[list[SalvageRow], list[Trouble]]:
    """
    List what is kept here; nothing is changed, so it needs no lock.

    :returns: the rows, and what is wrong with journals that could not be read.
    """
    return await in_thread(_read, archive)


def _read(archive: Archive) -> tuple[list[SalvageRow], list[Trouble]]:
    found, troubles = archive.read()
    return salvage_rows((each.remembered for each in found), _size), troubles


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
