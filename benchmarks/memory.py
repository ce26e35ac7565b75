"""Resident memory of the daemon while it meters 32 channels for an hour of audio."""

from __future__ import annotations

from typing import Any

import psutil
from twisted.internet.task import deferLater

from benchmarks.reacting import measured, rigged
from rakkr.rig import NODE

CHANNELS = 32
SPEED = 8
HOUR_SECONDS = 3600


def run() -> dict[str, Any]:
    """
    Let the daemon listen to an idle device that delivers audio eight times as fast as time.

    :returns: ``after_minute_mib``, ``after_hour_mib``, ``growth_percent``, and how many meter
        frames the controller got; minute and hour are those of the audio.
    """
    return measured(_measure)


async def _measure(reactor: Any, result: dict[str, Any]) -> None:
    async with rigged(reactor) as rig:
        template = f"-D noise -f S32_LE -c {CHANNELS} -r 48000 -t raw --speed {SPEED}"
        agent = rig.start_agent(
            *("--capture-command", "rakkr-tone", "--meter-args-template", template),
            *("--capture-format", "S32_LE", "--capture-channels", str(CHANNELS)),
        )
        while not await rig.operator().meter_frames(NODE):
            await deferLater(reactor, 0.1)
        assert agent.pid is not None
        process = psutil.Process(agent.pid)
        await deferLater(reactor, 60 / SPEED)
        minute = process.memory_info().rss
        await deferLater(reactor, (HOUR_SECONDS - 60) / SPEED)
        hour = process.memory_info().rss
        frames = len(await rig.operator().meter_frames(NODE))
    result.update(
        after_minute_mib=round(minute / (1 << 20), 1),
        after_hour_mib=round(hour / (1 << 20), 1),
        growth_percent=round(100 * (hour / minute - 1), 2),
        meter_frames=frames,
    )
