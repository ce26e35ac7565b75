"""Telling the controller that a job ended without an upload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError, Rejected, Unauthorised

STOPPED_BY_OPERATOR = "controller_stop_requested"
"""The one reason that the controller takes as a normal end (http-api 6.6)."""

_PATIENCE_SECONDS = 45.0  # the lease has expired by then, and the controller knows by itself
_PAUSE_SECONDS = 3.0


class MarkCalls(Protocol):
    """The part of the controller's client that ends jobs."""

    async def mark_failed(self, job_id: str, reason: str) -> Any:
        """The job failed."""

    async def mark_cancelled(self, job_id: str, reason: str) -> Any:
        """The job ended with nothing to deliver."""


class Marks:
    """Delivers terminal marks, and tries again for as long as a lease can live."""

    log = Logger()

    def __init__(self, clock: IReactorTime, calls: MarkCalls) -> None:
        self._clock = clock
        self._calls = calls

    async def failed(self, job_id: str, reason: str) -> None:
        """Report a failure; never raises, because the work that failed is over in any case."""
        await self._deliver(self._calls.mark_failed, job_id, reason)

    async def cancelled(self, job_id: str, reason: str = STOPPED_BY_OPERATOR) -> None:
        """Report an end with nothing usable."""
        await self._deliver(self._calls.mark_cancelled, job_id, reason)

    async def _deliver(
        self, call: Callable[[str, str], Awaitable[Any]], job_id: str, reason: str
    ) -> None:
        give_up = self._clock.seconds() + _PATIENCE_SECONDS
        while True:
            try:
                await call(job_id, reason)
            except ControllerError as error:
                # 404 is the controller's word for a transition that somebody else made first.
                final = isinstance(error, Rejected) and not (
                    error.transient or isinstance(error, Unauthorised)
                )
                if final or self._clock.seconds() >= give_up:
                    self.log.warn(
                        "the end of job {job_id} ({reason}) was not taken: {error}",
                        job_id=job_id,
                        reason=reason,
                        error=str(error),
                    )
                    return
            else:
                return
            await deferLater(self._clock, _PAUSE_SECONDS)
