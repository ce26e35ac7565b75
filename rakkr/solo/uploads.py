"""Uploads of audio: let in by their head, stored when their body is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock

from rakkr.solo import lifecycle
from rakkr.solo.admission import (
    Refused,
    Target,
    admit,
    codec_of,
    mime_type,
    read_chunk,
    read_chunk_total,
    read_duration,
    read_rendition,
)
from rakkr.solo.intake import Intake
from rakkr.solo.jobs import Jobs
from rakkr.solo.keeping import Kept, Plan, chunk_row, keep_chunk, keep_whole, timed
from rakkr.solo.ledger import Ledger
from rakkr.solo.records import StoredFile
from rakkr.threads import InThread


@attrs.frozen(kw_only=True)
class UploadHead:
    """What a request says of its body, as it says it: None for what it does not say."""

    recording_id: str
    content_type: str | None = None
    file_name: str | None = None
    duration: str | None = None
    job_id: str | None = None
    rendition: str | None = None
    chunk: str | None = None
    chunk_total: str | None = None


@attrs.frozen
class Upload:
    """An upload that was let in."""

    head: UploadHead
    node_id: str
    job_id: str | None
    intake: Intake
    taint: Callable[[str, str, Refused], None]

    def write(self, piece: bytes) -> None:
        """Take some bytes of the body; raises :class:`Refused` when it cannot."""
        try:
            self.intake.write(piece)
        except Refused as refusal:
            self.taint(self.head.recording_id, self.node_id, refusal)
            raise

    def abandon(self) -> None:
        """The rest will never come."""
        self.intake.abandon()


class Uploads:
    """
    Takes files in.

    :param folder: where recordings are kept.
    :param incoming: where bodies are written while they come, on the same file system.
    :param in_thread: calls a function in a thread and returns a Deferred of its result.
    :param most: how many bytes a file may have.
    """

    def __init__(
        self,
        ledger: Ledger,
        jobs: Jobs,
        *,
        folder: Path,
        incoming: Path,
        in_thread: InThread,
        most: int,
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._jobs = jobs
        self._folder = folder
        self._incoming = incoming
        self._in_thread = in_thread
        self._most = most
        # One at a time: the name of a file and what the store says of it change together.
        self._lock = DeferredLock()

    def begin(self, head: UploadHead, node_id: str, length: int | None) -> Upload:
        """
        Let an upload in by its head.

        :param length: the declared length of the body.
        :raises Refused: as :func:`rakkr.solo.admission.admit` does.
        """
        self._jobs.expire()
        recording = self._store.recording(head.recording_id)
        target = Target(
            recording_node=recording.node_id if recording else None,
            recording_status=recording.status if recording else "",
            jobs=self._store.jobs_of(head.recording_id),
        )
        try:
            job = admit(
                target,
                node_id=node_id,
                length=length,
                most=self._most,
                named=None if head.job_id is None else self._store.job(head.job_id),
                named_id=head.job_id,
            )
            intake = Intake(self._incoming / f"{self._ledger.new_uuid()}.part", most=self._most)
        except Refused as refusal:
            self.taint(head.recording_id, node_id, refusal)
            raise
        return Upload(head, node_id, job.id if job else None, intake, self.taint)

    def taint(self, recording_id: str, node_id: str, refusal: Refused) -> None:
        """Leave evidence of an upload that went wrong where the refusal asks for it."""
        if refusal.taints is not None:
            with self._store.transaction():
                self._ledger.raise_event(
                    "controller.recording.cache_file_failed",
                    refusal.taints,
                    {"error": refusal.error, "status": refusal.status},
                    node_id=node_id,
                    recording_id=recording_id,
                )

    def settled(self) -> Deferred[Any]:
        """Fires when no file is being stored."""
        return self._lock.run(lambda: None)

    async def finish(self, upload: Upload) -> dict[str, Any]:
        """
        Store an upload whose body is whole, and complete its job.

        :returns: the answer.
        :raises Refused: 400, 409 or 500; nothing of it is left then.
        """
        try:
            plan = self._plan(upload)
            await self._lock.acquire()
            try:
                return await self._store_file(upload, plan)
            finally:
                self._lock.release()
        except Refused as refusal:
            self.taint(upload.head.recording_id, upload.node_id, refusal)
            raise
        finally:
            upload.intake.abandon()

    def _plan(self, upload: Upload) -> Plan:
        head = upload.head
        if upload.intake.size == 0:
            raise Refused(400, "The file is empty", taints="critical")
        seconds, chunk = read_duration(head.duration), read_chunk(head.chunk)
        if chunk is not None and upload.job_id is None:
            raise Refused(409, "A chunk needs a recording job")
        return Plan(
            rendition=read_rendition(head.rendition),
            codec=codec_of(head.file_name, head.content_type),
            seconds=seconds,
            chunk=chunk,
            total=read_chunk_total(head.chunk_total),
        )

    async def _store_file(self, upload: Upload, plan: Plan) -> dict[str, Any]:
        path = plan.path(upload.head.recording_id)
        measured = await self._in_thread(upload.intake.place, self._folder / path)
        file = StoredFile(
            cache_path=path,
            checksum=upload.intake.checksum,
            size=upload.intake.size,
            file_name=Path(path).name,
            mime_type=mime_type(plan.codec),
            duration_seconds=0,
        )
        self._jobs.expire()
        with self._store.transaction(durable=True):
            kept = self._keep(upload, plan, file, measured)
            for chunk in kept.chunks:
                self._store.put_chunk(chunk)
            self._store.put_recording(kept.recording)
            if kept.completes:
                self._complete(upload.job_id)
        answer = {
            "file": kept.file.wire(),
            "recording": kept.recording.wire(),
            "uploadQueueItems": [],
        }
        return answer if kept.chunk is None else {"chunk": kept.chunk.wire(), **answer}

    def _keep(self, upload: Upload, plan: Plan, file: StoredFile, measured: int | None) -> Kept:
        # Read now, not when the request began: what changed meanwhile must not be undone.
        recording = self._store.recording(upload.head.recording_id)
        assert recording is not None  # nothing deletes recordings
        if plan.chunk is None:
            return keep_whole(
                recording, timed(file, plan, measured, recording.duration_seconds), plan
            )
        assert upload.job_id is not None
        rows = self._store.chunks_of(recording.id)
        row = chunk_row(recording.id, plan.chunk + 1, rows, upload.job_id)
        file = timed(file, plan, measured, row.duration_seconds)
        return keep_chunk(recording, rows, attrs.evolve(row, job_id=upload.job_id), file, plan)

    def _complete(self, job_id: str | None) -> None:
        job = self._store.job(job_id) if job_id is not None else None
        done = lifecycle.complete(job, self._ledger.now()) if job is not None else None
        if done is not None:
            self._store.put_job(done)
