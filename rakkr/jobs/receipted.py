"""Local files that the controller has, given up when the disk gets short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rakkr.capture.surroundings import InThread
from rakkr.disk.notices import Swept
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.records import DELIVERED
from rakkr.jobs.remembered import Remembered


def receipted(known: Sequence[Remembered]) -> list[Remembered]:
    """
    The recordings whose local files may go: delivered to the last frame, the oldest first.

    A file that another recording still needs keeps its own; so does one whose journal has no
    receipt for every frame.
    """
    needed = needed_files(known)
    gone = [each for each in known if _is_delivered(each)]
    free = [each for each in gone if needed.isdisjoint(each.local_paths())]
    return sorted(free, key=lambda each: each.last_wall)


def needed_files(known: Sequence[Remembered]) -> set[Path]:
    """The files of recordings that are not over, or were kept because nobody took them."""
    return {
        path
        for each in known
        if not _is_delivered(each) and (not each.is_over or each.is_salvage)
        for path in each.local_paths()
    }


def _is_delivered(known: Remembered) -> bool:
    return known.done is not None and known.done.ending == DELIVERED and known.is_delivered


async def sweep_receipted(ledger: Ledger, in_thread: InThread, required_bytes: int) -> Swept:
    """
    Delete files of delivered recordings, the oldest first, until so many bytes were given back.

    This is for a disk that gets short, and so heeds no policy but the receipt.
    """
    known = [journal.remembered for journal in ledger.journals()]
    return await in_thread(_sweep, receipted(known), required_bytes)


def _sweep(recordings: Sequence[Remembered], required_bytes: int) -> Swept:
    items: list[dict[str, Any]] = []
    freed = 0
    for known in recordings:
        if freed >= required_bytes:
            break
        size, errors, found = _delete(known.local_paths())
        freed += size
        if found:
            items.append(
                {
                    "errors": errors,
                    "policyId": None,
                    "reason": "disk_space",
                    "recordingId": known.job.recording_id,
                    "status": "failed" if errors else "deleted",
                }
            )
    failed = sum(1 for item in items if item["errors"])
    return Swept(len(recordings), len(items) - failed, failed, tuple(items))


def _delete(paths: Sequence[Path]) -> tuple[int, list[str], bool]:
    freed, errors, found = 0, [], False
    for path in paths:
        try:
            size = path.stat().st_blocks * 512
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            errors.append(f"{path}: {error.strerror}")
        else:
            freed += size
        found = True
    return freed, errors, found
