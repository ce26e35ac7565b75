"""One event after another to the controller, each until it is taken or refused for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError, Rejected
from rakkr.health.desk import HUNG_SECONDS, Desk
from rakkr.health.edge import Edge, Emitter
from rakkr.health.pacing import Pacing
from rakkr.health.problems import OpenProblems
from rakkr.health.refused import DeadLetters
from rakkr.health.verdict import Verdict, judge, may_be_the_event, without_reference

_QUIET_SECONDS: Final = 600.0
_OWN: Final = "agent.health_outbox."
_PATIENT_TRIES: Final = 20  # four to eight minutes


class NotNow(Exception):
    """The controller did not take an event, and there is no time to try it again."""


class EventCalls(Protocol):
    """The part of the controller's client that takes events."""

    async def post_health_event(self, event: Mapping[str, Any]) -> None:
        """Deliver one event."""


class Delivery:
    """
    Sends events at their pace.

    :ivar delivered: how many the controller has taken.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        desk: Desk,
        calls: EventCalls,
        evidence: Emitter,
        letters: DeadLetters,
        pacing: Pacing,
        random: Callable[[], float],
        problems: OpenProblems | None = None,
    ) -> None:
        """:param problems: where it is remembered over a restart what was reported."""
        self._clock = clock
        self._desk = desk
        self._calls = calls
        self._evidence = evidence
        self._letters = letters
        self._pacing = pacing
        self._random = random
        self._edge = Edge(
            evidence,
            "agent.health_event.sync_failed",
            "agent.health_event.sync_recovered",
            problems=problems,
        )
        self._refused = 0
        self._quiet_until = 0.0
        self._hurried = False
        self._pause: IDelayedCall | None = None
        self.delivered = 0

    @property
    def retrying(self) -> bool:
        """Whether the last try failed."""
        return self._pacing.failures > 0

    def hurry(self) -> None:
        """Keep no pace any more: the process is about to end."""
        self._hurried = True
        if self._pause is not None and self._pause.active():
            self._pause.reset(0)

    async def deliver(self, wire: Mapping[str, Any]) -> None:
        """
        Return when the controller has the event, or will never have it.

        :raises NotNow: when it does not take the event, and we are in a hurry.
        """
        while True:
            await self._wait(self._pacing.pause(self._clock.seconds()))
            self._pacing.sent()
            why = await self._try(wire)
            if why is None:
                break
            pause = self._pacing.failed(self._random())
            self._edge.failed({"error": why})
            if self._hurried:
                raise NotNow(why)
            await deferLater(self._clock, pause)
        self._edge.worked({"error": None})
        pause = self._pacing.worked(self._random())
        if pause:
            await self._wait(pause)

    def _wait(self, seconds: float) -> Deferred[None]:
        """Keep the pace; between any two events the reactor may do something else."""
        over: Deferred[None] = Deferred(lambda _: pause.cancel())
        pause = self._clock.callLater(0 if self._hurried else seconds, over.callback, None)
        self._pause = pause
        return over

    async def _try(self, wire: Mapping[str, Any]) -> str | None:
        """Send once; returns why it must be tried again."""
        try:
            try:
                await self._calls.post_health_event(wire)
            except Rejected as refusal:
                if judge(refusal.status, refusal.body, wire) is not Verdict.WITHOUT_REFERENCE:
                    raise
                await self._calls.post_health_event(without_reference(wire))
        except Rejected as refusal:
            if not await self._is_final(wire, refusal):
                return str(refusal)
            await self._refuse(wire, refusal.status, refusal.body)
        except ControllerError as error:
            return str(error)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one event must not hold up all that follow it
            self.log.failure("{type} could not be sent", type=wire.get("type"))
            await self._refuse(wire, 0, f"{type(error).__name__}: {error}")
        else:
            self.delivered += 1
        return None

    async def _is_final(self, wire: Mapping[str, Any], refusal: Rejected) -> bool:
        """Whether the controller will never take this event, though it takes others."""
        if judge(refusal.status, refusal.body, without_reference(wire)) is Verdict.REFUSED:
            return True
        if not may_be_the_event(refusal.status) or self._pacing.failures < _PATIENT_TRIES:
            return False
        # The controller may break on this very event, or somebody on the way: then it takes the
        # bare one.
        withheld = {"withheld": str(self._letters.path)}
        try:
            await self._calls.post_health_event({**without_reference(wire), "details": withheld})
        except ControllerError:
            return False
        return True

    async def _refuse(self, wire: Mapping[str, Any], status: int, body: str) -> None:
        """Put an event away for people, and say so now and then."""
        type_ = str(wire.get("type"))
        self._refused += 1
        self.log.warn(
            "{type} was refused with {status}: {body}", type=type_, status=status, body=body
        )
        try:
            kept = Deferred.fromCoroutine(self._desk.do(self._letters.add, wire, status, body))
            await kept.addTimeout(HUNG_SECONDS, self._clock)
        except (OSError, TimeoutError) as error:
            path = str(self._letters.path)
            why = str(error) or "the disk does not answer"
            self.log.warn(
                "{path} cannot be written, so the refused event is in the log alone: {why}",
                path=path,
                why=why,
            )
        now = self._clock.seconds()
        if type_.startswith(_OWN) or now < self._quiet_until:
            return
        self._quiet_until = now + _QUIET_SECONDS
        details = {
            "body": body,
            "count": self._refused,
            "path": str(self._letters.path),
            "refusedType": type_,
            "status": status,
        }
        self._refused = 0
        self._evidence.emit("agent.health_outbox.event_refused", "warning", details)
