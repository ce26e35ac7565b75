"""A controller that answers what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyClass

from rakkr.controller.interface import IController
from rakkr.controller.messages import (
    ChannelMapAssignment,
    ClaimedGroup,
    Job,
    Node,
    NodeConfig,
    Receipt,
)
from rakkr.controller.upload import Progress, Upload

Answer = Any
"""A value, an exception to raise, a Deferred to wait for, or a callable that gives one of these."""


@implementer(IController)
class FakeController:
    """
    Notes every call, and answers with the next answer that was laid out for it.

    The last answer of a call is given again and again.  A call without answers fails the test.

    :ivar calls: (name, arguments) in order.
    :ivar sent: how many bytes of each upload are taken for sending before it is answered.
    """

    def __init__(self, **answers: list[Answer]) -> None:
        self.answers: dict[str, list[Answer]] = dict(answers)
        self.calls: list[tuple[Any, ...]] = []
        self.sent = 0

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The calls of one name."""
        return [call for call in self.calls if call[0] == name]

    async def _answer(self, name: str, *arguments: Any) -> Any:
        self.calls.append((name, *arguments))
        laid_out = self.answers[name]
        answer = laid_out.pop(0) if len(laid_out) > 1 else laid_out[0]
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(*arguments)
        if isinstance(answer, Deferred):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def heartbeat(self, body: Mapping[str, Any]) -> Node:
        return await self._answer("heartbeat", body)

    async def post_inventory(self, interfaces: Sequence[Mapping[str, Any]]) -> Node:
        return await self._answer("post_inventory", interfaces)

    async def post_meter_frame(self, frame: Mapping[str, Any]) -> None:
        await self._answer("post_meter_frame", frame)

    async def post_monitor_chunk(
        self,
        wav: bytes,
        *,
        duration_ms: int,
        captured_at: float | None = None,
        enhanced: bool = False,
    ) -> None:
        await self._answer("post_monitor_chunk", wav, duration_ms, captured_at, enhanced)

    async def node_config(self) -> NodeConfig:
        return await self._answer("node_config")

    async def post_health_event(self, event: Mapping[str, Any]) -> None:
        await self._answer("post_health_event", dict(event))

    async def channel_map_assignments(self) -> list[ChannelMapAssignment]:
        return await self._answer("channel_map_assignments")

    async def claim_next_group(self) -> ClaimedGroup | None:
        return await self._answer("claim_next_group")

    async def claim_next(self) -> Job | None:
        return await self._answer("claim_next")

    async def peek_next(self) -> Job | None:
        return await self._answer("peek_next")

    async def claim(self, job_id: str) -> Job:
        return await self._answer("claim", job_id)

    async def heartbeat_job(self, job_id: str) -> Job:
        return await self._answer("heartbeat_job", job_id)

    async def get_job(self, job_id: str) -> Job:
        return await self._answer("get_job", job_id)

    async def mark_cancelled(self, job_id: str, reason: str) -> Job:
        return await self._answer("mark_cancelled", job_id, reason)

    async def mark_failed(self, job_id: str, reason: str) -> Job:
        return await self._answer("mark_failed", job_id, reason)

    async def upload_cache_file(
        self, recording_id: str, upload: Upload, progress: Progress | None = None
    ) -> Receipt:
        if progress is not None and self.sent:
            progress(self.sent, upload.path.stat().st_size)
        return await self._answer("upload_cache_file", recording_id, upload)


verifyClass(IController, FakeController)
