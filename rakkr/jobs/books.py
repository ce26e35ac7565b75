"""The journals, as those who give disk space back see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from rakkr.disk.holding import NEEDED, Holding
from rakkr.jobs.holdings import holdings_of, needed_files, standing_of, with_lost
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.records import GivenBack


class Books:
    """What the ledger says of files, and what it is told of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def look(self) -> Callable[[], list[Holding]] | None:
        """
        Take the journals as they are now; calling the result reads them, in any thread.

        :returns: None while they were not read from the disk: then nobody knows what is needed.
        """
        if not self._ledger.is_open:
            return None
        known = [each.remembered for each in self._ledger.journals()]
        lost, unread = self._ledger.lost, self._ledger.unread
        return lambda: with_lost(holdings_of(known), lost, unread=unread)

    def needed(self) -> Callable[[], set[Path]]:
        """Take the journals as they are now; calling the result says which files are needed."""
        known = [each.remembered for each in self._ledger.journals()]
        lost = self._ledger.lost
        return lambda: needed_files(known) | lost

    async def given_back(self, gone: Mapping[str, Collection[Path]]) -> None:
        """
        Remember that files of delivered recordings are not here any more.

        A file that is made later under such a name belongs to somebody else.  Jobs that something
        is left to be done for are told nothing.

        :param gone: by job.
        """
        for job_id, paths in gone.items():
            journal = self._ledger.journal(job_id)
            if journal is None or standing_of(journal.remembered) in NEEDED:
                continue
            mine = tuple(each for each in journal.remembered.local_paths() if each in paths)
            if mine:
                await journal.note(GivenBack(mine))
