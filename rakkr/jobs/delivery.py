"""From a recorded frame range to an accepted upload."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.application.internet import backoffPolicy
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.captured import CapturedAudio
from rakkr.controller.errors import (
    BadMessage,
    ControllerError,
    Rejected,
    Unauthorised,
    UnsendableFile,
    WrongReceipt,
)
from rakkr.controller.messages import Receipt
from rakkr.controller.upload import Upload
from rakkr.durable import reserve
from rakkr.jobs.decisions import upload_may_succeed
from rakkr.jobs.lease import Lease
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.render.errors import RenderError
from rakkr.render.plan import FrameRange, needs_render
from rakkr.render.runner import Rendered

_LOST_THE_JOB = {403, 404, 409}
_STRIKES = 5
_TRIES_UNTIL_REPORTED = 5


class NotRendered(Exception):
    """The delivered file could not be made; the captured audio is where it was."""


class NotUploaded(Exception):
    """The controller will not take the file any more; it is kept here."""


@attrs.frozen
class Deliverable:
    """
    A file that is ready to go.

    :ivar own_file: made for this member alone, so not the capture that others may share.
    """

    path: Path
    content_type: str
    seconds: float
    own_file: bool


class Delivery:
    """Renders and uploads one member's recording."""

    log = Logger()

    def __init__(self, place: Workplace, plan: MemberPlan, lease: Lease) -> None:
        self._place = place
        self._plan = plan
        self._lease = lease
        self._evidence = JobEvidence(place.evidence, plan.job)

    async def render(
        self, audio: CapturedAudio, frames: FrameRange, directory: Path
    ) -> Deliverable:
        """
        Make the file that the job asked for.

        :raises NotRendered: with the reason, after the event was reported.
        """
        plan = self._plan.render
        if not needs_render(plan, audio, frames):
            return Deliverable(audio.path, plan.content_type, audio.seconds, own_file=False)
        target = reserve(directory / self._plan.file_name)
        facts = self._render_facts(audio, target)
        try:
            rendered: Rendered = await self._place.renders.run(
                self._place.render, plan=plan, audio=audio, frames=frames, target=target
            )
        except BaseException as error:
            target.unlink(missing_ok=True)
            if not isinstance(error, RenderError | OSError):
                raise
            self._evidence.emit("output_render_failed", "critical", {**facts, "error": str(error)})
            raise NotRendered(str(error)) from error
        self._evidence.emit("output_rendered", "info", facts)
        return Deliverable(rendered.path, rendered.content_type, rendered.seconds, own_file=True)

    def _render_facts(self, audio: CapturedAudio, target: Path) -> dict[str, object]:
        return {
            "channelMap": self._plan.channel_map and self._plan.channel_map.details(),
            "outputBitrateKbps": self._plan.render.bitrate_kbps,
            "outputCodec": self._plan.render.codec,
            "outputVbr": self._plan.render.vbr,
            "rawOutputPath": str(audio.path),
            "renderedOutputPath": str(target),
        }

    async def upload(self, ready: Deliverable, file_name: str) -> Receipt:
        """
        Send the file until the controller's receipt agrees, for as long as it may take it.

        :param file_name: its name for the controller, which reads the ending.
        :raises NotUploaded: when the job was lost or the file was refused; reported as an event.
        """
        upload = Upload(
            path=ready.path,
            content_type=ready.content_type,
            file_name=file_name,
            duration_seconds=ready.seconds,
            job_id=self._plan.job.id,
        )
        pause = backoffPolicy(
            initialDelay=0.5, maxDelay=30.0, factor=2.0, jitter=self._place.random
        )
        attempt = strikes = 0
        while True:
            try:
                return await self._place.controller.upload_cache_file(
                    self._plan.job.recording_id, upload
                )
            except ControllerError as error:
                strikes += self._is_absurd(error)
                await self._consider(error, ready, strikes)
                self.log.warn(
                    "upload of {path} is tried again: {error}", path=ready.path, error=str(error)
                )
            attempt += 1
            if attempt == _TRIES_UNTIL_REPORTED:
                self._report_kept(ready, "an upload fails again and again", willRetry=True)
            await deferLater(self._place.clock, pause(attempt - 1))

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
            self._report_kept(ready, str(error))
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

    def kept(self, audio: CapturedAudio, why: str) -> None:
        """Report that captured audio stays on this node because it could not be delivered."""
        self._report_kept(Deliverable(audio.path, "audio/wav", audio.seconds, own_file=False), why)

    def _report_kept(self, ready: Deliverable, why: str, **more: object) -> None:
        facts = {
            "contentType": ready.content_type,
            "durationSeconds": round(ready.seconds),
            "error": why,
            "fileName": self._plan.job.command.output_file_name,
            "outputBitrateKbps": self._plan.render.bitrate_kbps,
            "outputBytes": ready.path.stat().st_size if ready.path.exists() else None,
            "outputCodec": self._plan.render.codec,
            "outputPath": str(ready.path),
            "outputVbr": self._plan.render.vbr,
        }
        self._evidence.emit("cache_upload_failed", "warning", {**facts, **more})
