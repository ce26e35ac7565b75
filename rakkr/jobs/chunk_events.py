"""What is told of a recording that is delivered in chunks: its begin, and how it ended."""

from __future__ import annotations

from rakkr.jobs.journal import Journal
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.workplace import JobEvidence


class ChunkEvents:
    """Tells of the chunks of one job."""

    def __init__(self, evidence: JobEvidence, plan: MemberPlan, journal: Journal) -> None:
        self._evidence = evidence
        self._command = plan.job.command
        self._journal = journal

    def started(self, chunk_frames: int) -> None:
        """Tell that it is delivered in chunks, unless an earlier agent did, or a split said so."""
        known = self._journal.remembered
        if not known.receipts and known.split is None:
            facts = {
                **self._seconds(chunk_frames),
                "device": self._command.capture_device,
                "durationSeconds": self._command.duration_seconds,
            }
            self._evidence.emit("chunked_started", "info", facts)

    def completed(self, chunk_frames: int) -> None:
        """Tell that the controller has all of them."""
        count = len(self._journal.remembered.receipts)
        facts = {
            **self._seconds(chunk_frames),
            "chunkTotal": count,
            "uploadedChunkCount": count,
        }
        self._evidence.emit("chunked_completed", "info", facts)

    def partial(self, chunk_frames: int | None, why: str) -> None:
        """
        Tell that the controller will not have all of them, if it has any.

        :param chunk_frames: None for a recording that is no such one.
        """
        known = self._journal.remembered
        if chunk_frames is None or not known.receipts or known.recorded is None:
            return
        delivered = sum(each.end_frame - each.start_frame for each in known.receipts.values())
        left = known.recorded.end_frame - known.recorded.start_frame - delivered
        facts = {
            **self._seconds(chunk_frames),
            "error": why,
            "pendingChunkCount": max(0, -(-left // chunk_frames)),
            "uploadedChunkCount": len(known.receipts),
        }
        self._evidence.emit("chunked_partial", "warning", facts)

    def _seconds(self, chunk_frames: int) -> dict[str, float]:
        seconds = chunk_frames / self._command.capture_sample_rate
        return {"chunkSeconds": int(seconds) if seconds.is_integer() else round(seconds, 6)}
