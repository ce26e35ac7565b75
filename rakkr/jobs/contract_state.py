"""
A job as the contract's state file describes it (state-and-recovery 1 and 2).

Our own truth is the journal.  This is for whoever reads the file today: a monitor, or the reference
agent after a step back, which then uploads what the state points at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from rakkr.jobs.records import DELIVERED, Sending
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.segment import Segment
from rakkr.stamps import format_stamp

_CANCELLED: Final = "controller_stop_requested"
_ALWAYS: Final = frozenset({"outputPath", "reason"})  # even when they are null


def contract_state(known: Remembered, updated_at: float) -> dict[str, Any]:
    """
    Describe a job in the contract's keys and order; members without a value are left out.

    :param updated_at: seconds since the epoch.
    """
    job = known.job
    status = status_of(known)
    output, raw = _output(known, status)
    chunked = _is_chunked(known)
    sent = _sent_last(known) if status in {"upload_pending", "uploaded"} else None
    retention = job.command.recorder_cache_retention if chunked or sent is not None else None
    state: dict[str, Any] = {
        "jobId": job.id,
        "nodeId": job.node_id,
        "outputPath": _text(output),
        "reason": _reason(known, status),
        "rawOutputPath": _text(raw),
        "recordingId": job.recording_id,
        "recorderCacheRetention": retention and retention.as_dict(),
        "recoveredSegments": _recovered(known, output),
        "status": status,
        "updatedAt": format_stamp(updated_at),
        "uploadContentType": sent and sent.content_type,
        "uploadFileName": sent and sent.file_name,
        "uploadDurationSeconds": sent and sent.seconds,
        **(_chunks(known) if chunked else {}),
    }
    return {key: value for key, value in state.items() if key in _ALWAYS or value not in (None, [])}


def status_of(known: Remembered) -> str:
    """The contract's word for how far a job is."""
    ended = _ended(known)
    if ended is not None:
        return ended
    if known.is_delivered:
        return "uploaded"
    if _is_chunked(known):
        return "partial" if known.salvaged is not None or known.is_over else "running"
    if known.salvaged is not None or known.is_over or known.sending:
        return "upload_pending" if known.has_audio else "failed"
    if known.rendered and known.recorded is not None:
        return "rendered"
    return "running" if known.recorded is None else "captured"


def _ended(known: Remembered) -> str | None:
    """A terminal word, once the controller knows, or nobody has to tell it."""
    if known.handed_to is not None:
        return "failed"  # this job; its audio is the other job's now
    if known.done is not None and known.done.ending == DELIVERED:
        return "completed"
    if known.mark is not None and known.salvaged is None and (known.mark_taken or known.is_over):
        return known.mark.what
    if known.done is not None and known.done.ending in {"failed", "cancelled"}:
        return known.done.ending
    return None


def _is_chunked(known: Remembered) -> bool:
    if known.split is not None or (known.planned is not None and known.planned.chunk_seconds):
        return True
    numbers = [each.chunk for each in known.rendered.values()]
    numbers += [each.chunk for each in known.receipts.values()]
    return any(number is not None for number in numbers)


def _output(known: Remembered, status: str) -> tuple[Path | None, Path | None]:
    """The file that the state points at, and the capture behind it."""
    capture = _newest(known)
    raw = None if capture is None else capture.path
    if status in {"failed", "cancelled"} or _is_chunked(known):
        return None, None
    sent = _sent_last(known)
    if sent is not None:
        return sent.path, raw
    rendered = None if status == "running" else next(iter(known.rendered.values()), None)
    return (raw, None) if rendered is None else (rendered.path, None)


def _reason(known: Remembered, status: str) -> str | None:
    if known.handed_to is not None:
        return f"its recording is delivered as job {known.handed_to}"
    if status in {"completed", "uploaded"}:
        return None
    for told in (known.salvaged, known.mark):
        if told is not None:
            return told.reason
    if status == "cancelled":
        return _CANCELLED
    if known.done is not None:
        return known.done.detail
    sent = _sent_last(known)
    return None if sent is None else sent.reason


def _sent_last(known: Remembered) -> Sending | None:
    """The newest try to upload a whole recording; chunks have their own list."""
    tries = list(known.sending.values())
    return tries[-1] if tries and not _is_chunked(known) else None


def _newest(known: Remembered) -> Segment | None:
    """The segment that is written, or was written last."""
    found = [each for each in known.segments.values() if each.path is not None]
    return found[-1] if found else None


def _recovered(known: Remembered, output: Path | None) -> list[dict[str, Any]]:
    """
    The segments before the one that the state points at.

    Whoever takes over stitches them to it, so a rendered file, which holds them all, has none.
    """
    newest = _newest(known)
    if newest is None or output != newest.path:
        return []
    return [
        {
            "attempt": attempt,
            "bytes": sealed.size,
            "path": str(sealed.path),
            "reason": sealed.error or "",
        }
        for attempt, sealed in enumerate((each.sealed for each in known.segments.values()), 1)
        if sealed is not None and sealed.path is not None and sealed.number != newest.number
    ]


def _chunks(known: Remembered) -> dict[str, Any]:
    raw = _newest(known)
    totals = [each.chunk_total for each in known.receipts.values() if each.chunk_total is not None]
    return {
        "chunkTotal": totals[-1] if totals else None,
        "uploadedChunkCount": len(known.receipts),
        "pendingChunks": [
            {
                "index": part if each.chunk is None else each.chunk,
                "outputPath": str(each.path),
                "rawOutputPath": str(each.path if raw is None else raw.path),
            }
            for part, each in sorted(known.rendered.items())
            if part not in known.receipts
        ],
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
