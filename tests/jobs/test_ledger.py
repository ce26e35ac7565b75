"""Tests for ``rakkr.jobs.ledger``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.archive import Archive
from rakkr.jobs.journal import Journal
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.records import DELIVERED, Done, Handed, Heard, Note, Salvaged
from rakkr.jobs.state_file import StateFile
from rakkr.jobs.trouble import Trouble
from tests.fakes.disk import failing_disk
from tests.fakes.threads import FakeThreads
from tests.jobs.making import make_job, told
from tests.jobs.remembering import RUN, claimed, planned, recorded, segment


class LedgerTests(SynchronousTestCase):
    """All journals of an agent."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.threads = FakeThreads()
        self.troubles: list[Trouble] = []
        self.state = self.directory / "state.json"
        self.archive = Archive.of(self.state, self.directory / "captures")
        self.ledger = self.another()

    def another(self, **more: Any) -> Ledger:
        """The ledger of an agent that starts now."""
        state = StateFile(self.state, lambda: 0.0, self.threads, self.troubles.append)
        return Ledger(
            self.archive, self.threads, report=self.troubles.append, state_file=state, **more
        )

    def begin(self, number: int = 1, *, wall: float = 0.0, **job: Any) -> Journal:
        """Claim a job."""
        claim = told(make_job(number), "running", **job)
        return self.successResultOf(
            self.ledger.begin(claim, wall=wall or float(number), mono=5.0, boot_id="boot")
        )

    def reopened(self, **more: Any) -> Ledger:
        """What the next agent knows."""
        ledger = self.another(**more)
        self.successResultOf(ledger.open())
        return ledger

    def names(self) -> list[str]:
        """The files in both directories."""
        return [path.name for each in self.archive.directories for path in each.iterdir()]

    def test_begin(self) -> None:
        """A claim is on the disk when the journal is there."""
        journal = self.begin()
        self.assertEqual(journal.remembered.job, told(make_job(1), "running"))
        again = self.reopened().journal("job_1")
        assert again is not None
        self.assertEqual(again.remembered, journal.remembered)
        self.assertEqual(again.remembered.claimed.boot_id, "boot")
        self.assertEqual(len(self.names()), 2)

    def test_begin_again(self) -> None:
        """A job that is claimed twice has one journal, which goes on."""
        first = self.begin()
        self.successResultOf(first.note(planned()))
        second = self.begin(failure_reason="x")
        self.assertIs(second, first)
        self.assertEqual(second.remembered.job.failure_reason, "x")
        self.assertIsNotNone(second.remembered.planned)

    def test_begin_without_disk(self) -> None:
        """A claim that no disk takes is a journal all the same, and is written later."""
        with failing_disk("rakkr.jobs.journal_file", fails=lambda _: True):
            journal = self.begin()
        self.assertFalse(journal.durable)
        self.successResultOf(journal.note(planned()))
        again = self.reopened().journal("job_1")
        assert again is not None
        self.assertEqual(again.remembered, journal.remembered)

    def test_whole_job(self) -> None:
        """What one agent noted, the next one remembers, and it may go on with it."""
        journal = self.begin()
        for record in RUN[1:-1]:
            journal.note(record)
        ledger = self.reopened()
        (again,) = ledger.unfinished()
        self.assertEqual(again.remembered, journal.remembered)
        again.note(RUN[-1])
        (last,) = self.reopened().finished()
        self.assertEqual(last.remembered.done, RUN[-1])

    def test_damaged(self) -> None:
        """A journal that is spoilt in both copies is reported; the agent starts."""
        self.begin(1)
        self.begin(2)
        for directory in self.archive.directories:
            (spoilt,) = directory.glob("job_1-*")
            spoilt.write_bytes(b"rubbish")
        ledger = self.reopened()
        self.assertEqual([each.job_id for each in ledger.journals()], ["job_2"])
        self.assertEqual([each.what for each in self.troubles], ["damaged"] * 2)

    def test_lists(self) -> None:
        """Journals are listed by what is left to be done."""
        self.begin(1).note(Done(DELIVERED, "x", 50.0))
        self.begin(2)
        self.begin(3).note(Done("failed", "x", 40.0))
        for ledger in (self.ledger, self.reopened()):
            self.assertEqual([each.job_id for each in ledger.unfinished()], ["job_2"])
            self.assertEqual([each.job_id for each in ledger.finished()], ["job_3", "job_1"])

    def test_salvage(self) -> None:
        """Audio that waits is found by its recording; of several the youngest counts."""
        for number in (1, 2):
            journal = self.begin(number, recording_id="rec")
            for record in (planned(), *segment(1), recorded(), Salvaged("x")):
                journal.note(record)
        self.begin(3, recording_id="rec")
        for ledger in (self.ledger, self.reopened()):
            self.assertEqual([each.job_id for each in ledger.salvages()], ["job_1", "job_2"])
            found = ledger.salvage_of("rec")
            assert found is not None
            self.assertEqual(found.job_id, "job_2")
            self.assertIsNone(ledger.salvage_of("other"))
        journal.note(Handed("job_3"))
        self.assertEqual([each.job_id for each in self.ledger.salvages()], ["job_1"])

    def test_forget(self) -> None:
        """A job that is forgotten has no files, and is in no list; another one stays."""
        self.begin(1)
        self.begin(2)
        self.successResultOf(self.ledger.forget("job_1"))
        self.successResultOf(self.ledger.forget("never heard of"))
        self.assertEqual([each.job_id for each in self.ledger.journals()], ["job_2"])
        self.assertEqual(len(self.names()), 2)

    def test_flush(self) -> None:
        """Flushing writes what waits, and puts a copy in order that was spoilt before the start."""
        journal = self.begin(1)
        with failing_disk("rakkr.jobs.journal_file", fails=lambda _: True):
            journal.note(planned())
        self.successResultOf(self.ledger.flush())
        self.assertTrue(journal.durable)
        (copy,) = self.archive.directories[0].iterdir()
        whole = copy.read_bytes()
        copy.write_bytes(whole[:20])
        self.successResultOf(self.reopened().flush())
        self.assertEqual(copy.read_bytes(), whole)

    # The bound

    def finish(self, count: int) -> None:
        """Begin and finish so many jobs."""
        for number in range(1, count + 1):
            self.begin(number).note(Done("failed", "x", float(number)))

    def test_bound(self) -> None:
        """Of finished jobs only so many are kept, the youngest; those at the limit stay."""
        self.ledger.most_finished = 3
        self.finish(3)
        self.assertEqual(len(self.ledger.journals()), 3)
        self.begin(4).note(Done("failed", "x", 4.0))
        kept = [each.job_id for each in self.ledger.journals()]
        self.assertEqual(kept, ["job_2", "job_3", "job_4"])
        self.assertEqual(len(self.names()), 6)

    def test_bound_at_start(self) -> None:
        """The bound holds for what an earlier agent left, too."""
        self.finish(4)
        ledger = self.reopened(most_finished=1)
        self.assertEqual([each.job_id for each in ledger.journals()], ["job_4"])

    def test_bound_spares(self) -> None:
        """A job stays that is not over, waits for another one, or has its audio still."""
        self.ledger.most_finished = 0
        path = self.directory / "a.wav"
        path.touch()
        self.begin(1)
        for record in (planned(), *segment(1), recorded(), Salvaged("x"), Done("kept", "x")):
            self.begin(2).note(record)
        for record in (planned(), *segment(1, path=path), recorded(), Done(DELIVERED, "x")):
            self.begin(3).note(record)
        self.begin(4).note(Done("failed", "x"))
        kept = [each.job_id for each in self.ledger.journals()]
        self.assertEqual(kept, ["job_1", "job_2", "job_3"])

    def test_bound_undeletable(self) -> None:
        """A journal that cannot be deleted is reported, and stops nothing."""
        self.ledger.most_finished = 0
        journal = self.begin(1)
        for directory in self.archive.directories:
            (path,) = directory.iterdir()
            path.unlink()
            (path / "x").mkdir(parents=True)
        journal.note(Done("failed", "x"))
        self.assertIn("unwritable", [each.what for each in self.troubles])

    # The state file

    def status(self) -> Any:
        """The job and the status in the state file."""
        state = json.loads(self.state.read_bytes())
        return state["jobId"], state["status"]

    def test_state(self) -> None:
        """The state file says how far the job is that changed last."""
        journal = self.begin(1)
        self.assertEqual(self.status(), ("job_1", "running"))
        self.begin(2)
        self.assertEqual(self.status(), ("job_2", "running"))
        for record in (planned(), *segment(1), recorded()):
            journal.note(record)
        self.assertEqual(self.status(), ("job_1", "captured"))

    def test_state_unchanged(self) -> None:
        """What the state file does not show does not touch it: another job's state stays."""
        journal = self.begin(1)
        for record in (planned(), *segment(1)[:3]):
            journal.note(record)
        self.begin(2)
        journal.note(Heard(1, 500, 3, 2.0))
        journal.note(Note("x"))
        self.assertEqual(self.status(), ("job_2", "running"))

    def test_open_leaves_state(self) -> None:
        """Opening the ledger does not write the state file: it may be another agent's."""
        self.begin(1)
        self.state.write_text("another's")
        self.reopened()
        self.assertEqual(self.state.read_text(), "another's")
        self.assertEqual(claimed().job.id, "job_1")
