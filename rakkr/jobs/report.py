"""The report of a recording that is over: a file beside it, and an event."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rakkr.durable import reserve, write_atomically
from rakkr.jobs.account import account_of
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.naming import stem_of
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.recording import Recording
from rakkr.jobs.report_form import cuts_of, event_of, report_of
from rakkr.jobs.workplace import JobEvidence, Measured, Workplace


class Report:
    """
    Made at most once for a job, by the agent under which its recording ended.

    It is made beside everything else that is done about the job: only the session waits for it,
    when all else is done, and nothing that goes wrong here is more than a line in the log.
    """

    log = Logger()

    def __init__(
        self, place: Workplace, plan: MemberPlan, recording: Recording, evidence: JobEvidence
    ) -> None:
        self._place = place
        self._plan = plan
        self._recording = recording
        self._evidence = evidence
        self._ended_before = recording.ended is not None  # that agent has told of it
        self._making: Deferred[None] | None = None
        self._path: Path | None = None

    def begin(self) -> None:
        """Begin to make it, if anything was recorded and somebody measures."""
        measured = self._place.measured
        if measured is None or self._ended_before or self._making is not None:
            return
        self._making = Deferred.fromCoroutine(self._make(measured))
        self._making.addErrback(self._failed)

    async def finish(self, results: Sequence[Result]) -> None:
        """
        Wait until it is made.

        :param results: of the jobs that were recorded; where the files of one leave the node, so
            does its report.
        """
        if self._making is None:
            return
        await self._making
        job = self._plan.job
        policy = job.command.recorder_cache_retention
        leaves = policy is not None and policy.delete_after_upload
        delivered = (job.id, Ending.DELIVERED) in ((each.job_id, each.ending) for each in results)
        if leaves and delivered and self._path is not None:
            await self._place.in_thread(_remove, self._path)

    def cancel(self) -> None:
        """Let it be."""
        if self._making is not None:
            self._making.cancel()

    async def _make(self, measured: Measured) -> None:
        recording, recorded = self._recording, self._recording.ended
        assert recorded is not None
        timeline = recording.take.reel.timeline
        cuts = cuts_of(timeline, recorded.start_frame, recorded.end_frame)
        if not cuts:
            return
        account = account_of(recording, recorded, self._plan)
        recap = await measured(cuts)
        report = report_of(account, cuts, recap)
        ids = {"jobId": self._plan.job.id, "recordingId": self._plan.job.recording_id}
        device = {"device": recording.take.device.name, "nodeId": self._place.node_id}
        wished = recording.directory / f"{stem_of(self._plan.file_name)}.report.json"
        try:
            whole = {**report, **ids, **device, "endedAt": self._place.wall.stamp()}
            self._path = await self._place.in_thread(_write, wished, whole)
        except OSError as error:
            self.log.warn("no report is left in {path}: {error}", path=wished, error=str(error))
        path = None if self._path is None else str(self._path)
        self._evidence.emit("capture_report", "info", event_of(report, path))

    def _failed(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("a recording could not be reported", failure=failure)


def _write(wished: Path, report: dict[str, Any]) -> Path:
    content = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    path = reserve(wished)
    try:
        write_atomically(path, content)
    except BaseException:
        _remove(path)
        raise
    return path


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
