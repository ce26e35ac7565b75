"""
An agent that dies at any moment: after each record of its journal, and before each.

A whole job is run once.  Each time that a record is written, the directories and the controller are
remembered as they are; then each of these moments is laid out again, without any program, and
another agent is started in it.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from rakkr.controller.errors import Rejected
from rakkr.controller.messages import Job, Receipt
from rakkr.controller.upload import Upload
from rakkr.jobs.crew import Crew
from rakkr.jobs.ending import Ending
from rakkr.jobs.journal_file import JournalFile
from rakkr.jobs.records import Uploaded
from tests.fakes.processes import FakeReactor
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job, told
from tests.jobs.shop import NOON

OPEN = {"running", "stop_requested"}


@attrs.define
class Desk:
    """
    What a controller holds.

    :ivar jobs: by id.
    :ivar files: job, chunk and chunk total of each upload that was accepted.
    :ivar marks: job and end of each mark that had an effect.
    """

    jobs: dict[str, Job] = attrs.field(factory=dict)
    files: list[tuple[str, int | None, int | None]] = attrs.field(factory=list)
    marks: list[tuple[str, str]] = attrs.field(factory=list)

    def read(self, job_id: str) -> Job:
        """Read a job."""
        return self.jobs[job_id]

    def heartbeat(self, job_id: str) -> Job | Exception:
        """Renew a lease, if there is one."""
        job = self.jobs[job_id]
        return job if job.status == "running" else Rejected(409, "", "job heartbeat")

    def upload(self, _recording: str, upload: Upload) -> Receipt | Exception:
        """Take a file; a whole one, and the last chunk, complete the job."""
        assert upload.job_id is not None
        job = self.jobs[upload.job_id]
        if job.status not in OPEN | {"completed"}:
            return Rejected(409, "", "cache file")
        self.files.append((job.id, upload.chunk, upload.chunk_total))
        if upload.chunk is None or upload.chunk_total is not None:
            self.jobs[job.id] = told(job, "completed")
        return Receipt(checksum="sha256:00", size=upload.path.stat().st_size)

    def mark(self, status: str) -> Callable[[str, str], Job | Exception]:
        """End a job, unless it is over."""

        def end(job_id: str, _reason: str) -> Job | Exception:
            if self.jobs[job_id].status not in OPEN:
                return Rejected(404, "", "job terminal update")
            self.marks.append((job_id, status))
            self.jobs[job_id] = told(self.jobs[job_id], status)
            return self.jobs[job_id]

        return end


@attrs.frozen
class Instant:
    """What is there when an agent dies."""

    name: str
    files: Path
    desk: Desk
    seconds: float


class RecoveryCase(SessionCase):
    """A run, and every moment in it."""

    def setUp(self) -> None:
        super().setUp()
        self.desk = Desk()
        self.instants: list[Instant] = []
        self.answer()

    def answer(self) -> None:
        """Let the controller be the desk."""
        self.controller.answers |= {
            "heartbeat_job": [self.desk.heartbeat],
            "get_job": [self.desk.read],
            "upload_cache_file": [self.desk.upload],
            "mark_failed": [self.desk.mark("failed")],
            "mark_cancelled": [self.desk.mark("cancelled")],
        }

    def run_once(self, jobs: Sequence[Job], act: Callable[[], None]) -> None:
        """Run jobs to their end, and remember each moment at which a record was written."""
        self.desk.jobs = {job.id: job for job in jobs}
        kept = self.shop.directory.with_name(self.shop.directory.name + ".instants")
        kept.mkdir()
        self.addCleanup(shutil.rmtree, kept)

        def remember(when: str) -> Callable[[Any], None]:
            def see(work: Any) -> None:
                if getattr(work, "__func__", None) is not JournalFile.append:
                    return
                name = f"{len(self.instants):03d} {when}"
                files = kept / name
                for part in ("captures", "state"):
                    if (self.shop.directory / part).exists():
                        shutil.copytree(self.shop.directory / part, files / part)
                now = self.shop.reactor.seconds()
                self.instants.append(Instant(name, files, copy.deepcopy(self.desk), now))

            return see

        self.shop.before_disk, self.shop.after_disk = remember("before"), remember("after")
        crew = Crew(self.shop.place)
        self.successResultOf(Deferred.fromCoroutine(crew.take_on(jobs)))
        act()
        self.assertEqual(crew.works, [])
        self.shop.crash()
        self.shop.before_disk = self.shop.after_disk = lambda _: None
        self.assertGreater(len(self.instants), 8)

    def lay_out(self, instant: Instant) -> None:
        """Let everything be as it was at that moment."""
        for part in ("captures", "state"):
            shutil.rmtree(self.shop.directory / part, ignore_errors=True)
            if (instant.files / part).exists():
                shutil.copytree(instant.files / part, self.shop.directory / part)
        self.desk = copy.deepcopy(instant.desk)
        self.answer()
        self.shop.strips.clear()
        self.shop.reactor = FakeReactor()
        self.shop.reactor.advance(instant.seconds)
        self.shop.restart()

    def go_on_from(self, instant: Instant, down: float, seconds: float, *, booted: bool) -> Crew:
        """Start another agent there, and let it work for so long."""
        self.lay_out(instant)
        crew = self.go_on(down, boot_id="second boot" if booted else None)
        self.shop.play(seconds)
        self.shop.boot("boot")
        self.shop.noon = NOON
        self.shop.place = attrs.evolve(self.shop.place, boot_id="boot")
        self.assertEqual(crew.works, [], instant.name)
        self.assertEqual(self.shop.reactor.getDelayedCalls(), [], instant.name)
        self.shop.crash()
        return crew

    def receipts(self, instant: Instant, job_id: str) -> set[int]:
        """The parts whose receipt was in the journal at that moment."""
        self.lay_out(instant)
        self.successResultOf(Deferred.fromCoroutine(self.shop.place.ledger.open()))
        journal = self.shop.place.ledger.journal(job_id)
        return set() if journal is None else set(journal.remembered.receipts)

    def accounted(self, job_id: str) -> None:
        """Every frame of the window is in the captured files, or in a gap that is declared."""
        journal = self.shop.place.ledger.journal(job_id)
        assert journal is not None
        known = journal.remembered
        assert known.recorded is not None
        assert known.planned is not None
        window = known.planned.seconds * known.planned.rate
        captured = sum(
            each.sealed.frames for each in known.segments.values() if each.sealed is not None
        )
        declared = sum(gap.frames for gap in known.recorded.gaps)
        self.assertEqual(captured + declared, window, known.recorded)


class EveryMomentTests(RecoveryCase):
    """The same job, from each moment of its life."""

    def check(self, job_id: str, down: float, seconds: float, *, booted: bool = False) -> int:
        """Go on from every moment; returns from how many the job was delivered."""
        delivered = 0
        for instant in self.instants:
            receipts = self.receipts(instant, job_id)
            self.go_on_from(instant, down, seconds, booted=booted)
            journal = self.shop.place.ledger.journal(job_id)
            if journal is None:  # the claim was not on the disk: the lease ends the job
                self.assertEqual(self.desk.files, [], instant.name)
                continue
            done = journal.remembered.done
            assert done is not None, instant.name
            before, files = instant.desk.files, self.desk.files
            if done.ending == Ending.FAILED.value:
                self.assertEqual(self.desk.marks, [(job_id, "failed")], instant.name)
                self.assertEqual(files, [], instant.name)
                continue
            self.assertEqual(done.ending, Ending.DELIVERED.value, instant.name)
            self.assertEqual(self.desk.marks, [], instant.name)
            self.assertEqual(self.desk.jobs[job_id].status, "completed", instant.name)
            again = [chunk or 0 for _, chunk, _ in files[len(before) :]]
            self.assertEqual(len(again), len(set(again)), instant.name)
            self.assertEqual(set(again) & receipts, set(), instant.name)
            self.accounted(job_id)
            self.assertTrue(journal.remembered.is_delivered, instant.name)
            delivered += 1
        return delivered

    def test_at_once(self) -> None:
        """A job of one file ends delivered once, wherever its agent died."""
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(3))
        delivered = self.check("job_1", 0.5, 4)
        self.assertEqual(delivered, len(self.instants) - 1)

    def test_after_a_reboot(self) -> None:
        """The same when the machine was booted in between, and its clock began anew."""
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(3))
        delivered = self.check("job_1", 0.5, 4, booted=True)
        self.assertEqual(delivered, len(self.instants) - 1)

    def test_after_the_window(self) -> None:
        """When nobody came before the window was over: delivered as far as it came, or failed."""
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(3))
        delivered = self.check("job_1", 60.0, 12)
        self.assertGreater(delivered, len(self.instants) // 2)

    def test_after_a_loss(self) -> None:
        """A job whose device was lost before."""

        def act() -> None:
            self.shop.play(2)
            self.shop.reactor.last.writes(b"read error: No such device\n", 2)
            self.shop.reactor.last.exits(1)
            self.shop.play(5)

        self.run_once([make_job(duration_seconds=6)], act)
        delivered = self.check("job_1", 0.5, 10)
        self.assertEqual(delivered, len(self.instants) - 1)

    def test_in_chunks(self) -> None:
        """A job in pieces: each piece is at the controller, the last one with their number."""
        job = make_job(duration_seconds=3, chunk_seconds=1)
        self.run_once([job], lambda: self.shop.play(5))
        self.assertEqual([chunk for _, chunk, _ in self.desk.files], [0, 1, 2])
        delivered = self.check("job_1", 0.5, 6)
        self.assertEqual(delivered, len(self.instants) - 1)

    def test_that_fails(self) -> None:
        """A job that cannot be recorded is marked as failed once with effect."""
        (self.shop.directory / "bin" / "arecord").unlink()
        self.run_once([make_job(duration_seconds=2)], lambda: self.shop.play(1))
        self.assertEqual(self.desk.marks, [("job_1", "failed")])
        self.assertEqual(self.check("job_1", 0.5, 4), 0)


class RecordTests(RecoveryCase):
    """What a receipt in the journal says."""

    def test_receipts_are_exact(self) -> None:
        """The receipts of a job in pieces cover its frames, one after another."""
        job = make_job(duration_seconds=3, chunk_seconds=1)
        self.run_once([job], lambda: self.shop.play(5))
        journal = self.shop.place.ledger.journal("job_1")
        assert journal is not None
        receipts: list[Uploaded] = list(journal.remembered.receipts.values())
        self.assertEqual(
            [(each.start_frame, each.end_frame) for each in receipts],
            [(0, 48_000), (48_000, 96_000), (96_000, 144_000)],
        )
