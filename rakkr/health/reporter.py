"""Where every room leaves its evidence: the local log first, then the controller."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's own
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.clock import WallTime
from rakkr.controller.sanitise import clean
from rakkr.health.brevity import short_line
from rakkr.health.delivery import Delivery, EventCalls
from rakkr.health.desk import Desk
from rakkr.health.event import HealthEvent, Severity, event_id
from rakkr.health.judge import Judge
from rakkr.health.outbox import Outbox
from rakkr.health.pacing import Pacing
from rakkr.health.problems import OpenProblems
from rakkr.health.refused import DeadLetters
from rakkr.health.store import Store, Unreadable
from rakkr.health.writer import Writer
from rakkr.threads import InThread


class HealthReporter(Service):
    """
    Takes events from anywhere, at any moment, and never raises.

    An event waits in memory until a thread has written it into the local log; from there it is
    sent, the oldest first, for as long as that takes, also after a restart.

    :ivar outbox: None without a controller.
    """

    log = Logger()
    last_seconds = 5.0

    def __init__(
        self,
        clock: IReactorTime,
        wall: WallTime,
        node_id: str,
        store: Store,
        calls: EventCalls | None,
        run_id: str,
        *,
        in_thread: InThread,
        random: Callable[[], float],
        letters: DeadLetters,
        events_per_second: float,
        problems: OpenProblems | None = None,
    ) -> None:
        """
        Put a reporter together.

        :param store: used by nobody else in this process.
        :param calls: None without a controller.
        :param run_id: a text that no other process of this node has had.
        :param letters: where events go that the controller refuses for good.
        :param problems: where it is remembered over a restart what was reported.
        """
        self.setName("health")
        self._clock = clock
        self._wall = wall
        self._node_id = node_id
        self._store = store
        self._run_id = run_id
        self._judge = Judge()
        self._serial = itertools.count(1)
        self._desk = Desk(in_thread)
        self._writer = Writer(clock, self._desk, store, self, self._wake, problems)
        self.outbox: Outbox | None = None
        if calls is not None:
            pacing = Pacing(events_per_second)
            delivery = Delivery(clock, self._desk, calls, self, letters, pacing, random, problems)
            self.outbox = Outbox(clock, self._desk, store, self._writer, delivery, self._damaged)

    def emit(
        self,
        type_: str,
        severity: Severity,
        details: Mapping[str, Any],
        recording_id: str | None = None,
    ) -> None:
        """
        Report that something happened, now.

        :param type_: a type of the contract's catalogue, beginning ``agent.``.
        :param details: what belongs to it; unserialisable text is made harmless, and what would
            make the record longer than 64 KiB is cut off.
        :param recording_id: only where the recording itself is affected.
        """
        try:
            event = self._event(type_, severity, dict(details), recording_id)
            self._judge.see(event)
            self._writer.add(short_line(clean(event.as_wire(), nulls=True)))
        except Exception:  # noqa: BLE001 - evidence never hurts whoever leaves it
            self.log.failure("{type} could not be reported", type=type_)

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Write what was reported so far, and begin to deliver."""
        super().startService()
        self._writer.open()
        if self.outbox is not None:
            self.outbox.start()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Write what waits, deliver within a bound, and end; the rest stays in the log."""
        running = self.running
        super().stopService()
        return Deferred.fromCoroutine(self._finish() if running else self._nothing())

    def _event(
        self, type_: str, severity: Severity, details: dict[str, Any], recording_id: str | None
    ) -> HealthEvent:
        opened_at = self._wall.stamp()
        serial = f"{self._run_id}-{next(self._serial)}"
        id_ = event_id(self._node_id, opened_at, serial)
        return HealthEvent(id_, type_, severity, opened_at, details, recording_id)

    async def _nothing(self) -> None:
        """It does not run."""

    async def _finish(self) -> None:
        await self._bounded(self._writer.when_idle())
        if self.outbox is not None:
            await self.outbox.finish(self.last_seconds)
            await self._bounded(Deferred.fromCoroutine(self.outbox.save()))
            await self._bounded(self._writer.when_idle())  # what delivering had to say
        self._writer.close()
        await self._bounded(Deferred.fromCoroutine(self._desk.do(self._store.close)))

    async def _bounded(self, work: Deferred[Any]) -> None:
        """Wait for work on the disk, but not for a disk that does not answer."""
        try:
            await work.addTimeout(self.last_seconds, self._clock)
        except TimeoutError:
            self.log.warn("the disk of {path} does not answer", path=str(self._store.path))
        except Exception:  # noqa: BLE001 - the way down must be gone to its end
            self.log.failure("the last work on {path} failed", path=str(self._store.path))

    def _wake(self) -> None:
        if self.outbox is not None:
            self.outbox.wake()

    def _damaged(self, why: Unreadable) -> None:
        details = {
            "error": str(why),
            "path": str(self._store.path),
            "setAside": str(why.set_aside),
        }
        self.emit("agent.health_log.set_aside", "warning", details)
