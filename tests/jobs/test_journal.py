"""Tests for ``rakkr.jobs.journal``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.journal import Journal
from rakkr.jobs.journal_file import JournalFile
from rakkr.jobs.record_form import decode_record
from rakkr.jobs.records import Note, Record, SegmentOpened
from rakkr.jobs.remembered import Remembered, remember
from rakkr.jobs.trouble import Trouble
from tests.fakes.disk import failing_disk, outage
from tests.fakes.threads import FakeThreads
from tests.jobs.remembering import RUN, claimed, known, planned, recorded

ON_DISK = ("rakkr.jobs.journal_file", "rakkr.durable")


class Desk:
    """
    A journal, and whatever it says.

    :ivar changes: what was remembered before and after each note.
    """

    def __init__(self, first: Record | None = None) -> None:
        directory = Path(tempfile.mkdtemp())
        self.paths = (directory / "a" / "j.jsonl", directory / "b" / "j.jsonl")
        self.threads = FakeThreads()
        self.troubles: list[Trouble] = []
        self.changes: list[tuple[Remembered, Remembered]] = []
        self.journal = Journal(
            JournalFile(self.paths),
            remember([first or claimed()]),
            self.threads,
            report=self.troubles.append,
            changed=lambda before, after: self.changes.append((before, after)),
        )

    def on_disk(self) -> list[Record]:
        """What another agent would read."""
        return [decode_record(each) for each in JournalFile.load(self.paths).records]


class NoteTests(SynchronousTestCase):
    """Writing things down."""

    def setUp(self) -> None:
        self.desk = Desk()
        self.journal = self.desk.journal

    def test_note(self) -> None:
        """What was noted is on the disk when its Deferred fires."""
        self.assertIsNone(self.successResultOf(self.journal.write(claimed())))
        self.assertIsNone(self.successResultOf(self.journal.note(planned())))
        self.assertEqual(self.desk.on_disk(), [claimed(), planned()])
        self.assertTrue(self.journal.durable)

    def test_durable_when_told(self) -> None:
        """Whoever waits for a record finds it durable at that very moment, also behind a thread."""
        self.desk.threads.held = []
        seen: list[bool] = []
        self.journal.note(planned()).addCallback(lambda _: seen.append(self.journal.durable))
        self.assertFalse(self.journal.durable)
        self.desk.threads.release()
        self.assertEqual(seen, [True])

    def test_at_once(self) -> None:
        """It is remembered as soon as it is noted, whatever the disk does."""
        self.desk.threads.held = []
        done = self.journal.note(planned())
        self.assertEqual(self.journal.remembered, known(planned()))
        self.assertEqual(self.desk.changes, [(known(), known(planned()))])
        self.assertNoResult(done)
        self.assertFalse(self.journal.durable)
        self.assertEqual(self.desk.on_disk(), [])
        self.desk.threads.release()
        self.successResultOf(done)
        self.assertEqual(self.desk.on_disk(), [planned()])

    def test_one_at_a_time(self) -> None:
        """While a write is under way the next ones wait, and then go together, in order."""
        self.desk.threads.held = []
        notes = [self.journal.note(Note(str(number))) for number in range(4)]
        self.assertEqual(len(self.desk.threads.held), 1)
        self.desk.threads.held.pop()()
        self.successResultOf(notes[0])
        self.assertNoResult(notes[1])
        self.assertEqual(len(self.desk.threads.held), 1)
        self.desk.threads.release()
        for note in notes[1:]:
            self.successResultOf(note)
        self.assertEqual(self.desk.on_disk(), [Note(str(number)) for number in range(4)])

    def test_cancelled(self) -> None:
        """Whoever waits may stop waiting; it is written all the same, and nothing overtakes it."""
        self.desk.threads.held = []
        first, second = self.journal.note(Note("1")), self.journal.note(Note("2"))
        first.cancel()
        self.failureResultOf(first)
        self.assertEqual(len(self.desk.threads.held), 1)
        self.desk.threads.release()
        self.successResultOf(second)
        self.assertEqual(self.desk.on_disk(), [Note("1"), Note("2")])

    def test_note_on_note(self) -> None:
        """Who notes something when a note is written comes next."""
        later: list[Deferred[None]] = []
        self.desk.threads.held = []
        done = self.journal.note(Note("1"))
        done.addCallback(lambda _: later.append(self.journal.note(Note("2"))))
        self.desk.threads.release()
        self.successResultOf(later[0])
        self.assertEqual(self.desk.on_disk(), [Note("1"), Note("2")])

    def test_unsayable(self) -> None:
        """What JSON cannot say is refused at once, and nothing of it is remembered."""
        odd = SegmentOpened(1, {"path": object()})
        self.assertRaises(TypeError, self.journal.note, odd)
        self.assertEqual(self.journal.remembered, known())
        self.successResultOf(self.journal.note(planned()))
        self.assertEqual(self.desk.on_disk(), [planned()])

    def test_listener(self) -> None:
        """One who is told and fails does not hurt the journal."""

        def fail(*_: Any) -> None:
            raise RuntimeError("no")

        self.journal._changed = fail
        self.successResultOf(self.journal.note(planned()))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.desk.on_disk(), [planned()])

    def test_forget(self) -> None:
        """Forgetting waits for the write that is under way; then both copies are gone for good."""
        self.desk.threads.held = []
        self.journal.note(planned())
        gone = Deferred.fromCoroutine(self.journal.forget())
        self.assertNoResult(gone)
        self.assertEqual(len(self.desk.threads.held), 1)
        self.desk.threads.release()
        self.successResultOf(gone)
        self.successResultOf(self.journal.note(recorded()))
        self.assertEqual([path.exists() for path in self.desk.paths], [False, False])


class FailingDiskTests(SynchronousTestCase):
    """Work goes on when disks do not."""

    def setUp(self) -> None:
        self.desk = Desk()
        self.journal = self.desk.journal

    def test_no_disk(self) -> None:
        """A note fires all the same, is known not to be durable, and is written with the next."""
        with failing_disk(*ON_DISK, fails=lambda _: True):
            self.successResultOf(self.journal.note(planned()))
            self.assertFalse(self.journal.durable)
            self.successResultOf(self.journal.note(Note("x")))
        self.assertEqual(self.journal.remembered, known(planned()))
        self.assertEqual(self.desk.on_disk(), [])
        self.successResultOf(self.journal.note(recorded()))
        self.assertEqual(self.desk.on_disk(), [planned(), Note("x"), recorded()])
        self.assertTrue(self.journal.durable)

    def test_reported_once(self) -> None:
        """Each copy is reported once for each run of failures."""
        with failing_disk(*ON_DISK, fails=lambda _: True):
            for _ in range(3):
                self.journal.note(Note("x"))
        self.assertEqual([each.what for each in self.desk.troubles], ["unwritable"] * 2)
        self.assertEqual({each.path for each in self.desk.troubles}, set(self.desk.paths))
        self.assertIn("No space left", self.desk.troubles[0].error)
        self.journal.note(Note("x"))
        with failing_disk(*ON_DISK, fails=lambda _: True):
            self.journal.note(Note("x"))
        self.assertEqual(len(self.desk.troubles), 4)

    def test_flush(self) -> None:
        """What waits can be written without a new record."""
        with failing_disk(*ON_DISK, fails=lambda _: True):
            self.journal.note(planned())
            self.successResultOf(self.journal.flush())
            self.assertFalse(self.journal.durable)
        self.successResultOf(self.journal.flush())
        self.assertTrue(self.journal.durable)
        self.assertEqual(self.desk.on_disk(), [planned()])

    def test_defect(self) -> None:
        """Even a defect of the writer fires the note, and is logged."""

        def broken(*_: Any) -> None:
            raise ZeroDivisionError

        self.journal._file.append = broken  # type: ignore[method-assign, assignment]
        self.successResultOf(self.journal.note(planned()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_every_outage(self) -> None:
        """A whole job over a disk that fails anywhere, for any time: on the disk is a beginning."""
        with failing_disk(*ON_DISK) as disk:
            self.run_job(Desk(RUN[0]))
        for first in range(0, disk.calls, 3):
            for length in (1, 4, 30, 1000):
                desk = Desk(RUN[0])
                with failing_disk(*ON_DISK, fails=outage(first, length)):
                    self.run_job(desk)
                self.assertEqual(desk.journal.remembered, remember(RUN))
                self.successResultOf(desk.journal.flush())
                self.assertEqual(desk.on_disk(), list(RUN))
                self.assertEqual(desk.paths[0].read_bytes(), desk.paths[1].read_bytes())

    def run_job(self, desk: Desk) -> None:
        """Note everything; after each note another agent would read a beginning."""
        desk.journal.write(RUN[0])
        for number, record in enumerate(RUN[1:], 2):
            self.successResultOf(desk.journal.note(record))
            found = desk.on_disk()
            self.assertEqual(found, list(RUN[: len(found)]))
            if desk.journal.durable:
                self.assertEqual(len(found), number)
