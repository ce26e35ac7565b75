"""
An agent that dies at any moment: after each record of its journal, and before each.

Jobs are run once.  Each time that a record is written, the directories and the controller are
remembered as they are; then each of these moments is laid out again, without any program, and
another agent is started in it.
"""

from __future__ import annotations

import copy
import shutil
from collections import Counter
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
from rakkr.jobs.remembered import Remembered
from tests.fakes.processes import FakeReactor
from tests.jobs.case import SessionCase
from tests.jobs.making import told
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


@attrs.frozen
class Life:
    """
    What the next agent has before it.

    :ivar seconds: for which it works.
    :ivar down: seconds before it, in which no agent ran.
    :ivar booted: whether the machine was booted in them.
    :ivar dies_again: whether it dies after three quarters of a second, and a third one follows.
    """

    seconds: float
    down: float = 0.5
    booted: bool = False
    dies_again: bool = False


class RecoveryCase(SessionCase):
    """
    A run, and every moment in it.

    :ivar alone: whether the job has its capture for itself.
    """

    alone = True

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
        self.assertGreaterEqual(len(self.instants), 8)

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

    def go_on_from(self, instant: Instant, life: Life) -> None:
        """Start another agent there, and let it work to the end."""
        self.lay_out(instant)
        crew = self.go_on(life.down, boot_id="second boot" if life.booted else None)
        if life.dies_again:
            self.shop.play(0.75)
            self.abandon(crew)
            self.shop.crash()
            crew = self.go_on(0.25)
        self.shop.play(life.seconds)
        self.shop.boot("boot")
        self.shop.noon = NOON
        self.shop.place = attrs.evolve(self.shop.place, boot_id="boot")
        self.assertEqual(crew.works, [], instant.name)
        self.assertEqual(self.shop.reactor.getDelayedCalls(), [], instant.name)
        self.shop.crash()

    def endings(self, job_id: str, life: Life) -> Counter[str]:  # type: ignore[override]
        """
        Go on from every moment, and look at what became of a job.

        :returns: how often it ended how; "" where its claim was not even on the disk.
        """
        found: Counter[str] = Counter()
        for instant in self.instants:
            receipts = self.receipts(instant, job_id)
            self.go_on_from(instant, life)
            journal = self.shop.place.ledger.journal(job_id)
            if journal is None:  # the lease will end it
                found[""] += 1
                self.assertEqual(self.sent(self.desk, job_id), [], instant.name)
            else:
                found[self.ended(journal.remembered, instant, receipts)] += 1
        return found

    def sent(self, desk: Desk, job_id: str) -> list[int]:
        """The parts that the controller has taken of a job."""
        return [chunk or 0 for job, chunk, _ in desk.files if job == job_id]

    def ended(self, known: Remembered, instant: Instant, receipts: set[int]) -> str:
        """See that an end is one: whole, once, and with every frame accounted for."""
        job_id, done = known.job.id, known.done
        marks = [mark for mark in self.desk.marks if mark[0] == job_id]
        before, after = self.sent(instant.desk, job_id), self.sent(self.desk, job_id)
        assert done is not None, instant.name
        again = after[len(before) :]
        self.assertEqual(len(again), len(set(again)), instant.name)
        self.assertEqual(set(again) & receipts, set(), instant.name)
        if done.ending == Ending.FAILED.value:
            gone = instant.desk.jobs[job_id].status not in OPEN
            self.assertEqual(len(marks), 0 if gone and not instant.desk.marks else 1, instant.name)
            self.assertEqual(after, [], instant.name)
            return done.ending
        self.assertEqual(marks, [], instant.name)
        if done.ending == Ending.KEPT.value:
            self.assertTrue(known.is_salvage, instant.name)
            self.assertEqual(again, [], instant.name)
        else:
            self.assertEqual(done.ending, Ending.DELIVERED.value, instant.name)
            self.assertEqual(self.desk.jobs[job_id].status, "completed", instant.name)
            self.assertTrue(known.is_delivered, instant.name)
        self.accounted(known, instant)
        return done.ending

    def receipts(self, instant: Instant, job_id: str) -> set[int]:
        """The parts whose receipt was in the journal at that moment."""
        self.lay_out(instant)
        self.successResultOf(Deferred.fromCoroutine(self.shop.place.ledger.open()))
        journal = self.shop.place.ledger.journal(job_id)
        return set() if journal is None else set(journal.remembered.receipts)

    def accounted(self, known: Remembered, instant: Instant) -> None:
        """Every frame of the window was captured, or is in a gap that is declared."""
        assert known.recorded is not None
        assert known.planned is not None
        start, end = known.planned.start_frame, known.recorded.end_frame
        planned = known.planned.seconds * known.planned.rate
        strip = next((each for each in self.shop.strips if each.frames == end - start), None)
        gaps = known.recorded.gaps
        inner = sum(gap.frames for gap in gaps if gap.end_frame <= end)
        if strip is not None:
            self.assertEqual(strip.silent_frames, inner, instant.name)
        stopped = instant.desk.jobs[known.job.id].status == "stop_requested"
        if not stopped and not known.recorded.reason.startswith("the controller"):
            outer = sum(gap.frames for gap in gaps if gap.end_frame > end)
            self.assertEqual(end - start + outer, planned, instant.name)
        captured = sum(
            each.sealed.frames for each in known.segments.values() if each.sealed is not None
        )
        if known.planned.start_frame == 0 and len(known.segments) and self.alone:
            self.assertEqual(captured + inner, end - start, instant.name)
