"""What ``--list-salvage`` shows: recordings that are kept here because nobody took them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from rakkr.jobs.remembered import Remembered
from rakkr.stamps import format_stamp


@attrs.frozen
class SalvageGap:
    """:ivar start_frame: counted from the recording's first frame."""

    start_frame: int
    frames: int
    reason: str


@attrs.frozen
class SalvageRow:
    """
    One recording that waits for another job.

    :ivar reason: why it was not delivered under its own job.
    :ivar frames: of the recording, gaps included; None while it was never sealed.
    :ivar bytes: of the files that still exist.
    :ivar paths: those files, in the order of the recording.
    :ivar since: when the job was claimed, as a wire time stamp.
    """

    recording_id: str
    job_id: str
    reason: str
    seconds: float | None
    frames: int | None
    gaps: tuple[SalvageGap, ...]
    bytes: int
    paths: tuple[str, ...]
    since: str


def salvage_rows(
    known: Iterable[Remembered], size_of: Callable[[Path], int | None]
) -> list[SalvageRow]:
    """
    List what is kept, the oldest first.

    :param size_of: returns a file's bytes, None when it does not exist.
    """
    kept = sorted((each for each in known if each.is_salvage), key=lambda each: each.claimed.wall)
    return [_row(each, size_of) for each in kept]


def salvage_text(rows: Sequence[SalvageRow]) -> str:
    """Write the list as JSON, in the camel case of everything else that the agent prints."""
    return json.dumps([_document(row) for row in rows], indent=2)


def _row(known: Remembered, size_of: Callable[[Path], int | None]) -> SalvageRow:
    sizes = {path: size_of(path) for path in known.local_paths()}
    recorded, planned = known.recorded, known.planned
    frames = None if recorded is None else recorded.end_frame - recorded.start_frame
    assert known.salvaged is not None
    return SalvageRow(
        recording_id=known.job.recording_id,
        job_id=known.job.id,
        reason=known.salvaged.reason,
        seconds=None if frames is None or planned is None else frames / planned.rate,
        frames=frames,
        gaps=tuple(
            SalvageGap(gap.start_frame - recorded.start_frame, gap.frames, gap.reason)
            for gap in recorded.gaps
        )
        if recorded is not None
        else (),
        bytes=sum(size for size in sizes.values() if size is not None),
        paths=tuple(str(path) for path, size in sizes.items() if size is not None),
        since=format_stamp(known.claimed.wall),
    )


def _document(row: SalvageRow) -> dict[str, object]:
    return {
        "bytes": row.bytes,
        "frames": row.frames,
        "gaps": [
            {"frames": gap.frames, "reason": gap.reason, "startFrame": gap.start_frame}
            for gap in row.gaps
        ],
        "jobId": row.job_id,
        "paths": list(row.paths),
        "reason": row.reason,
        "recordingId": row.recording_id,
        "seconds": row.seconds,
        "since": row.since,
    }
