"""Files that a job gives up as soon as they are delivered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.cache.failing import Pause
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.health.edge import Emitter

_PREFIX: Final = "agent.recording_job."


@attrs.frozen
class _Release:
    """:ivar pause: None until a file could not be deleted, which was reported then."""

    job: Job
    policy_id: str
    paths: tuple[Path, ...]
    pause: Pause | None = None


class Releases:
    """
    Deletes what a policy lets go at once *and* a receipt covers.

    A receipt comes here only after its size and SHA-256 were compared with what was sent
    (``rakkr.controller.upload``).  This does not depend on any clock.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, emitter: Emitter, in_thread: Callable[..., Deferred[Any]]
    ) -> None:
        self._clock = clock
        self._emitter = emitter
        self._in_thread = in_thread
        self._waiting: deque[_Release] = deque()
        self._running = False

    @property
    def paths(self) -> set[Path]:
        """What waits to be deleted here."""
        return {path for each in self._waiting for path in each.paths}

    def add(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """Give up files; without a policy that says "delete after upload" they all stay."""
        if policy is None or not policy.delete_after_upload or not paths:
            return
        self.log.info(
            "{count} files of {recording} go: the controller holds {checksum}",
            count=len(paths),
            recording=job.recording_id,
            checksum=receipt.checksum,
        )
        self._waiting.append(_Release(job, policy.policy_id, tuple(paths)))

    async def run(self) -> None:
        """Delete what was given up since the last time, and what could not be deleted then."""
        if self._running:
            return
        self._running = True
        try:
            for _ in range(len(self._waiting)):
                first = self._waiting[0]
                if first.pause is None or first.pause.until <= self._clock.seconds():
                    await self._delete(first)
                else:
                    self._waiting.rotate(-1)
        finally:
            self._running = False

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
        if release.pause is None:
            texts = [f"{path}: {error}" for path, error in errors]
            self._emit(
                "recorder_cache_delete_failed", "warning", {**facts, "errors": texts}, release.job
            )
        left = tuple(path for path, _ in errors)
        pause = Pause.after(release.pause, self._clock.seconds())
        self._waiting.append(attrs.evolve(release, paths=left, pause=pause))

    def _emit(self, name: str, severity: Any, details: dict[str, Any], job: Job) -> None:
        self._emitter.emit(_PREFIX + name, severity, details, job.recording_id)


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
