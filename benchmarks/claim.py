"""From a queued job to its first captured sample: the wait of a person who pressed Record."""

from __future__ import annotations

import statistics
from typing import Any

from twisted.internet.task import deferLater

from benchmarks.reacting import measured, rigged
from rakkr.audio.wave import HEADER_BYTES
from rakkr.rig import NODE, Rig, RigFailed
from rakkr.solo.operator import Operator

JOBS = 20
SECONDS = 1
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 60.0


def run() -> dict[str, Any]:
    """
    Measure 20 jobs, one after another, at default settings.

    Both sides are processes of their own over TLS, the source is rakkr-tone.  A wait begins when
    the controller has answered the operator's wish, and ends with the first sample in the capture's
    file; it is seen with a resolution of 5 ms.

    :returns: ``p50_seconds``, ``p95_seconds``, ``max_seconds``, ``jobs``.
    """
    return measured(_measure)


async def _measure(reactor: Any, result: dict[str, Any]) -> None:
    async with rigged(reactor) as rig:
        rig.start_agent("--capture-command", "rakkr-tone")
        operator = rig.operator()
        await _one(rig, operator, 0)  # the agent's own start is not part of it
        waits = [await _one(rig, operator, number) for number in range(1, JOBS + 1)]
    waits.sort()
    result.update(
        jobs=JOBS,
        p50_seconds=round(statistics.median(waits), 3),
        p95_seconds=round(waits[max(0, -(-95 * JOBS // 100) - 1)], 3),
        max_seconds=round(waits[-1], 3),
        waits_seconds=[round(wait, 3) for wait in waits],
    )


async def _one(rig: Rig, operator: Operator, number: int) -> float:
    # Jobs come at any moment of the claim period: spread them over it.
    await deferLater(rig.reactor, (number * 0.37) % 1.0)
    wish = {"nodeId": NODE, "device": "tone", "durationSeconds": SECONDS, "outputCodec": "flac"}
    name = (await operator.queue(wish))["recording"]["id"]
    began = rig.reactor.seconds()
    capture = rig.directory / "agent" / "captures" / f"{name}.raw.wav"
    while not capture.exists() or capture.stat().st_size <= HEADER_BYTES:
        if rig.reactor.seconds() - began > _PATIENCE_SECONDS:
            raise RigFailed(f"nothing was captured: see {rig.log_of('agent')}")
        await deferLater(rig.reactor, _LOOK_SECONDS)
    waited: float = rig.reactor.seconds() - began
    await operator.wait_for(name, "cached")
    return waited
