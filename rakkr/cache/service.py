"""CacheSweepService: gives disk space back for audio that the controller holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.health.edge import Emitter
from rakkr.periodic import Periodic


@attrs.frozen
class _Release:
    """:ivar reported: whether a failure to delete was reported already."""

    job: Job
    policy_id: str
    paths: tuple[Path, ...]
    reported: bool = False


def _unlink(paths: Sequence[Path]) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Delete files; one that is gone already counts as deleted."""
    deleted: list[Path] = []
    errors: list[tuple[Path, str]] = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            errors.append((path, error.strerror or str(error)))
        else:
            deleted.append(path)
    return deleted, errors


class CacheSweepService(MultiService):
    """
    Deletes what a policy lets go *and* a receipt covers, and nothing else.

    A receipt reaches this service only after its size and SHA-256 were compared with what was sent
    (``rakkr.controller.upload``).  Policies by age, size and free space come with the full sweep.
    """

    log = Logger()
    retry_seconds = 60.0

    def __init__(
        self,
        clock: IReactorTime,
        evidence: Emitter,
        in_thread: Callable[..., Deferred[Any]],
    ) -> None:
        super().__init__()
        self.setName("cache")
        self._evidence = evidence
        self._in_thread = in_thread
        self._waiting: deque[_Release] = deque()
        self._sweeping = False
        sweeping = Periodic(clock, self.retry_seconds, self.sweep, name="sweeping", patient=True)
        sweeping.setServiceParent(self)

    def release(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """
        Give up files of a job whose upload was acknowledged.

        Without a policy that says "delete after upload" they all stay.
        """
        if policy is None or not policy.delete_after_upload or not paths:
            return
        self.log.info(
            "{count} files of {recording} go: the controller holds {checksum}",
            count=len(paths),
            recording=job.recording_id,
            checksum=receipt.checksum,
        )
        self._waiting.append(_Release(job, policy.policy_id, tuple(paths)))

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """Stop, and delete what was released at the last moment: nobody remembers it later."""
        return Deferred.fromCoroutine(self._finish())

    async def _finish(self) -> None:
        await maybeDeferred(super().stopService)
        await self.sweep()

    async def sweep(self) -> None:
        """Delete what was released since the last time."""
        if self._sweeping:
            return
        self._sweeping = True
        try:
            for _ in range(len(self._waiting)):
                await self._delete(self._waiting[0])
        finally:
            self._sweeping = False

    async def _delete(self, release: _Release) -> None:
        deleted, errors = await self._in_thread(_unlink, release.paths)
        self._waiting.popleft()
        facts = {
            "deletedPaths": [str(path) for path in deleted],
            "jobId": release.job.id,
            "policyId": release.policy_id,
            "recordingId": release.job.recording_id,
        }
        if not errors:
            self._emit("recorder_cache_deleted", "info", facts, release.job)
            return
        if not release.reported:
            texts = [f"{path}: {error}" for path, error in errors]
            self._emit(
                "recorder_cache_delete_failed", "warning", {**facts, "errors": texts}, release.job
            )
        left = tuple(path for path, _ in errors)
        self._waiting.append(attrs.evolve(release, paths=left, reported=True))

    def _emit(self, name: str, severity: Any, details: dict[str, Any], job: Job) -> None:
        self._evidence.emit(f"agent.recording_job.{name}", severity, details, job.recording_id)
