"""What is told of a recording at its end, against the file that was delivered."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from rakkr.audio.loudness import LoudnessMeter
from rakkr.rig import NODE
from rakkr.solo.operator import Operator
from tests.integration.test_recording import fetched, grown, make_rig, queue, start, told, wish

pytestmark = pytest.mark.deadline(90)
EVENT = "agent.recording_job.capture_report"


async def reports(operator: Operator) -> dict[str, dict[str, Any]]:
    """The details of the reports that the controller knows, by recording."""
    await told(operator, EVENT)
    events = [each for each in await operator.health_events() if each["type"] == EVENT]
    assert all(each["severity"] == "info" for each in events)
    found = {each["recordingId"]: each["details"] for each in events}
    assert len(found) == len(events), "one for each recording"
    return found


def samples_of(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Read a WAV file of 16 bits: (frames, channels), -1 to 1."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return raw.reshape(-1, file.getnchannels()) / 32768.0


def check(report: dict[str, Any], samples: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Compare what was told with what the file holds."""
    meter = LoudnessMeter(48_000, samples.shape[1])
    meter.block(samples.astype(np.float32))
    for channel, reading in zip(report["channels"], meter.readings()[0], strict=True):
        own = samples[:, channel["channel"] - 1]
        assert abs(channel["peakDbfs"] - 20 * np.log10(np.abs(own).max())) < 0.02
        assert abs(channel["rmsDbfs"] - 10 * np.log10(np.mean(own**2))) < 0.02
        assert channel["clippedSeconds"] == 0.0
        assert reading.integrated is not None
        assert abs(channel["loudnessLufs"] - reading.integrated) < 0.3


async def test_numbers_of_the_file(tmp_path: Path) -> None:
    """The report of a recording has the numbers of the delivered file, in event and file."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        wished = wish(6, device="speech", outputCodec="wav", format="S16_LE")
        name = await queue(operator, wished)
        samples = samples_of(await fetched(rig, operator, name))
        event = (await reports(operator))[name]
    assert (event["frames"], event["seconds"], event["measuredSeconds"]) == (288_000, 6.0, 6.0)
    assert (event["gaps"], event["dropoutCount"], event["missingFrames"]) == ([], 0, 0)
    check(event, samples)
    whole = json.loads(Path(event["reportPath"]).read_text())
    assert Path(event["reportPath"]).parent == tmp_path / "agent" / "captures"
    check(whole, samples)
    assert all(each["speechShare"] is not None for each in whole["channels"])
    quiet = [
        second
        for second in range(6)
        if np.abs(samples[second * 48_000 : (second + 1) * 48_000]).max() <= 0.001
    ]
    assert [each["startSeconds"] for each in whole["worstSilent"]] == quiet


async def test_members(tmp_path: Path) -> None:
    """Each member of a group reports its own range; a stop at any moment is measured whole."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        members: list[dict[str, Any]] = [{}, {"durationSeconds": 600}]
        wished = {**wish(3, outputCodec="wav", format="S16_LE"), "members": members}
        queued = await operator.queue(wished)
        one, two = (member["recording"]["id"] for member in queued["members"])
        await fetched(rig, operator, one)
        await operator.stop(two)
        samples = samples_of(await fetched(rig, operator, two))
        found = await reports(operator)
        while len(found) < 2:
            await deferLater(reactor, 0.1)
            found = await reports(operator)
    assert found[one]["measuredSeconds"] == found[one]["seconds"] == 3.0
    assert found[two]["frames"] == len(samples)
    assert abs(found[two]["measuredSeconds"] - len(samples) / 48_000) < 0.001
    check(found[two], samples)


async def test_restart(tmp_path: Path) -> None:
    """What an agent measured that is gone is not told, and not made up by the next one."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, wish(9, outputCodec="wav", format="S16_LE"))
        await grown(tmp_path / "agent", 3 * 192_000)
        agent = rig.children[-1]
        agent.stop("KILL")
        await agent.when_ended()
        rig.start_agent("--capture-command", "rakkr-tone")
        await fetched(rig, operator, name)
        event = (await reports(operator))[name]
    assert (event["frames"], event["gaps"]) == (9 * 48_000, [])
    assert 0.0 < event["measuredSeconds"] < 6.5
    assert [each["channel"] for each in event["channels"]] == [1, 2]
    for each, peak in zip(event["channels"], (-6.0, -6.5), strict=True):
        assert abs(each["peakDbfs"] - peak) < 0.02


async def test_two_devices(tmp_path: Path) -> None:
    """Two devices that are recorded at once are both measured, every sample of them."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        await operator.configure(NODE, {"recordingCapacity": {"maxConcurrentRecordings": 2}})
        names = [await queue(operator, wish(4, device=each)) for each in ("tone:300", "noise")]
        rig.start_agent("--capture-command", "rakkr-tone", "--max-concurrent-recordings", "2")
        for name in names:
            await operator.wait_for(name, "cached")
        while len(found := await reports(operator)) < 2:
            await deferLater(reactor, 0.1)
    assert [found[name]["measuredSeconds"] for name in names] == [4.0, 4.0]
    assert abs(found[names[1]]["channels"][0]["rmsDbfs"] - -20.0) < 0.1
