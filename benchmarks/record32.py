"""The whole agent while it records 32 channels, meters them and lets people listen."""

from __future__ import annotations

from typing import Any

import numpy as np
import psutil
from twisted.internet.task import deferLater

from benchmarks.reacting import measured, rigged
from rakkr.audio.pcm import sample_format
from rakkr.audio.wave import HEADER_BYTES
from rakkr.rig import NODE
from rakkr.tone import numbered

CHANNELS = 32
SECONDS = 40
FORMAT = "S32_LE"
_WARM_SECONDS = 5
_LAST_SECONDS = 5


def run() -> dict[str, Any]:
    """
    Measure the CPU time of the agent's own process in the middle of a recording.

    The source is rakkr-tone, whose frames carry their numbers; the controller is a process of its
    own.  Levels go out every five seconds, live sound every two.

    :returns: ``cpu_percent`` of one core, ``identical`` (whether every frame is in the file),
        ``frames``, ``meter_frames`` and ``resident_mib``.
    """
    return measured(_measure)


async def _measure(reactor: Any, result: dict[str, Any]) -> None:
    async with rigged(reactor) as rig:
        agent = rig.start_agent("--capture-command", "rakkr-tone", "--capture-device", "silence")
        operator = rig.operator()
        wish = {
            "nodeId": NODE,
            "device": "numbered",
            "durationSeconds": SECONDS,
            "channels": CHANNELS,
            "format": FORMAT,
            "outputCodec": "wav",
        }
        name = (await operator.queue(wish))["recording"]["id"]
        capture = rig.directory / "agent" / "captures" / f"{name}.raw.wav"
        while not capture.exists() or capture.stat().st_size <= HEADER_BYTES:
            await deferLater(reactor, 0.05)
        assert agent.pid is not None
        process = psutil.Process(agent.pid)
        await deferLater(reactor, _WARM_SECONDS)
        before, began = process.cpu_times(), reactor.seconds()
        await deferLater(reactor, SECONDS - _WARM_SECONDS - _LAST_SECONDS)
        after, ended = process.cpu_times(), reactor.seconds()
        resident = process.memory_info().rss
        await operator.wait_for(name, "cached")
        sample = sample_format(FORMAT)
        data = capture.read_bytes()[HEADER_BYTES:]
        numbers = numbered.decode(data, sample, CHANNELS)
        meter_frames = len(await operator.meter_frames(NODE))
    used = after.user + after.system - before.user - before.system
    result.update(
        cpu_percent=round(100 * used / (ended - began), 2),
        frames=len(numbers),
        identical=bool(np.array_equal(numbers, np.arange(SECONDS * 48_000))),
        meter_frames=meter_frames,
        resident_mib=round(resident / (1 << 20), 1),
    )
