"""Work that is done again and again, and that no error of its own can end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


class Periodic(Service):
    """
    Runs ``work`` at once and then every ``interval`` seconds, never two at a time.

    Work that fails is logged and done again at the next interval (Twisted's own ``TimerService``
    would end for good).  Stopping cancels the work in flight and
    fires when it is gone.

    :ivar interval: seconds; a change takes effect after the next run.
    :ivar patient: whether stopping lets the work in flight end by itself, because half of it would
        be worse than none.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        interval: float,
        work: Callable[[], Coroutine[Deferred[Any], Any, None]],
        *,
        name: str,
        patient: bool = False,
    ) -> None:
        self._clock = clock
        self.interval = interval
        self._work = work
        self._patient = patient
        self.setName(name)
        self._in_flight: Deferred[None] | None = None
        self._loop: LoopingCall | None = None
        self._finished: Deferred[Any] = succeed(None)

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Run the work now, and from now on."""
        super().startService()
        self._loop = LoopingCall(self._once)
        self._loop.clock = self._clock
        self._finished = self._loop.start(self.interval)

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """End, and fire once no work is running any more."""
        super().stopService()
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        if self._in_flight is not None and not self._patient:
            self._in_flight.cancel()
        return self._finished

    async def _once(self) -> None:
        self._in_flight = Deferred.fromCoroutine(self._work())
        try:
            await self._in_flight
        except CancelledError:
            if self.running:
                self.log.failure("{name} was cancelled", name=self.name)
        except Exception:  # noqa: BLE001 - the one place where the work's errors end
            self.log.failure("{name} failed; it is tried again", name=self.name)
        finally:
            self._in_flight = None
            if self._loop is not None:
                self._loop.interval = self.interval
