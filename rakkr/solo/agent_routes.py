"""The routes that a recorder agent uses: section 4 of the controller contract, but bootstrap."""

from __future__ import annotations

from typing import Any

from rakkr.solo import schemas
from rakkr.solo.admission import Refused
from rakkr.solo.controller import SoloController
from rakkr.solo.exchange import (
    NOTHING,
    Answer,
    BadPayload,
    Buffer,
    Call,
    Route,
    Sink,
    data,
)
from rakkr.solo.lifecycle import Ending
from rakkr.solo.records import job_wire
from rakkr.solo.uploads import UploadHead
from rakkr.solo.validation import Invalid, whole, zulu_moment

MONITOR_LIMIT = 524_288
_WAV_HEADER = 44
_duration_ms = whole(1, 10_000, convert=True)


class AgentRoutes:
    """The agent's side of the controller."""

    def __init__(self, controller: SoloController) -> None:
        self._nodes = controller.nodes
        self._signals = controller.signals
        self._jobs = controller.jobs
        self._uploads = controller.uploads

    def table(self) -> list[Route]:
        """Every route of an agent."""
        node, job = "/api/v1/nodes/:nodeId", "/api/v1/recording-jobs/:jobId"
        return [
            Route("POST", f"{node}/heartbeat", self.heartbeat),
            Route("POST", f"{node}/inventory", self.inventory),
            Route("POST", f"{node}/meter-frame", self.meter_frame),
            Route("POST", f"{node}/listen/chunk", self.monitor_chunk, receive=_monitor_body),
            Route("GET", f"{node}/config", self.config),
            Route("POST", f"{node}/health-events", self.health_event),
            Route("GET", f"{node}/channel-map-assignments", self.assignments),
            Route("POST", f"{node}/recording-jobs/claim-next-group", self.claim_next_group),
            Route("POST", f"{node}/recording-jobs/claim-next", self.claim_next),
            Route("GET", f"{node}/recording-jobs/next", self.peek_next),
            Route("POST", f"{job}/claim", self.claim),
            Route("POST", f"{job}/heartbeat", self.job_heartbeat),
            Route("GET", job, self.get_job),
            Route("POST", f"{job}/cancelled", self.cancelled),
            Route("POST", f"{job}/failed", self.failed),
            Route(
                "PUT",
                "/api/v1/recordings/:recordingId/cache-file",
                self.cache_file,
                receive=self.receive_cache_file,
            ),
        ]

    def heartbeat(self, call: Call) -> Answer:
        """5.1."""
        beat = call.checked(schemas.HEARTBEAT, "Invalid heartbeat")
        return data(202, self._nodes.heartbeat(call.node_id, beat))

    def inventory(self, call: Call) -> Answer:
        """5.2."""
        report = call.checked(schemas.INVENTORY, "Invalid inventory")
        return data(202, self._nodes.inventory(call.node_id, report["interfaces"]))

    def meter_frame(self, call: Call) -> Answer:
        """5.3."""
        frame = call.checked(schemas.METER_FRAME, "Invalid meter frame")
        if frame["nodeId"] != call.node_id:
            raise Refused(403, "The frame is of another node")
        return data(202, self._signals.meter(call.node_id, frame))

    def monitor_chunk(self, call: Call) -> Answer:
        """5.4."""
        kind = (call.header("content-type") or "").split(";")[0].strip().lower()
        if kind != "audio/wav":
            raise BadPayload("The content type must be audio/wav")
        duration_ms = _checked_header(call, "x-rakkr-duration-ms", _duration_ms)
        captured_at = None
        if call.header("x-rakkr-captured-at") is not None:
            captured_at = _checked_header(call, "x-rakkr-captured-at", zulu_moment)
        wav = call.body.content
        if len(wav) < _WAV_HEADER:
            raise BadPayload("The body is no WAV file")
        chunk = self._signals.monitor(
            call.node_id,
            "enhanced" if call.query("rendition") == "enhanced" else "raw",
            wav,
            captured_at=captured_at,
            duration_ms=duration_ms,
        )
        answer = {
            "capturedAt": chunk.captured_at,
            "durationMs": chunk.duration_ms,
            "nodeId": call.node_id,
            "receivedAt": chunk.received_at,
            "source": "agent_audio_chunk",
        }
        return data(202, answer)

    def config(self, call: Call) -> Answer:
        """5.5."""
        return data(200, self._nodes.config(call.node_id))

    def health_event(self, call: Call) -> Answer:
        """5.6."""
        event = call.checked(schemas.HEALTH_EVENT, "Invalid health event")
        return data(201, self._nodes.health_event(call.node_id, event))

    def assignments(self, call: Call) -> Answer:
        """5.7."""
        return data(200, self._nodes.assignments(call.node_id))

    def claim_next_group(self, call: Call) -> Answer:
        """6.1."""
        jobs = self._jobs.claim_next_group(call.node_id)
        return data(200, [job_wire(job) for job in jobs]) if jobs else NOTHING

    def claim_next(self, call: Call) -> Answer:
        """6.2."""
        job = self._jobs.claim_next(call.node_id)
        return data(200, job_wire(job)) if job else NOTHING

    def peek_next(self, call: Call) -> Answer:
        """6.2."""
        job = self._jobs.peek(call.node_id)
        return data(200, job_wire(job)) if job else NOTHING

    def claim(self, call: Call) -> Answer:
        """6.2."""
        return data(200, job_wire(self._jobs.claim(call.params["jobId"], call.node_id)))

    def job_heartbeat(self, call: Call) -> Answer:
        """6.3."""
        return data(200, job_wire(self._jobs.heartbeat(call.params["jobId"], call.node_id)))

    def get_job(self, call: Call) -> Answer:
        """6.4."""
        return data(200, job_wire(self._jobs.of_node(call.params["jobId"], call.node_id)))

    def cancelled(self, call: Call) -> Answer:
        """6.6."""
        return self._end(call, "cancelled")

    def failed(self, call: Call) -> Answer:
        """6.6."""
        return self._end(call, "failed")

    def _end(self, call: Call, ending: Ending) -> Answer:
        reason = call.header("x-rakkr-reason")
        job = self._jobs.end(call.params["jobId"], call.node_id, ending, reason)
        return data(200, job_wire(job))

    def receive_cache_file(self, call: Call, length: int | None) -> Sink:
        """7.2: what is decided before the body."""
        head = UploadHead(
            recording_id=call.params["recordingId"],
            content_type=call.header("content-type"),
            file_name=call.header("x-rakkr-file-name"),
            duration=call.header("x-rakkr-duration-seconds"),
            job_id=call.header("x-rakkr-recording-job-id"),
            rendition=call.query("rendition"),
            chunk=call.query("chunk"),
            chunk_total=call.query("chunkTotal"),
        )
        return self._uploads.begin(head, call.node_id, length)

    async def cache_file(self, call: Call) -> Answer:
        """7.4 and 7.5."""
        return data(201, await self._uploads.finish(call.body))


def _monitor_body(_call: Call, _length: int | None) -> Sink:
    return Buffer(MONITOR_LIMIT)


def _checked_header(call: Call, name: str, check: Any) -> Any:
    value = call.header(name)
    if value is None:
        raise BadPayload(f"The header {name} is required")
    try:
        return check(value, (name,))
    except Invalid as invalid:
        raise BadPayload(f"The header {name} is not valid", invalid.issues) from None
