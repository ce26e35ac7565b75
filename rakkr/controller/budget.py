"""The time that a request has: one budget over everything, and a limit on silence."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

T = TypeVar("T")


class OutOfTime(Exception):
    """A budget was used up; the message says on what."""


class Budget:
    """
    Seconds for one call, from connecting to the end of the answer's body.

    :ivar doing: what takes so long, completed by ``within 10 s`` or ``for 60 s``.
    """

    def __init__(self, clock: IReactorTime, total: float, stall: float | None = None) -> None:
        """
        Set the limits; the time runs from :meth:`spend`.

        :param total: seconds for the whole.
        :param stall: seconds between two calls of :meth:`touch`, or None.
        """
        self._clock = clock
        self._total = total
        self._stall = stall
        self._silence: IDelayedCall | None = None
        self._over: str | None = None
        self.doing = "no answer came"

    def touch(self) -> None:
        """Note that something moved."""
        if self._silence is not None and self._silence.active():
            self._silence.reset(self._stall or 0)

    async def spend(self, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """
        Run the work, and cancel it when the time is over.

        :raises OutOfTime: instead of whatever the cancelled work raises.
        """
        running = Deferred.fromCoroutine(work)
        timers = [
            self._clock.callLater(self._total, self._end, running, f"within {self._total:g} s")
        ]
        if self._stall is not None:
            self._silence = self._clock.callLater(
                self._stall, self._end, running, f"for {self._stall:g} s"
            )
            timers.append(self._silence)
        try:
            return await running
        except Exception as error:
            if self._over is None:
                raise
            raise OutOfTime(self._over) from error
        finally:
            for timer in timers:
                if timer.active():
                    timer.cancel()

    def _end(self, running: Deferred[Any], how_long: str) -> None:
        self._over = f"{self.doing} {how_long}"
        running.cancel()
