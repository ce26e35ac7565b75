"""What is reported of the disk (health-events.md section 3.4), to each recording it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from rakkr.disk.forecast import Forecast, Rung
from rakkr.disk.need import Need, Short
from rakkr.disk.space import Space

Emit = Callable[[str, Literal["info", "warning", "critical"], Mapping[str, Any], str | None], None]
"""Reports an event: its type, severity, details and recording."""


@attrs.frozen
class Concerned:
    """A job that records, or is about to."""

    job_id: str
    recording_id: str


@attrs.frozen
class Swept:
    """
    What a sweep of the recorder's cache did.

    :ivar items: each file's outcome, as the event catalogue has it.
    """

    scanned: int = 0
    deleted: int = 0
    errors: int = 0
    items: tuple[Mapping[str, Any], ...] = ()

    @property
    def touched(self) -> bool:
        """Whether it deleted anything, or failed to."""
        return self.deleted > 0 or self.errors > 0


_TOLD_OF: dict[Rung, Literal["warning", "critical"]] = {
    Rung.SWEEP: "warning",
    Rung.SHED: "warning",
    Rung.DELAY_RENDERS: "warning",
    Rung.LAST_MINUTES: "critical",
}


class Notices:
    """
    Reports each edge once to each recording.

    :ivar path: the directory that is watched.
    """

    def __init__(self, emit: Emit, path: Path) -> None:
        self.path = path
        self._emit = emit
        self._told: dict[Concerned, str] = {}

    def low(self, concerned: Iterable[Concerned], seen: Forecast, space: Space, need: Need) -> None:
        """The disk is short; reported when it begins, and again when it becomes critical."""
        severity = _TOLD_OF[seen.rung]
        for each in concerned:
            before, self._told[each] = self._told.get(each), severity
            if before is None or (before, severity) == ("warning", "critical"):
                details = self._details(space, need) | {
                    "bytesPerSecond": need.bytes_per_second,
                    "rung": seen.rung.name.lower(),
                    "secondsLeft": None if seen.seconds_left is None else int(seen.seconds_left),
                }
                self._report("disk_space_low", severity, each, details)

    def fine(self, space: Space | None, need: Need, written: int) -> None:
        """
        It is not short any more, as those are told who were told that it is.

        :param written: bytes of samples that all captures have written.
        """
        told, self._told = self._told, {}
        for each in told:
            details = self._details(space, need) | {
                "estimatedCaptureBytes": written + need.capture_bytes,
                "remainingBytes": need.capture_bytes,
                "writtenBytes": written,
            }
            self._report("disk_space_runtime_recovered", "info", each, details)

    def swept(
        self, concerned: Iterable[Concerned], swept: Swept, before: Space, need: Need
    ) -> None:
        """Room was made, or could not be."""
        if not swept.touched:
            return
        details = self._details(before, need) | {
            "deleted": swept.deleted,
            "errors": swept.errors,
            "items": [dict(item) for item in swept.items],
            "scanned": swept.scanned,
        }
        for each in concerned:
            severity: Literal["info", "warning"] = "warning" if swept.errors else "info"
            self._report("disk_space_cleanup_attempted", severity, each, details)

    def not_swept(self, concerned: Iterable[Concerned], why: str, space: Space, need: Need) -> None:
        """A sweep failed altogether."""
        for each in concerned:
            details = self._details(space, need) | {"error": why}
            self._report("disk_space_cleanup_skipped", "warning", each, details)

    def enough(
        self, concerned: Iterable[Concerned], before: Space, after: Space, need: Need
    ) -> None:
        """A sweep made the room that new recordings need."""
        details = self._details(after, need) | {"initialFreeBytes": before.free}
        for each in concerned:
            self._report("disk_space_recovered", "info", each, details)

    def insufficient(self, concerned: Iterable[Concerned], short: Short, space: Space) -> None:
        """Recordings cannot begin."""
        details = self._place() | {
            "freeBytes": short.free,
            "requiredBytes": short.required,
            "totalBytes": space.total,
            "usedPercent": space.used_percent,
        }
        for each in concerned:
            self._report("disk_space_insufficient", "critical", each, details)

    def _place(self) -> dict[str, Any]:
        # What is looked at is where the capture goes; the contract has a name for each.
        return {"outputPath": str(self.path), "systemHealthDiskPath": str(self.path)}

    def _details(self, space: Space | None, need: Need) -> dict[str, Any]:
        free = None if space is None else space.free
        return self._place() | {"freeBytes": free, "requiredBytes": need.total}

    def _report(
        self,
        name: str,
        severity: Literal["info", "warning", "critical"],
        concerned: Concerned,
        details: Mapping[str, Any],
    ) -> None:
        of_job = {"jobId": concerned.job_id, "recordingId": concerned.recording_id}
        type_ = f"agent.recording_job.{name}"
        self._emit(type_, severity, {**details, **of_job}, concerned.recording_id)
