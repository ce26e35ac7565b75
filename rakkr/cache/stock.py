"""The list of what is kept here, in memory and on the disk; there is one writer of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from rakkr.cache import files
from rakkr.cache.candidates import Survey, survey
from rakkr.cache.evidence import Evidence
from rakkr.cache.manifest import Entry
from rakkr.cache.uncollected import uncollected
from rakkr.disk.holding import Holding


class Books(Protocol):
    """The journals of the jobs; ``rakkr.jobs.books`` has the real ones."""

    def look(self) -> Callable[[], list[Holding]] | None:
        """Take them as they are; calling the result reads them.  None while nobody knows them."""

    def needed(self) -> Callable[[], set[Path]]:
        """Take them as they are; calling the result says which files are needed."""

    def given_back(self, gone: Mapping[str, Collection[Path]]) -> Awaitable[None]:
        """Remember, job by job, that files are not here any more."""


class Stock:
    """
    What is kept here.

    The journals say what was delivered; the list is made of them, again and again, and has besides
    what no journal knows (any more).  So a list that is lost, or could not be written, comes back
    by itself.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        directory: Path,
        books: Books,
        evidence: Evidence,
        in_thread: Callable[..., Deferred[Any]],
        stamp: Callable[[], str],
    ) -> None:
        """
        :param directory: of the captures.
        :param stamp: the moment as text, for the name of a damaged list.
        """
        self._path = path
        self._directory = directory
        self._books = books
        self._evidence = evidence
        self._in_thread = in_thread
        self._stamp = stamp
        self._entries: tuple[Entry, ...] = ()
        self._unreadable: str | None = "it was not read yet"
        self._damage: tuple[str, Path | None] | None = None
        self._restarted = True

    async def look(self) -> Survey | None:
        """Survey everything; None while nobody knows what is needed."""
        books = self._books.look()
        if books is None:
            return None
        seen: Survey = await self._in_thread(_survey, self._directory, books, self._entries)
        return seen

    async def update(self) -> Survey | None:
        """Survey everything, and bring the list and the journals up to date."""
        books = self._books.look()
        if self._unreadable is not None and books is not None:
            await self._load(books)
        seen = await self.look()
        if seen is None:
            return None
        await self._write(seen)
        await self._books.given_back(seen.gone)
        return seen

    async def _load(self, books: Callable[[], list[Holding]]) -> None:
        try:
            loaded: files.Loaded = await self._in_thread(_load, self._path, books)
            if loaded.trouble is not None:
                aside = await self._in_thread(files.set_aside, self._path, self._stamp())
                self._damage = (loaded.trouble, aside)
                self.log.error(
                    "{path} is damaged, and is made anew from the journals: {why}",
                    path=self._path,
                    why=loaded.trouble,
                )
        except OSError as error:
            # Nothing is written in its place: it may have entries that nobody else has.
            self._unreadable = f"read recorder cache manifest {self._path}: {error.strerror}"
            return
        self._entries, self._unreadable = loaded.entries, None

    async def _write(self, seen: Survey) -> None:
        fresh, changed = await self._in_thread(_compared, self._entries, seen.entries)
        error = self._unreadable
        if error is None and (changed or self._damage is not None):
            try:
                await self._in_thread(files.save, self._path, seen.entries)
            except OSError as failure:
                error = f"write recorder cache manifest {self._path}: {failure.strerror}"
        if error is not None:
            self.log.warn("{why}", why=error)
            self._evidence.not_tracked(fresh, error, restarted=self._restarted)
            return
        self._entries = seen.entries
        if self._damage is None:
            self._evidence.tracked(fresh, restarted=self._restarted)
        else:
            known = {path for each in seen.holdings for path in each.files}
            strays = await self._in_thread(files.strays, self._directory, known)
            why, aside = self._damage
            self._evidence.damaged(why, aside, len(seen.entries), strays)
        self._restarted, self._damage = False, None


def _load(path: Path, books: Callable[[], list[Holding]]) -> files.Loaded:
    """Read the list, as far as the journals do not say the same."""
    # Where they say the same, the journals' own objects are used: a second set takes much memory.
    known = {held.job_ids[0]: held for held in books() if held.job_ids}
    return files.load(path, known.get)


def _survey(directory: Path, books: Callable[[], list[Holding]], listed: Sequence[Entry]) -> Survey:
    with uncollected():
        return survey(books(), listed, files.look_in(directory), files.is_silent)


def _compared(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[list[Holding], bool]:
    """What is new in the list (another recording, or delivery of one), and whether it changed."""
    known = {(each.holding.recording_id, each.holding.job_ids[:1]) for each in before}
    held = (each.holding for each in after if each.holding.proof is not None)
    fresh = [each for each in held if (each.recording_id, each.job_ids[:1]) not in known]
    return fresh, before != after
