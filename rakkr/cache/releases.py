"""Files that a job gives up as soon as they are delivered."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
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


_Identity = tuple[int, int, int]


@attrs.frozen
class _Release:
    """
    :ivar pause: None until a file could not be deleted, which was reported then.
    :ivar stuck: what those files were then; another of that name, a day later, is not ours.
    """

    job: Job
    policy_id: str
    paths: tuple[Path, ...]
    pause: Pause | None = None
    stuck: Mapping[Path, _Identity] = attrs.field(factory=dict)


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
        deleted, errors, stuck = await self._in_thread(_unlink, release.paths, release.stuck)
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
        self._waiting.append(attrs.evolve(release, paths=left, pause=pause, stuck=stuck))

    def _emit(self, name: str, severity: Any, details: dict[str, Any], job: Job) -> None:
        self._emitter.emit(_PREFIX + name, severity, details, job.recording_id)


def _unlink(
    paths: Sequence[Path], stuck: Mapping[Path, _Identity]
) -> tuple[list[Path], list[tuple[Path, str]], dict[Path, _Identity]]:
    """Delete files; one that is gone already, or is another by now, counts as deleted."""
    deleted: list[Path] = []
    errors: list[tuple[Path, str]] = []
    still: dict[Path, _Identity] = {}
    for path in paths:
        try:
            if path not in stuck or _identity(path) == stuck[path]:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            deleted.append(path)
        except OSError as error:
            errors.append((path, error.strerror or str(error)))
            with contextlib.suppress(OSError):
                still[path] = stuck.get(path) or _identity(path)
        else:
            deleted.append(path)
    return deleted, errors, still


def _identity(path: Path) -> _Identity:
    about = path.lstat()
    return about.st_ino, about.st_size, about.st_mtime_ns
