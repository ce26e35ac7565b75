"""One job of a session: when its recording ends, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rakkr.controller.messages import Receipt
from rakkr.jobs.account import report_account
from rakkr.jobs.chunk_events import ChunkEvents
from rakkr.jobs.chunks import Chunks
from rakkr.jobs.decisions import Wish
from rakkr.jobs.delivery import Delivery, NotRendered
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.failure import failure_facts, report_failure
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease
from rakkr.jobs.parts import Part, chunk_frames_for, most_bytes
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.recording import Recording
from rakkr.jobs.records import Done, Recorded, Salvaged, Split
from rakkr.jobs.refusal import marks_of
from rakkr.jobs.report import Report
from rakkr.jobs.sending import Deliverable, NotUploaded, TooLarge
from rakkr.jobs.timely import TimelyRender
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.moment import Moment


class Member:
    """
    One job from the first sample to its receipt.

    Every step looks into the journal first, so a member that goes on after a restart does what the
    journal does not show as done.  Members of a group have nothing in common but the capture: each
    has its own lease, end, files and failure.

    :ivar plan: what the job gets.
    """

    log = Logger()

    def __init__(
        self,
        place: Workplace,
        plan: MemberPlan,
        lease: Lease,
        journal: Journal,
        recording: Recording,
        left: Callable[[Member], None],
    ) -> None:
        """:param left: told when this member needs no more samples."""
        self.journal = journal
        self.recording = recording
        self._place = place
        self.plan = plan
        self._lease = lease
        self._left = left
        self._evidence = JobEvidence(place.evidence, plan.job)
        self._chunk_events = ChunkEvents(self._evidence, plan, journal)
        self._delivery = Delivery(place, plan, lease, journal)
        self._timely = TimelyRender(place, plan, lease, self._delivery)
        self.report = Report(place, plan, recording, self._evidence)
        self._over = Moment[None]()
        self._accounted = False
        self._marks = marks_of(place)

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.plan.job.id

    @property
    def recording_id(self) -> str:
        """The recording's id."""
        return self.plan.job.recording_id

    @property
    def kept_for_retry(self) -> bool:
        """Whether the controller gave the job up, so that another may ask for its audio."""
        return self._lease.standing.wish in {Wish.FINISH, Wish.KEEP}

    def dismiss(self) -> None:
        """End the recording now, and deliver what there is."""
        self.recording.dismiss()

    def when_over(self) -> Deferred[None]:
        """Fire when nothing more is done about the job."""
        return self._over.when()

    async def run(self) -> Result:
        """Record, render, upload; every way out but cancellation is a :class:`Result`."""
        try:
            return await self._run()
        except BaseException:
            self.report.cancel()
            raise

    async def _run(self) -> Result:
        known = self.journal.remembered
        if known.mark is not None and not known.mark_taken:
            await self._marks.resume(self.journal, known.mark.what, known.mark.reason)
        if known.mark is not None:
            ending = Ending.FAILED if known.mark.what == "failed" else Ending.NOTHING_TO_DELIVER
            return await self._end(ending, known.mark.reason)
        chunk_frames = self._chunk_frames()
        if chunk_frames is None:
            return await self._as_one(await self.recording.run(self._leave))
        return await self._in_chunks(chunk_frames)

    def _leave(self) -> None:
        self._left(self)

    def _chunk_frames(self) -> int | None:
        split = self.journal.remembered.split
        if split is not None:
            return split.chunk_frames
        seconds = self.plan.chunk_seconds
        return None if seconds is None else seconds * self.plan.job.command.capture_sample_rate

    # One file

    async def _as_one(self, recorded: Recorded) -> Result:
        settled = self._receipt_of_all() or await self._consider(recorded)
        if isinstance(settled, Receipt):
            return await self._delivered(settled, "before a restart")
        if settled is not None:
            return settled
        part = Part(0, recorded.start_frame, recorded.end_frame)
        strip = self.recording.strip(part.start, part.end)
        ready = await self._timely.run(part, strip, self.recording.directory)
        if isinstance(ready, Deliverable):
            return await self._send(part, ready)
        if self._timely.secured is not None:
            return await self._delivered(self._timely.secured, f"as WAV only: {ready}")
        if ready.disk_full:
            free = await self._place.disk.give_way()
            return await self._split(str(ready), free)
        return await self._fail_and_keep(str(ready))

    def _receipt_of_all(self) -> Receipt | None:
        """The receipt of the file that was asked for, if an earlier agent got it."""
        known = self.journal.remembered
        receipt, sent = known.receipts.get(0), known.sending.get(0)
        if receipt is None or receipt.chunk is not None or sent is None:
            return None
        if (receipt.content_type or sent.content_type) != self.plan.render.content_type:
            return None  # it was the WAV that secured the audio
        return Receipt(checksum=receipt.checksum, size=receipt.size)

    async def _send(self, part: Part, ready: Deliverable) -> Result:
        name = self._delivery.file_name(part)
        try:
            receipt = await self._delivery.sending.send(part, ready, name)
        except TooLarge as error:
            if ready.own_file:
                ready.path.unlink(missing_ok=True)
            return await self._split(str(error), None)
        except NotUploaded as error:
            if self._timely.secured is not None:
                return await self._delivered(self._timely.secured, f"as WAV only: {error}")
            if ready.own_file:  # what it was made of is kept, and makes it again
                ready.path.unlink(missing_ok=True)
            return await self._keep(str(error))
        if ready.own_file and self.journal.durable:
            policy = self.plan.job.command.recorder_cache_retention
            self._place.shelf.release(self.plan.job, policy, receipt, [ready.path])
        return await self._delivered(receipt, f"{ready.seconds:.3f} s")

    # Chunks

    async def _in_chunks(self, chunk_frames: int) -> Result:
        chunks = Chunks(
            self._place,
            self.plan,
            self._lease,
            self.journal,
            self._delivery,
            chunk_frames,
        )
        self._chunk_events.started(chunk_frames)
        sending = Deferred.fromCoroutine(chunks.run(self.recording, self.recording.directory))
        try:
            recorded = await self.recording.run(self._leave)
            settled = await self._consider(recorded)
            return settled or await self._all_chunks(await sending, chunk_frames)
        except NotRendered as error:
            return await self._fail_and_keep(str(error))
        except NotUploaded as error:
            return await self._keep(str(error))
        finally:
            sending.addErrback(lambda _: None)  # nobody waits for it any more
            sending.cancel()

    async def _all_chunks(self, count: int, chunk_frames: int) -> Result:
        receipts = self.journal.remembered.receipts
        receipt = receipts[max(receipts)]
        frames = sum(each.end_frame - each.start_frame for each in receipts.values())
        self._chunk_events.completed(chunk_frames)
        rate = self.plan.job.command.capture_sample_rate
        what = f"{frames / rate:.3f} s in {count} chunks"
        return await self._delivered(Receipt(checksum=receipt.checksum, size=receipt.size), what)

    async def _split(self, why: str, free_bytes: int | None) -> Result:
        """The recording cannot be one file: deliver it as chunks, and say so."""
        recorded = self.recording.ended
        assert recorded is not None
        strip = self.recording.strip(recorded.start_frame, recorded.end_frame)
        frame_bytes = strip.format.frame_bytes(self.plan.render.channels)
        most = most_bytes(self._place.uploads.bytes_per_second, free_bytes)
        frames = chunk_frames_for(self.plan.render, frame_bytes, strip.rate, most)
        frames = min(frames, max(1, strip.frames))
        await self.journal.note(Split(frames, why))
        facts = {"chunkSeconds": frames / strip.rate, "error": why, "frames": strip.frames}
        self._evidence.emit("upload_split", "warning", facts)
        return await self._in_chunks(frames)

    # Ends

    async def _consider(self, recorded: Recorded) -> Result | None:
        """What to do instead of delivering, if anything; None to deliver."""
        if not self._accounted:
            report_account(self._evidence, self.recording, self.plan)
            self.report.begin()
        self._accounted = True
        if not self.recording.has_enough(recorded):
            return await self._nothing_usable()
        standing = self._lease.standing
        if standing.wish in {Wish.FINISH, Wish.KEEP} and standing.status != "completed":
            because = "" if standing.reason is None else f" ({standing.reason})"
            why = (
                f"the controller's job is {standing.status}{because}; retry it at the controller"
                " to have what was recorded uploaded"
            )
            path, rate = self.recording.files()[0], self.plan.job.command.capture_sample_rate
            seconds = (recorded.end_frame - recorded.start_frame) / rate
            kept = Deliverable(path, "audio/wav", seconds, own_file=False)
            self._delivery.sending.report_kept(kept, why)
            return await self._keep(why)
        return None

    async def _nothing_usable(self) -> Result:
        """The capture gave no audio that could be delivered: say why, and end the job."""
        if self._lease.standing.wish is Wish.DELIVER and self.recording.take.error is None:
            await self._marks.cancelled(self.journal)
            return await self._end(
                Ending.NOTHING_TO_DELIVER, "stopped before anything was recorded"
            )
        error = report_failure(self._evidence, self.recording, self.plan)
        await self._marks.failed(self.journal, error)
        return await self._end(Ending.FAILED, error)

    async def broke(self, why: str) -> Result:
        """This agent has a defect: the audio stays, and everybody is told."""
        facts = failure_facts(self.recording, self.plan, why)
        self._evidence.emit("capture_failed", "critical", facts)
        try:
            await self.recording.give_up()
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - it may be the same defect once more
            self.log.failure("job {job_id} could not be settled", job_id=self.job_id)
        return await self._fail_and_keep(why)

    async def _delivered(self, receipt: Receipt, what: str) -> Result:
        detail = f"{what}, {receipt.size} bytes, {receipt.checksum}"
        result = await self._end(Ending.DELIVERED, detail)
        return attrs.evolve(result, receipt=receipt)

    async def _fail_and_keep(self, why: str) -> Result:
        self._chunk_events.partial(self._chunk_frames(), why)
        await self.journal.note(Salvaged(why))
        await self._marks.failed(self.journal, why)
        return await self._end(Ending.FAILED, why)

    async def _keep(self, why: str) -> Result:
        self._chunk_events.partial(self._chunk_frames(), why)
        await self.journal.note(Salvaged(why))
        return await self._end(Ending.KEPT, why)

    async def _end(self, ending: Ending, detail: str) -> Result:
        await self.journal.note(Done(ending.value, detail, self._place.wall.now()))
        self._over.comes(None)
        return Result(self.plan.job.id, ending, detail)
