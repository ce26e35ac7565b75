"""
State files of another agent, read at the first start (state-and-recovery 1).

The reference agent keeps one file with the job that any of its workers wrote last.  Whatever it
left unfinished is taken over; so is our own, if the journals are lost and only that file is left.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import attrs

from rakkr.controller.commands import CacheRetention
from rakkr.controller.errors import BadMessage
from rakkr.controller.structuring import structure

TERMINAL: Final = frozenset({"cancelled", "completed", "failed"})


class BadState(ValueError):
    """A state file that cannot be understood; the message says why, and to be read by people."""


@attrs.frozen(kw_only=True)
class ForeignSegment:
    """:ivar attempt: counted from 1 by the agent that wrote it."""

    path: str
    attempt: int = 0
    bytes: int = 0
    reason: str = ""


@attrs.frozen(kw_only=True)
class ForeignChunk:
    """:ivar index: its number for the controller, from 0."""

    index: int
    output_path: str
    raw_output_path: str | None = None


@attrs.frozen(kw_only=True)
class ForeignState:
    """
    The one job of a state file, in our own names.

    :ivar output_path: the capture, or the file to upload, as ``status`` says.
    :ivar updated_at: a wire time stamp.
    """

    job_id: str
    node_id: str
    recording_id: str
    status: str
    updated_at: str
    output_path: str | None = None
    reason: str | None = None
    raw_output_path: str | None = None
    recorder_cache_retention: CacheRetention | None = None
    recovered_segments: tuple[ForeignSegment, ...] = ()
    upload_content_type: str | None = None
    upload_file_name: str | None = None
    upload_duration_seconds: float | None = None
    chunk_total: int | None = None
    uploaded_chunk_count: int | None = None
    pending_chunks: tuple[ForeignChunk, ...] = ()

    @property
    def is_terminal(self) -> bool:
        """Whether the agent that wrote it was done with the job."""
        return self.status in TERMINAL

    @property
    def is_chunked(self) -> bool:
        """Whether the recording is delivered in pieces."""
        counts = (self.chunk_total, self.uploaded_chunk_count)
        return bool(self.pending_chunks) or any(count is not None for count in counts)


def read_foreign(content: bytes) -> ForeignState:
    """
    Read a state file; ``null`` is the same as absent, and unknown members are ignored.

    :raises BadState: when it is no JSON object, or a member is missing or wrong.
    """
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadState(f"the state file is no JSON: {error}") from error
    try:
        return structure(data, ForeignState, "the state file")
    except BadMessage as error:
        raise BadState(str(error)) from error


def is_foreign(state: ForeignState, known_job_ids: Collection[str]) -> bool:
    """Whether the job is unfinished, and no journal of ours knows it."""
    return not state.is_terminal and state.job_id not in known_job_ids


def foreign_files(state: ForeignState) -> tuple[Path, ...]:
    """
    The files that hold the recording, in the order in which they were recorded.

    The segments that were lost and recovered come first, then the capture or the file that was made
    of it; for a job in pieces, the pieces that were not delivered.  They may not exist any more.
    """
    if state.is_chunked:
        chunks = sorted(state.pending_chunks, key=lambda chunk: chunk.index)
        return tuple(Path(chunk.output_path) for chunk in chunks)
    segments = [Path(each.path) for each in state.recovered_segments]
    output = [] if state.output_path is None else [Path(state.output_path)]
    return tuple(dict.fromkeys([*segments, *output]))


def takeover_facts(state: ForeignState) -> dict[str, Any]:
    """What is told of a job that is taken over, in the contract's names."""
    accepted = state.status == "uploaded"
    facts: dict[str, Any] = {
        "nodeId": state.node_id,
        "previousStatus": state.status,
        "stateUpdatedAt": state.updated_at,
        "uploadAlreadyAccepted": accepted,
        "willUpload": not accepted,
    }
    if state.is_chunked:
        return facts | {
            "chunked": True,
            "chunkTotal": state.chunk_total,
            "pendingChunkCount": len(state.pending_chunks),
            "uploadedChunkCount": state.uploaded_chunk_count or 0,
        }
    segments = [
        {"attempt": each.attempt, "bytes": each.bytes, "path": each.path}
        for each in state.recovered_segments
    ]
    return facts | {
        "outputPath": state.output_path,
        "rawOutputPath": state.raw_output_path,
        "recoveredSegmentCount": len(segments),
        "recoveredSegments": segments,
        "stitchedRecoveredSegments": bool(segments),
    }
