"""Where every room leaves its evidence: the local log first, then the controller."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.clock import WallTime
from rakkr.controller.errors import ControllerError, Rejected, Unauthorised
from rakkr.controller.sanitise import clean
from rakkr.health.event import HealthEvent, Severity, event_id, json_line
from rakkr.health.jsonl import JsonLines
from rakkr.health.judge import Judge

_WAITING_MOST = 1000
_GONE = {403, 404}


class EventCalls(Protocol):
    """The part of the controller's client that takes events."""

    async def post_health_event(self, event: Mapping[str, Any]) -> None:
        """Deliver one event."""


class HealthReporter(Service):
    """
    Takes events from anywhere, at any moment, and never raises.

    An event is in the local log before it is sent.  Events are sent one after another, the oldest
    first; while the controller is away they wait in memory, at most a thousand of them, and only in
    the local log beyond that or after a restart.

    :ivar recent: the events that were reported last, youngest last.
    """

    log = Logger()
    retry_seconds = 5.0
    last_seconds = 5.0

    def __init__(
        self,
        clock: IReactorTime,
        wall: WallTime,
        node_id: str,
        lines: JsonLines,
        calls: EventCalls | None,
        run_id: str,
    ) -> None:
        self.setName("health")
        self._clock = clock
        self._wall = wall
        self._node_id = node_id
        self._lines = lines
        self._calls = calls
        self._run_id = run_id
        self._judge = Judge()
        self._serial = itertools.count(1)
        self._waiting: deque[HealthEvent] = deque()
        self._sending: Deferred[None] = succeed(None)
        self._busy = False
        self._ended = False
        self._log_failed = False
        self.recent: deque[HealthEvent] = deque(maxlen=200)

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
        :param details: what belongs to it; unserialisable text is made harmless.
        :param recording_id: only where the recording itself is affected.
        """
        opened_at = self._wall.stamp()
        serial = f"{self._run_id}-{next(self._serial)}"
        event = HealthEvent(
            event_id(self._node_id, opened_at, serial),
            type_,
            severity,
            opened_at,
            dict(details),
            recording_id,
        )
        self._judge.see(event)
        self.recent.append(event)
        self._log_locally(event)
        if self._calls is not None:
            self._queue(event)

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Deliver what waits, within a bound, and end; the rest is in the local log."""
        super().stopService()
        return Deferred.fromCoroutine(self._finish())

    async def _finish(self) -> None:
        if self._busy:
            self._sending.addTimeout(self.last_seconds, self._clock)
            await self._sending
        self._ended = True

    def _log_locally(self, event: HealthEvent) -> None:
        try:
            self._lines.append(json_line(clean(event.as_wire(), nulls=True)))
        except Exception:  # noqa: BLE001 - evidence never hurts whoever leaves it
            if not self._log_failed:
                self.log.failure("the health log {path} takes no events", path=self._lines.path)
            self._log_failed = True
        else:
            self._log_failed = False

    def _queue(self, event: HealthEvent) -> None:
        self._waiting.append(event)
        if len(self._waiting) > _WAITING_MOST:
            lost = self._waiting.popleft()
            self.log.warn("{type} stays in the local log only", type=lost.type)
        if not self._busy and not self._ended:
            self._busy = True
            self._sending = Deferred.fromCoroutine(self._send())

    async def _send(self) -> None:
        try:
            while self._waiting and not self._ended:
                if await self._deliver(self._waiting[0]):
                    self._waiting.popleft()
                else:
                    await deferLater(self._clock, self.retry_seconds)
        except CancelledError:
            self._ended = True
            self.log.info("{count} events stay in the local log only", count=len(self._waiting))
        finally:
            self._busy = False

    async def _deliver(self, event: HealthEvent) -> bool:
        """Whether the event needs no further try."""
        assert self._calls is not None
        wire = event.as_wire()
        try:
            try:
                await self._calls.post_health_event(wire)
            except Rejected as refusal:
                if refusal.status not in _GONE or "recordingId" not in wire:
                    raise
                del wire["recordingId"]  # the recording was deleted: keep the event without it
                await self._calls.post_health_event(wire)
        except Unauthorised:
            return False
        except Rejected as refusal:
            if refusal.transient:
                return False
            self.log.warn("{type} was refused: {why}", type=event.type, why=str(refusal))
        except ControllerError:
            return False
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - one event must not hold up all that follow it
            self.log.failure("{type} could not be sent", type=event.type)
        return True
