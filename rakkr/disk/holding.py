"""What this node holds of a recording, as those who give disk space back are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import attrs

from rakkr.controller.messages import CacheRetention

Standing = Literal["delivered", "unfinished", "salvage", "undelivered"]
"""How far it is: ``undelivered`` is over, and no receipt covers all of it."""
NEEDED: Final = frozenset({"unfinished", "salvage"})
"""Whose files are still wanted by a job, or by a retry to come."""


@attrs.frozen
class OnDisk:
    """
    A file that exists, and is a plain one.

    :ivar size: its length.
    :ivar taken: bytes that deleting it gives back; less than its length where it has holes.
    :ivar modified: nanoseconds since the epoch; None where it may still be written to.
    """

    size: int
    taken: int
    modified: int | None = None

    def became(self, now: OnDisk) -> bool:
        """Whether what is there now is still this file, with the same content."""
        return self.modified is None or (self.size, self.modified) == (now.size, now.modified)


@attrs.frozen
class Proof:
    """
    The controller's receipts for every frame of a recording.

    :ivar checksum: ``sha256:<hex>`` of the file that was sent, or of the last of its parts.
    :ivar size: bytes of all parts.
    :ivar uploaded: when the last one was taken, in seconds since the epoch.
    """

    checksum: str
    size: int
    parts: int
    uploaded: float


@attrs.frozen(kw_only=True)
class Holding:
    """
    The local files of one recording.

    :ivar job_ids: the jobs whose journals name these files; none for what another agent wrote.
    :ivar files: with audio; one may be gone already, or be of several recordings.
    :ivar output: the delivered file, or the capture where that is the same.
    :ivar raw: the (first) captured file.
    :ivar policy: the one that its job carried.
    :ivar proof: None where this agent has no receipt for every frame.
    :ivar report: the name that its report was to have.
    :ivar unsent: whether it may have audio that no receipt covers; this is asked only where there
        is no proof.
    :ivar settled: whether nothing is written into its files any more.
    :ivar since: when it was delivered, or its job ended, or was claimed; seconds since the epoch.
    :ivar why: why it stands so, for people.
    """

    recording_id: str
    standing: Standing
    files: tuple[Path, ...]
    output: Path
    raw: Path
    job_ids: tuple[str, ...] = ()
    policy: CacheRetention | None = None
    proof: Proof | None = None
    report: Path | None = None
    unsent: bool = True
    settled: bool = True
    since: float = 0.0
    why: str = ""


def needed_files(holdings: Iterable[Holding]) -> set[Path]:
    """The files that unfinished jobs and kept recordings need, whoever else has them."""
    return {path for each in holdings if each.standing in NEEDED for path in each.files}
