"""Uploading one file until the controller's receipt agrees, for as long as it may take it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs
from twisted.application.internet import backoffPolicy
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import (
    BadMessage,
    ControllerError,
    Rejected,
    Unauthorised,
    Unreachable,
    UnsendableFile,
    WrongReceipt,
)
from rakkr.controller.messages import Receipt
from rakkr.controller.upload import Upload
from rakkr.jobs.decisions import upload_may_succeed
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease
from rakkr.jobs.parts import LONGEST_UPLOAD_SECONDS, Part, too_large
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.records import Sending as SendingRecord
from rakkr.jobs.records import Uploaded
from rakkr.jobs.workplace import JobEvidence, Workplace

_LOST_THE_JOB: Final = {403, 404, 409}
_TIMED_OUT: Final = 408
_STRIKES: Final = 5
_TRIES_UNTIL_REPORTED: Final = 5


class NotUploaded(Exception):
    """The controller will not take the file any more; it is kept here."""


class TooLarge(Exception):
    """The file cannot be uploaded in one piece; the message says why."""


@attrs.frozen
class Deliverable:
    """
    A file that is ready to go.

    :ivar own_file: made for this job alone, so not the capture that others may share.
    :ivar source: the capture that such a file was made of, and that stays if nobody takes it.
    """

    path: Path
    content_type: str
    seconds: float
    own_file: bool
    source: Path | None = None


class Sending:
    """Uploads the files of one job."""

    log = Logger()

    def __init__(self, place: Workplace, plan: MemberPlan, lease: Lease, journal: Journal) -> None:
        self._place = place
        self._plan = plan
        self._lease = lease
        self._journal = journal
        self._evidence = JobEvidence(place.evidence, plan.job)

    async def send(self, part: Part, ready: Deliverable, file_name: str) -> Receipt:
        """
        Send the file; the receipt is in the journal when this returns.

        :param file_name: its name for the controller, which reads the ending.
        :raises NotUploaded: when the job was lost or the file was refused; reported as an event.
        :raises TooLarge: when it has to be sent in smaller pieces.
        """
        await self._journal.note(
            SendingRecord(part.number, ready.path, ready.content_type, file_name, ready.seconds)
        )
        upload = Upload(
            path=ready.path,
            content_type=ready.content_type,
            file_name=file_name,
            duration_seconds=ready.seconds,
            job_id=self._plan.job.id,
            chunk=part.chunk,
            chunk_total=part.chunk_total,
        )
        receipt = await self._until_taken(upload, ready)
        await self._journal.note(
            Uploaded(
                part.number,
                receipt.size,
                receipt.checksum,
                part.chunk,
                part.chunk_total,
                part.start,
                part.end,
                self._place.wall.controller_now(),
                ready.content_type,
            )
        )
        return receipt

    async def _until_taken(self, upload: Upload, ready: Deliverable) -> Receipt:
        pause = backoffPolicy(
            initialDelay=0.5, maxDelay=30.0, factor=2.0, jitter=self._place.random
        )
        attempt = strikes = 0
        while True:
            self._refuse_too_large(upload.path)
            try:
                return await self._once(upload)
            except ControllerError as error:
                last = str(error)
                strikes += self._is_absurd(error)
                await self._consider(error, ready, strikes)
                self.log.warn(
                    "upload of {path} is tried again: {error}", path=ready.path, error=str(error)
                )
            attempt += 1
            if attempt == _TRIES_UNTIL_REPORTED:
                self._report_tries(upload.chunk, ready, attempt, last)
            await deferLater(self._place.clock, pause(attempt - 1))

    async def _once(self, upload: Upload) -> Receipt:
        recording, uploads = self._plan.job.recording_id, self._place.uploads
        progress = [0]

        def moved(sent: int, _size: int) -> None:
            progress[0] = sent

        async with uploads.turn(recording):
            began = self._place.clock.seconds()
            try:
                receipt = await self._place.controller.upload_cache_file(recording, upload, moved)
            except ControllerError as error:
                timed_out = isinstance(error, Rejected) and error.status == _TIMED_OUT
                long = self._place.clock.seconds() - began >= LONGEST_UPLOAD_SECONDS
                if timed_out or (long and isinstance(error, Unreachable)):
                    uploads.cut_off(progress[0], began)
                raise
            uploads.measured(receipt.size, began)
            return receipt

    def _refuse_too_large(self, path: Path) -> None:
        try:
            size = path.stat().st_size
        except OSError:
            return  # the upload itself says what is wrong with the file
        why = too_large(size, self._place.uploads.bytes_per_second)
        if why is not None:
            raise TooLarge(why)

    async def _consider(self, error: ControllerError, ready: Deliverable, strikes: int) -> None:
        """
        Return when another try makes sense.

        :param strikes: how often the answer did not fit what the controller says of the job.
        """
        unsendable = isinstance(error, UnsendableFile) and not error.passing
        final = unsendable or strikes >= _STRIKES
        if isinstance(error, Rejected) and not isinstance(error, Unauthorised):
            if error.status in _LOST_THE_JOB:
                await self._read_the_job()
            else:
                final = not error.transient
        if final or not upload_may_succeed(self._lease.standing):
            stays = ready if ready.source is None else attrs.evolve(ready, path=ready.source)
            self.report_kept(stays, str(error))
            raise NotUploaded(str(error)) from error

    def _is_absurd(self, error: ControllerError) -> bool:
        """Whether the answer does not fit what the controller says of the job."""
        if isinstance(error, BadMessage | WrongReceipt):
            return self._lease.standing.status == "completed"  # it has the file, by its own word
        return isinstance(error, Rejected) and error.status in _LOST_THE_JOB

    async def _read_the_job(self) -> None:
        try:
            await self._lease.look()
        except ControllerError as error:
            self.log.info("the job could not be read: {error}", error=str(error))

    def _report_tries(self, chunk: int | None, ready: Deliverable, tries: int, last: str) -> None:
        why = f"the upload failed {tries} times and is tried on; the last time: {last}"
        if chunk is None:
            self.report_kept(ready, why, willRetry=True)
            return
        facts = {"attempts": tries, "chunkIndex": chunk, "error": why, "willRetry": True}
        self._evidence.emit("chunk_upload_failed", "warning", facts)

    def report_kept(self, ready: Deliverable, why: str, **more: object) -> None:
        """Report that a file stays on this node because it could not be delivered."""
        facts = {
            "contentType": ready.content_type,
            "durationSeconds": round(ready.seconds),
            "error": why,
            "fileName": self._plan.job.command.output_file_name,
            "outputBitrateKbps": self._plan.render.bitrate_kbps,
            "outputBytes": size_of(ready.path),
            "outputCodec": self._plan.render.codec,
            "outputPath": str(ready.path),
            "outputVbr": self._plan.render.vbr,
        }
        self._evidence.emit("cache_upload_failed", "warning", {**facts, **more})


def size_of(path: Path | str | None) -> int | None:
    """The bytes of a file, for those who read of it; None where there is none to be seen."""
    if path is None:
        return None
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
