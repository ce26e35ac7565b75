"""An agent that is gone, and the one that comes after it: no sample is lost in between."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from rakkr.audio.pcm import sample_format
from rakkr.audio.wave import sniff
from rakkr.process import Child
from rakkr.rig import Rig
from rakkr.solo.operator import Operator
from rakkr.tone import numbered
from tests.integration.test_recording import event_types, fetched, grown, make_rig, queue, wish

pytestmark = pytest.mark.deadline(120)
BYTES_PER_SECOND = 48_000 * 8


async def start(rig: Rig, *flags: str) -> Operator:
    """Start both sides, with numbered frames as the source."""
    await rig.start_controller("--solo-port", "0")
    rig.start_agent("--capture-command", "rakkr-tone", *flags)
    return rig.operator()


def numbers_of(path: Path) -> Any:
    """The numbers of the frames in a delivered WAV file."""
    audio = sniff(path, sample_format("S32_LE"), 48_000, 2)
    with path.open("rb") as file:
        file.seek(audio.data_offset)
        return numbered.decode(file.read(), audio.format, audio.channels)


def numbered_wish(seconds: int, **more: Any) -> dict[str, Any]:
    """A recording of numbered frames, delivered as they are."""
    return wish(seconds, device="numbered", format="S32_LE", outputCodec="wav", **more)


async def gone(agent: Child, number: signal.Signals) -> None:
    """End the agent with a signal, and nothing else."""
    assert agent.pid is not None
    os.kill(agent.pid, number)
    await agent.when_ended()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_adoption(tmp_path: Path, number: signal.Signals) -> None:
    """The capture goes on without an agent; the next one ends it on time, with no gap."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, numbered_wish(8))
        capture = await grown(tmp_path / "agent", 2 * BYTES_PER_SECOND)
        await gone(rig.children[-1], number)
        size = capture.stat().st_size
        while capture.stat().st_size < size + BYTES_PER_SECOND:  # nobody looks after it
            await deferLater(reactor, 0.05)
        rig.start_agent("--capture-command", "rakkr-tone", name="agent")
        numbers = numbers_of(await fetched(rig, operator, name))
        assert np.array_equal(numbers, np.arange(8 * 48_000))
        found = await operator.recording(name)
        assert [job["status"] for job in found["jobs"]] == ["completed"]
        assert found["recording"]["healthStatus"] == "healthy"


async def test_stop_after_adoption(tmp_path: Path) -> None:
    """An adopted capture is stopped on request, and everything until then is delivered."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, numbered_wish(600))
        await grown(tmp_path / "agent", 2 * BYTES_PER_SECOND)
        await gone(rig.children[-1], signal.SIGKILL)
        rig.start_agent("--capture-command", "rakkr-tone", name="agent")
        await grown(tmp_path / "agent", 4 * BYTES_PER_SECOND)
        await operator.stop(name)
        numbers = numbers_of(await fetched(rig, operator, name))
        assert len(numbers) >= 4 * 48_000
        assert np.array_equal(numbers, np.arange(len(numbers)))


async def test_both_died(tmp_path: Path) -> None:
    """A capture that died with its agent goes on as a second segment, with the gap declared."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, numbered_wish(8))
        capture = await grown(tmp_path / "agent", 2 * BYTES_PER_SECOND)
        await gone(rig.children[-1], signal.SIGKILL)
        for pid in writers(capture):
            os.kill(pid, signal.SIGKILL)
        rig.start_agent("--capture-command", "rakkr-tone", name="agent")
        numbers = numbers_of(await fetched(rig, operator, name))
        assert len(numbers) == 8 * 48_000
        assert numbers[0] == 0
        events = await event_types(operator)
        assert "agent.recording_job.capture_segments_stitched" in events
        assert "agent.recording_job.capture_incomplete" in events


def writers(path: Path) -> list[int]:
    """The processes that have a file open, the capture program among them."""
    found = []
    for each in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if each.resolve() == path.resolve():
                found.append(int(each.parts[2]))
        except OSError:
            continue
    return sorted(set(found) - {os.getpid()})


async def test_second_agent(tmp_path: Path) -> None:
    """Two agents on one data directory: the second one says who works there, and ends."""
    async with make_rig(tmp_path) as rig:
        await start(rig)
        await grown_lock(tmp_path / "agent" / "agent.lock")
        second = rig.start_agent("--capture-command", "rakkr-tone", name="agent")
        how = await second.when_ended()
        assert how.code == 2
        assert "another agent" in rig.log_of("agent").read_text()


async def grown_lock(path: Path) -> None:
    """Wait until the first agent has its lock."""
    while not path.exists() or not path.read_text().strip():
        await deferLater(reactor, 0.05)
