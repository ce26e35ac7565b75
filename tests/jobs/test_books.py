"""Tests for ``rakkr.jobs.books``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.stock import Books as Wanted
from rakkr.jobs.archive import Archive
from rakkr.jobs.books import Books
from rakkr.jobs.journal import Journal
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.records import DELIVERED, Done, Handed, Salvaged
from tests.jobs.making import make_job
from tests.jobs.remembering import recorded, sealed, uploaded

_check: type[Wanted] = Books


class BooksTests(SynchronousTestCase):
    """The journals of a real ledger."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.ledger = self.another()
        self.path = self.directory / "1.wav"
        self.path.write_bytes(b"x")

    def another(self, **more: Any) -> Ledger:
        """The ledger of an agent that starts now."""
        archive = Archive((self.directory / "a", self.directory / "b"))
        return Ledger(archive, maybeDeferred, report=lambda _: None, **more)

    def open(self, ledger: Ledger) -> None:
        """Read the journals."""
        self.successResultOf(Deferred.fromCoroutine(ledger.open()))

    def add(self, number: int = 1, *, done: bool = True) -> Journal:
        """A delivered recording."""
        beginning = self.ledger.begin(make_job(number), wall=1.0, mono=0.0, boot_id="")
        journal = self.successResultOf(Deferred.fromCoroutine(beginning))
        for record in (sealed(1, path=self.path), recorded(100), uploaded(0, 0, 100)):
            journal.note(record)
        if done:
            journal.note(Done(DELIVERED, "x", 2.0))
        return journal

    def given_back(self, job_id: str = "job_1") -> None:
        """The file is gone."""
        told = Books(self.ledger).given_back({job_id: {self.path, Path("/other")}})
        self.successResultOf(Deferred.fromCoroutine(told))

    def test_not_open(self) -> None:
        """Before the journals were read nobody is told anything of them."""
        self.assertIsNone(Books(self.ledger).look())
        self.open(self.ledger)
        look = Books(self.ledger).look()
        assert look is not None
        self.assertEqual(look(), [])

    def test_as_they_were(self) -> None:
        """What was taken is as it was at that moment; what is asked anew is as it is now."""
        self.open(self.ledger)
        books = Books(self.ledger)
        before, needed = books.look(), books.needed()
        journal = self.add(done=False)
        after = books.look()
        assert before is not None
        assert after is not None
        self.assertEqual((before(), needed()), ([], set()))
        self.assertEqual([each.standing for each in after()], ["unfinished"])
        self.assertEqual(books.needed()(), {self.path})
        journal.note(Done(DELIVERED, "x", 2.0))
        self.assertEqual(books.needed()(), set())

    def test_given_back(self) -> None:
        """A file that is gone is remembered as gone by the next agent, too."""
        self.open(self.ledger)
        self.add()
        self.given_back()
        self.ledger = self.another()
        self.open(self.ledger)
        journal = self.ledger.journal("job_1")
        assert journal is not None
        self.assertEqual(journal.remembered.given_back, {self.path})
        self.assertEqual(journal.remembered.local_paths(), ())

    def test_handed_over(self) -> None:
        """A job whose audio another one delivered gives its files back, too."""
        self.open(self.ledger)
        journal = self.add(done=False)
        for record in (Salvaged("x"), Handed("job_2"), Done("kept", "x", 2.0)):
            journal.note(record)
        self.given_back()
        self.assertEqual(journal.remembered.given_back, {self.path})

    def test_not_what_is_needed(self) -> None:
        """A job that is not over gives nothing back, whatever is said of it."""
        self.open(self.ledger)
        journal = self.add(done=False)
        self.given_back()
        self.given_back("nobody")
        self.assertEqual(journal.remembered.given_back, frozenset())

    def test_a_damaged_journal(self) -> None:
        """What a damaged journal names is needed, by every agent until somebody takes it away."""
        self.open(self.ledger)
        self.add()
        self.add(2)
        for place in "ab":
            (path,) = (self.directory / place).glob("job_2-*")
            path.write_bytes(b"#" + path.read_bytes())
        for _ in range(2):
            self.ledger = self.another()
            self.open(self.ledger)
            self.assertEqual(Books(self.ledger).needed()(), {self.path})
            look = Books(self.ledger).look()
            assert look is not None
            self.assertEqual([each.standing for each in look()], ["delivered", "salvage"])

    def test_a_journal_that_cannot_be_read(self) -> None:
        """While nobody can read a journal, its job may need any file."""
        self.open(self.ledger)
        self.add()
        (self.directory / "a" / "x.jsonl").mkdir()
        self.ledger = self.another()
        self.open(self.ledger)
        look = Books(self.ledger).look()
        assert look is not None
        self.assertEqual([each.standing for each in look()], ["unfinished"])

    def test_journals_are_trimmed(self) -> None:
        """When the last file of a recording is gone, its journal is one that may be forgotten."""
        self.ledger = self.another(most_finished=0)
        self.open(self.ledger)
        self.add()
        self.assertEqual(len(self.ledger.journals()), 1)
        self.path.unlink()
        self.given_back()
        self.assertEqual(self.ledger.journals(), [])
