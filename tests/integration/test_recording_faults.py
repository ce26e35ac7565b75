"""The main job against a controller that is slow, busy, talks nonsense, or loses its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from twisted.internet import reactor

from rakkr.rig import NODE, Rig
from rakkr.solo.exchange import Answer
from rakkr.solo.resource import SoloResource
from tests.integration.listening import decode
from tests.integration.solo_bench import controller
from tests.integration.test_recording import event_types, fetched, make_rig, queue, wish

pytestmark = pytest.mark.deadline(120)

Reply = Callable[[SoloResource, Any, Answer], int]
_reply: Reply = SoloResource._reply
_render = SoloResource.render
BUSY = Answer(503, b'{"error":"away","reason":"database_unavailable"}')
NONSENSE = Answer(200, b"<html>It works!</html>", "text/html")


def of_agent(request: Any) -> bool:
    """Whether a request is the agent's own."""
    return not request.path.startswith(b"/api/v1/solo")


@contextmanager
def instead(answer: Answer, every: int) -> Iterator[None]:
    """Let every n-th call of the agent be answered with this, and do nothing else."""
    turns = cycle([True] + [False] * (every - 1))

    def render(resource: SoloResource, request: Any) -> Any:
        if of_agent(request) and next(turns):
            return _reply(resource, request, answer)
        return _render(resource, request)

    with mock.patch.object(SoloResource, "render", render):
        yield


@contextmanager
def slowly(seconds: float) -> Iterator[None]:
    """Let every answer to the agent come late."""

    def reply(resource: SoloResource, request: Any, answer: Answer) -> int:
        if not of_agent(request):
            return _reply(resource, request, answer)
        late = reactor.callLater(seconds, _reply, resource, request, answer)
        request.notifyFinish().addErrback(lambda _: late.cancel())
        return 1  # NOT_DONE_YET

    with mock.patch.object(SoloResource, "_reply", reply):
        yield


@contextmanager
def losing_the_receipt() -> Iterator[None]:
    """Let the first upload be stored, and its answer be lost."""
    lost: list[object] = []

    def reply(resource: SoloResource, request: Any, answer: Answer) -> int:
        if request.path.endswith(b"/cache-file") and answer.status == 201 and not lost:
            lost.append(request)
            request.channel.transport.abortConnection()
            return 1  # NOT_DONE_YET
        return _reply(resource, request, answer)

    with mock.patch.object(SoloResource, "_reply", reply):
        yield
    assert lost


async def recorded(directory: Path) -> list[str]:
    """Record three seconds with a controller in this process, and list the agent's events."""
    solo = controller(directory / "solo", node_id=NODE)
    solo.startService()
    try:
        async with make_rig(directory) as base:
            rig = Rig(base.reactor, base.directory, base.environ, base.children, solo.url)
            operator = rig.operator()
            name = await queue(operator, wish(3))
            rig.start_agent("--capture-command", "rakkr-tone")
            samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
            assert len(samples) == 3 * 48_000
            found = await operator.recording(name)
            assert [job["status"] for job in found["jobs"]] == ["completed"]
            return await event_types(operator)
    finally:
        await solo.stopService()


async def test_busy(tmp_path: Path) -> None:
    """A controller that answers every third call with 503 gets its recording all the same."""
    with instead(BUSY, every=3):
        await recorded(tmp_path)


async def test_nonsense(tmp_path: Path) -> None:
    """Success without sense is no success: the call is made again."""
    with instead(NONSENSE, every=3):
        await recorded(tmp_path)


async def test_slow(tmp_path: Path) -> None:
    """Answers that take two seconds delay a recording, and do no more."""
    with slowly(2.0):
        types = await recorded(tmp_path)
    assert not [each for each in types if each.endswith("failed")]


async def test_lost_receipt(tmp_path: Path) -> None:
    """A file that was stored, but whose receipt was lost, is sent again until it is receipted."""
    with losing_the_receipt():
        await recorded(tmp_path)
