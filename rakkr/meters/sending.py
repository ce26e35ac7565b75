"""Sending what was measured and heard, without ever holding it up."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError
from rakkr.controller.interface import IController
from rakkr.health.edge import Edge, Emitter
from rakkr.health.problems import OpenProblems
from rakkr.meters.frame import MeterFrame
from rakkr.stamps import format_stamp

_MOST_WAITING_MS: Final = 4000
"""What is older has no listener any more: a controller plays only what is under 5 s old."""
_FEWEST_WAITING: Final = 2


@attrs.frozen
class Heard:
    """
    A piece of live audio.

    :ivar captured_at: when its first sample was captured, seconds since 1970.
    """

    wav: bytes
    duration_ms: int
    captured_at: float
    interface_id: str


class FrameSender:
    """
    Posts levels, one frame after the other.

    While one is under way only the newest of the others waits: it says what is true now.

    :ivar lost: frames that were never sent.
    """

    log = Logger()

    def __init__(
        self,
        controller: IController,
        evidence: Emitter,
        node_id: str,
        problems: OpenProblems | None = None,
    ) -> None:
        """:param problems: where it is remembered over a restart what was reported."""
        self.lost = 0
        self._controller = controller
        self._node_id = node_id
        self._edge = Edge(
            evidence,
            "agent.meter_frame.sync_failed",
            "agent.meter_frame.sync_recovered",
            problems=problems,
        )
        self._waiting: MeterFrame | None = None
        self._under_way: Deferred[None] | None = None
        self._stopped = False

    def send(self, frame: MeterFrame) -> None:
        """Post a frame, when the one before is through."""
        if self._stopped:
            return
        self.lost += self._waiting is not None
        self._waiting = frame
        if self._under_way is None:
            work = self._under_way = Deferred.fromCoroutine(self._all())
            work.addBoth(self._through)

    def stop(self) -> None:
        """Give up what is under way, and what waits; nothing is sent any more."""
        self._stopped, self._waiting = True, None
        if self._under_way is not None:
            self._under_way.cancel()

    def _through(self, result: Any) -> None:
        self._under_way = None
        _report(self.log, "a meter frame", result)

    async def _all(self) -> None:
        while self._waiting is not None:
            frame, self._waiting = self._waiting, None
            await self._post(frame)

    async def _post(self, frame: MeterFrame) -> None:
        facts: Mapping[str, Any] = {
            "capturedAt": frame.stamp,
            "channelCount": len(frame.levels),
            "interfaceId": frame.interface_id,
            "nodeId": self._node_id,
        }
        try:
            await self._controller.post_meter_frame(frame.as_wire(self._node_id))
        except ControllerError as error:
            self._edge.failed({**facts, "error": str(error)})
        else:
            self._edge.worked(facts)


class ChunkSender:
    """
    Posts live audio, one chunk after the other.

    A listener path that is slow loses chunks, the oldest first, and delays nothing else.

    :ivar lost: chunks that were never sent.
    """

    log = Logger()

    def __init__(
        self,
        controller: IController,
        evidence: Emitter,
        node_id: str,
        problems: OpenProblems | None = None,
    ) -> None:
        """:param problems: where it is remembered over a restart what was reported."""
        self.lost = 0
        self._controller = controller
        self._node_id = node_id
        self._waiting: deque[Heard] = deque()
        self._edge = Edge(
            evidence,
            "agent.listen_monitor.chunk_sync_failed",
            "agent.listen_monitor.chunk_sync_recovered",
            problems=problems,
        )
        self._under_way: Deferred[None] | None = None
        self._stopped = False

    def send(self, heard: Heard) -> None:
        """Post a chunk behind those that wait."""
        if self._stopped:
            return
        self._waiting.append(heard)
        while len(self._waiting) > _FEWEST_WAITING and self._waiting_ms() > _MOST_WAITING_MS:
            self._waiting.popleft()
            self.lost += 1
        if self._under_way is None:
            work = self._under_way = Deferred.fromCoroutine(self._all())
            work.addBoth(self._through)

    def _waiting_ms(self) -> int:
        return sum(each.duration_ms for each in self._waiting)

    def stop(self) -> None:
        """Give up what is under way, and what waits; nothing is sent any more."""
        self._stopped = True
        self._waiting.clear()
        if self._under_way is not None:
            self._under_way.cancel()

    def _through(self, result: Any) -> None:
        self._under_way = None
        _report(self.log, "live audio", result)

    async def _all(self) -> None:
        while self._waiting:
            await self._post(self._waiting.popleft())

    async def _post(self, heard: Heard) -> None:
        facts: Mapping[str, Any] = {
            "capturedAt": format_stamp(heard.captured_at),
            "contentType": "audio/wav",
            "durationMs": heard.duration_ms,
            "interfaceId": heard.interface_id,
            "monitorBytes": len(heard.wav),
            "nodeId": self._node_id,
        }
        try:
            await self._controller.post_monitor_chunk(
                heard.wav, duration_ms=heard.duration_ms, captured_at=heard.captured_at
            )
        except ControllerError as error:
            self._edge.failed({**facts, "error": str(error)})
        else:
            self._edge.worked({**facts, "error": None})


def _report(log: Logger, what: str, result: Any) -> None:
    """Nobody waits for what was sent, so an error that nobody thought of is logged here."""
    check = getattr(result, "check", None)
    if check is not None and check(CancelledError) is None:
        log.failure("{what} could not be sent", result, what=what)
