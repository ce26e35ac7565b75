"""
Telling the controller that a job ended without an upload.

A mark is delivered at least once: it is in the job's journal before it is sent, and tried until the
controller took it.  And never twice with effect, because a second ``/failed`` would raise a second
alarm (http-api 6.6): when it is not known whether the last try arrived, the job is read first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError, Rejected, Unauthorised
from rakkr.controller.messages import Job
from rakkr.jobs.records import MarkTaken, MarkWanted, Record
from rakkr.wording import one_line

STOPPED_BY_OPERATOR = "controller_stop_requested"
"""The one reason that the controller takes as a normal end (http-api 6.6)."""

What = Literal["failed", "cancelled"]
_OPEN = {"queued", "running", "stop_requested"}
_NOT_FOUND = 404


class MarkCalls(Protocol):
    """The part of the controller's client that ends jobs."""

    async def mark_failed(self, job_id: str, reason: str) -> Any:
        """The job failed."""

    async def mark_cancelled(self, job_id: str, reason: str) -> Any:
        """The job ended with nothing to deliver."""

    async def get_job(self, job_id: str) -> Job:
        """Read a job."""


class Paper(Protocol):
    """What a mark is written on before it is sent; a job's journal."""

    @property
    def job_id(self) -> str:
        """The job that ended."""

    def note(self, record: Record) -> Deferred[None]:
        """Remember something."""


class Marks:
    """Delivers terminal marks."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        calls: MarkCalls,
        random: Callable[[], float],
        patience_seconds: float | None = None,
    ) -> None:
        """:param patience_seconds: after which a mark is left to the next start; None: never."""
        self._clock = clock
        self._calls = calls
        self._random = random
        self._patience = patience_seconds

    async def failed(self, paper: Paper, reason: str) -> None:
        """Report a failure; returns when the controller knows."""
        await self._begin(paper, "failed", reason)

    async def cancelled(self, paper: Paper, reason: str = STOPPED_BY_OPERATOR) -> None:
        """Report an end with nothing usable; returns when the controller knows."""
        await self._begin(paper, "cancelled", reason)

    async def resume(self, paper: Paper, what: What, reason: str) -> None:
        """Go on with a mark that an earlier agent may have sent."""
        await self._deliver(paper, what, reason, unsure=True)

    async def _begin(self, paper: Paper, what: What, reason: str) -> None:
        said = one_line(reason)
        await paper.note(MarkWanted(what, said))
        await self._deliver(paper, what, said, unsure=False)

    async def _deliver(self, paper: Paper, what: What, reason: str, *, unsure: bool) -> None:
        job_id = paper.job_id
        pause = backoffPolicy(initialDelay=1.0, maxDelay=30.0, factor=2.0, jitter=self._random)
        began, attempt = self._clock.seconds(), 0
        while True:
            try:
                if unsure and await self._is_over(job_id):
                    break
                unsure = True
                await self._send(job_id, what, reason)
                break
            except ControllerError as error:
                self.log.info(
                    "the end of job {job_id} is told again: {error}",
                    job_id=job_id,
                    error=str(error),
                )
            if self._patience is not None and self._clock.seconds() - began >= self._patience:
                self.log.warn("the end of job {job_id} is told at the next start", job_id=job_id)
                return
            await deferLater(self._clock, pause(attempt))
            attempt += 1
        await paper.note(MarkTaken())

    async def _is_over(self, job_id: str) -> bool:
        """Whether the controller knows of an end already, this one or another."""
        try:
            return (await self._calls.get_job(job_id)).status not in _OPEN
        except Rejected as refusal:
            if refusal.transient or isinstance(refusal, Unauthorised):
                raise
            return True  # the job is gone, or another node's: there is nobody to tell

    async def _send(self, job_id: str, what: What, reason: str) -> None:
        call = self._calls.mark_failed if what == "failed" else self._calls.mark_cancelled
        try:
            await call(job_id, reason)
        except Rejected as refusal:
            if refusal.transient or isinstance(refusal, Unauthorised):
                raise
            # 404 is the controller's word for a transition that somebody else made first; any
            # other refusal is the same tomorrow.
            if refusal.status != _NOT_FOUND:
                self.log.warn(
                    "the end of job {job_id} ({reason}) was not taken: {error}",
                    job_id=job_id,
                    reason=reason,
                    error=str(refusal),
                )
