"""Making room, at one moment once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.disk.notices import Swept
from rakkr.moment import Moment

PATIENCE_SECONDS: Final = 30.0
"""A recording that is to begin does not wait longer for room."""

Sweep = Callable[[int], Coroutine[Deferred[Any], Any, Swept]]
"""Deletes what the controller has, until so many bytes were given back or nothing is left."""


class SweepFailed(Exception):
    """No room could be made; the message says why."""


class Sweeping:
    """Sweeps when asked; whoever asks while it sweeps waits for the same end."""

    log = Logger()

    def __init__(self, clock: IReactorTime, sweep: Sweep) -> None:
        self._clock = clock
        self._sweep = sweep
        self._end: Moment[Swept | SweepFailed] | None = None
        self._work: Deferred[None] | None = None

    async def run(self, required_bytes: int) -> Swept:
        """
        Sweep.

        :raises SweepFailed: when that failed, was stopped, or is not over after a while; it then
            goes on.
        """
        if self._end is None:
            self._end = Moment()
            end = self._end.when()
            self._work = Deferred.fromCoroutine(self._once(self._end, required_bytes))
        else:
            end = self._end.when()
        end.addTimeout(PATIENCE_SECONDS, self._clock)
        try:
            came = await end
        except TooLate:
            raise SweepFailed(f"the sweep is not over after {PATIENCE_SECONDS:g} s") from None
        if isinstance(came, SweepFailed):
            raise came
        return came

    def stop(self) -> None:
        """End a sweep that is going on."""
        if self._work is not None:
            self._work.cancel()

    async def _once(self, end: Moment[Swept | SweepFailed], required_bytes: int) -> None:
        came: Swept | SweepFailed = SweepFailed("the sweep was stopped")
        try:
            came = await self._sweep(required_bytes)
        except CancelledError:
            pass  # by stop(), and whoever waits is told
        except Exception as error:  # noqa: BLE001 - no room is made, and the recordings go on
            self.log.failure("the sweep of the recorder's cache failed")
            came = SweepFailed(str(error) or type(error).__name__)
        finally:
            self._end = self._work = None
            end.comes(came)
