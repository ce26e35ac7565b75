"""What an upload whose body is whole makes of a recording and its chunks."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rakkr.solo.admission import Rendition
from rakkr.solo.records import Chunk, Recording, StoredFile


@attrs.frozen(kw_only=True)
class Plan:
    """
    What an upload is.

    :ivar seconds: its length, None when its head does not say it.
    :ivar chunk: its number from 0, None for a whole recording.
    :ivar total: how many chunks there are, once that is known.
    """

    rendition: Rendition
    codec: str
    seconds: int | None = None
    chunk: int | None = None
    total: int | None = None

    @property
    def slot(self) -> str:
        """The name that its file gets in ``files``."""
        return "raw" if self.rendition == "raw" else "primary"

    def path(self, recording_id: str) -> str:
        """Where its file goes; a primary and an enhanced rendition share one place."""
        ending = f"{'.raw' if self.rendition == 'raw' else ''}.{self.codec}"
        if self.chunk is None:
            return f"ad-hoc/{recording_id}{ending}"
        return f"ad-hoc/{recording_id}/part{self.chunk + 1:04d}{ending}"


@attrs.frozen(kw_only=True)
class Kept:
    """
    What there is after an upload.

    :ivar chunks: the chunks that changed.
    :ivar chunk: the chunk that was uploaded.
    :ivar completes: whether the job has what it was made for.
    """

    recording: Recording
    file: StoredFile
    completes: bool
    chunk: Chunk | None = None
    chunks: Sequence[Chunk] = ()


def timed(file: StoredFile, plan: Plan, measured: int | None, previous: int) -> StoredFile:
    """A file with its length: what its head says, else what was measured, else what it was."""
    known = plan.seconds if plan.seconds is not None else measured
    return attrs.evolve(file, duration_seconds=max(previous, 1) if known is None else known)


def keep_whole(recording: Recording, file: StoredFile, plan: Plan) -> Kept:
    """Keep the file of a whole recording; a raw one changes nothing else."""
    files = {**recording.files, plan.slot: file}
    if plan.rendition == "raw":
        after = attrs.evolve(recording, files=files)
        return Kept(recording=after, file=file, completes=False)
    after = attrs.evolve(
        recording,
        files=files,
        enhanced=recording.enhanced or plan.rendition == "enhanced",
        cached=True,
        status="cached",
        duration_seconds=file.duration_seconds,
    )
    return Kept(recording=after, file=file, completes=True)


def chunk_row(recording_id: str, index: int, rows: Sequence[Chunk], job_id: str) -> Chunk:
    """
    The row of a chunk before an upload: the known one, or a new one that has no length yet.

    :param index: from 1.
    """
    known = {row.index: row for row in rows}
    return known.get(index) or Chunk(
        id=f"chunk_{recording_id}_{index}",
        recording_id=recording_id,
        index=index,
        status="capturing",
        job_id=job_id,
        total=next((row.total for row in rows if row.total), None),
    )


def keep_chunk(
    recording: Recording,
    before: Sequence[Chunk],
    row: Chunk,
    file: StoredFile,
    plan: Plan,
) -> Kept:
    """
    Keep the file of one chunk.

    Its offset is what the chunks before it add up to now.  The first chunk that is not raw
    and says how many there are ends the recording, whether or not all of them are there.

    :param before: the rows as they were.
    :param row: this chunk's row, from :func:`chunk_row`.
    """
    row = attrs.evolve(
        row,
        offset_seconds=sum(each.duration_seconds for each in before if each.index < row.index),
        files={**row.files, plan.slot: file},
    )
    if plan.rendition == "raw":
        return Kept(recording=recording, file=file, completes=False, chunk=row, chunks=[row])
    row = attrs.evolve(row, status="cached", duration_seconds=file.duration_seconds)
    if plan.total is None or recording.cached:
        return Kept(recording=recording, file=file, completes=False, chunk=row, chunks=[row])
    row = attrs.evolve(row, total=plan.total)
    others = [attrs.evolve(each, total=plan.total) for each in before if each.index != row.index]
    status = recording.status if recording.status in {"uploaded", "partial"} else "cached"
    after = attrs.evolve(
        recording,
        cached=True,
        status=status,
        duration_seconds=sum(each.duration_seconds for each in (*others, row)),
    )
    return Kept(recording=after, file=file, completes=True, chunk=row, chunks=[*others, row])
