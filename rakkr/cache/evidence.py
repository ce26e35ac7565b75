"""The events of the recorder's cache (health-events 3.1 and 3.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rakkr.cache.files import Deleted
from rakkr.disk.holding import Holding
from rakkr.disk.notices import Swept
from rakkr.health.edge import Emitter

MOST_ITEMS: Final = 100
"""A controller refuses an event that is too long; the counts are of all."""


def swept_by(scanned: int, done: Sequence[Deleted]) -> Swept:
    """
    Sum up what a sweep did; a recording of which nothing was touched is left out.

    :param scanned: how many recordings were looked at.
    """
    touched = [each for each in done if each.gone or each.errors]
    failed = sum(1 for each in touched if each.errors)
    items = tuple(_item(each) for each in touched)
    return Swept(scanned, len(touched) - failed, failed, items)


def _item(done: Deleted) -> dict[str, Any]:
    return {
        "errors": [f"{path}: {error}" for path, error in done.errors.items()],
        "policyId": done.deletion.policy_id,
        "reason": done.deletion.reason,
        "recordingId": done.deletion.holding.recording_id,
        "status": "failed" if done.errors else "deleted",
    }


class Evidence:
    """Says what happened; each edge once."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._untracked: set[str] = set()
        self._suspended: str | None = None

    def tracked(self, fresh: Iterable[Holding], *, restarted: bool) -> None:
        """
        Recordings are in the list now.

        :param restarted: whether an earlier agent delivered them.
        """
        for each in fresh:
            self._untracked.discard(each.recording_id)
            policy = each.policy
            if policy is None or policy.delete_after_upload:
                continue
            more = {"maxAgeDays": policy.max_age_days, "maxBytes": policy.max_bytes}
            self._of_job(each, "recorder_cache_tracked", "info", more, restarted=restarted)

    def not_tracked(self, fresh: Iterable[Holding], error: str, *, restarted: bool) -> None:
        """The list could not be written; said once for each recording."""
        for each in fresh:
            kept = each.policy is not None and not each.policy.delete_after_upload
            if kept and each.recording_id not in self._untracked:
                self._untracked.add(each.recording_id)
                more = {"error": error}
                self._of_job(
                    each, "recorder_cache_track_failed", "warning", more, restarted=restarted
                )

    def damaged(
        self, error: str, aside: Path | None, entries: int, strays: Collection[Path]
    ) -> None:
        """The list was damaged, and is made anew."""
        details = {
            "entries": entries,
            "error": error,
            "path": None if aside is None else str(aside),
            "strayFiles": len(strays),
        }
        self._emitter.emit("agent.recorder_cache.manifest_damaged", "warning", details)

    def swept(self, swept: Swept) -> None:
        """A sweep did something, or could not."""
        if swept.touched:
            details = {
                "deleted": swept.deleted,
                "errors": swept.errors,
                "items": [dict(item) for item in swept.items[:MOST_ITEMS]],
                "scanned": swept.scanned,
            }
            severity: Any = "warning" if swept.errors else "info"
            self._emitter.emit("agent.recorder_cache.sweep_completed", severity, details)

    def clock(self, trouble: str | None) -> None:
        """The clock may be believed, or not; said when that changes."""
        before, self._suspended = self._suspended, trouble
        if trouble is not None and before is None:
            details = {"reason": trouble}
            self._emitter.emit("agent.recorder_cache.sweep_suspended", "warning", details)
        elif trouble is None and before is not None:
            details = {"reason": before}
            self._emitter.emit("agent.recorder_cache.sweep_resumed", "info", details)

    def _of_job(
        self,
        held: Holding,
        name: str,
        severity: Any,
        more: dict[str, Any],
        *,
        restarted: bool,
    ) -> None:
        assert held.policy is not None
        details = {
            "jobId": held.job_ids[0] if held.job_ids else None,
            "policyId": held.policy.policy_id,
            "recordingId": held.recording_id,
            **more,
        }
        if restarted:
            details["recoveredAfterRestart"] = True
        self._emitter.emit(f"agent.recording_job.{name}", severity, details, held.recording_id)
