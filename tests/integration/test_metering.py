"""Levels and live sound of real programs: while nothing is recorded, while something is, after."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soxr
from twisted.internet import reactor
from twisted.internet.task import deferLater

from rakkr.rig import NODE
from rakkr.solo.operator import Heard, Operator
from tests.integration import alsa_device, jack_server, pipewire_server
from tests.integration.alsa_device import AlsaDevice
from tests.integration.jack_server import JackServer
from tests.integration.pipewire_server import PipeWireServer
from tests.integration.test_recording import fetched, make_rig, queue, wish

pytestmark = pytest.mark.deadline(90)
Need = Callable[[str, str], str]
Floats = npt.NDArray[np.float64]
TONE = ("--capture-command", "rakkr-tone", "--capture-device", "tone")
QUICK = ("--heartbeat-seconds", "1", "--meter-post-seconds", "1", "--monitor-chunk-seconds", "1")


async def frames(operator: Operator) -> list[dict[str, Any]]:
    """The levels that the controller has, oldest first."""
    found = await operator.meter_frames(NODE)
    return [each["frame"] for each in reversed(found)]


async def until_there(operator: Operator, count: int) -> list[dict[str, Any]]:
    """Wait for so many frames."""
    while len(found := await frames(operator)) < count:
        await deferLater(reactor, 0.1)
    return found


def peaks(frame: dict[str, Any]) -> list[float]:
    """The peaks of all channels, in dBFS."""
    return [level["peakDbfs"] for level in frame["levels"]]


def samples_of(path: Path) -> Floats:
    """Read a WAV file of 16 bits: (frames, channels), -1 to 1."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return raw.reshape(-1, file.getnchannels()) / 32768.0


async def test_idle_recording_idle(tmp_path: Path) -> None:
    """The same levels are measured before, while and after a recording, with no frame invented."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        rig.start_agent(*TONE, *QUICK)
        await until_there(operator, 2)
        name = await queue(operator, wish(4))
        await fetched(rig, operator, name)
        before = len(await frames(operator))
        found = await until_there(operator, before + 2)
        events = [event["type"] for event in await operator.health_events()]
    assert before >= 5, "there were frames while it was being recorded"
    for frame in found:
        assert peaks(frame) == [-6.0, -6.5], frame
        assert [level["rmsDbfs"] for level in frame["levels"]] == [-9.0, -9.5]
        assert not any(level["quality"]["speechLike"] for level in frame["levels"])
    assert not [each for each in events if each.startswith("agent.meter")], events


async def test_levels_of_the_recording(tmp_path: Path) -> None:
    """What was posted while something was recorded is what the delivered file has."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        rig.start_agent("--capture-command", "rakkr-tone", "--capture-device", "silence", *QUICK)
        await until_there(operator, 1)
        wished = wish(6, device="speech", outputCodec="wav", format="S16_LE")
        name = await queue(operator, wished)
        path = await fetched(rig, operator, name)
        quiet = len(await frames(operator))
        found = await until_there(operator, quiet + 2)
    loud = [frame for frame in found if max(peaks(frame)) > -150.0]
    samples = samples_of(path)
    expected = [round(20.0 * np.log10(each), 1) for each in np.abs(samples).max(axis=0)]
    assert [max(column) for column in zip(*map(peaks, loud), strict=True)] == expected
    assert found[0]["levels"][0]["peakDbfs"] == found[-1]["levels"][0]["peakDbfs"] == -160.0


async def test_listening_to_a_recording(tmp_path: Path) -> None:
    """Pieces of live sound join without a click: together they are the recording, resampled."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        rig.start_agent("--capture-command", "rakkr-tone", "--capture-device", "silence", *QUICK)
        wished = wish(8, device="speech", outputCodec="wav", format="S16_LE")
        name = await queue(operator, wished)
        heard: dict[str, Heard] = {}
        while (await operator.recording(name))["recording"]["status"] != "cached":
            one = await operator.listen(NODE)
            if one is not None:
                heard.setdefault(one.captured_at, one)
            await deferLater(reactor, 0.2)
        path = await fetched(rig, operator, name)
    pieces = [_piece(heard[stamp]) for stamp in sorted(heard)]
    loud = [piece for piece in pieces if np.abs(piece).max() > 0.01 and len(piece) == 16_000]
    assert len(loud) >= 4
    joined = np.concatenate(loud)
    whole = soxr.resample(samples_of(path).mean(axis=1), 48_000, 16_000)
    errors = [
        np.abs(joined - whole[start : start + len(joined)]).max()
        for start in range(0, len(whole) - len(joined) + 1, 16_000)
    ]
    assert min(errors) < 0.002, errors


def _piece(heard: Heard) -> Floats:
    with wave.open(io.BytesIO(heard.wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0


async def test_arecord_lets_go(tmp_path: Path, need: Need) -> None:
    """A device that only one program can open is metered, recorded, and metered again."""
    for program, package in alsa_device.NEEDS:
        need(program, package)
    with AlsaDevice(tmp_path) as device:
        async with make_rig(tmp_path, **device.env) as rig:
            await rig.start_controller("--solo-port", "0")
            operator = rig.operator()
            rig.start_agent("--capture-device", device.name, "--capture-format", "S32_LE", *QUICK)
            await until_there(operator, 2)
            wished = {"nodeId": NODE, "device": device.name, "durationSeconds": 3}
            path = await fetched(
                rig, operator, await queue(operator, {**wished, "format": "S32_LE"})
            )
            assert path.stat().st_size > 0
            found = len(await frames(operator))
            await until_there(operator, found + 2)
            events = [event["type"] for event in await operator.health_events()]
    assert not [each for each in events if "meter" in each or "device" in each], events


async def test_pipewire(tmp_path: Path, need: Need) -> None:
    """A source of PipeWire is metered while nothing is recorded."""
    for program, package in pipewire_server.NEEDS:
        need(program, package)
    with PipeWireServer(tmp_path) as server:
        async with make_rig(tmp_path, **server.env) as rig:
            await rig.start_controller("--solo-port", "0")
            operator = rig.operator()
            flags = ("--capture-backend", "pipewire", "--capture-device", "tone")
            rig.start_agent(*flags, "--capture-format", "S32_LE", *QUICK)
            found = await until_there(operator, 3)
    assert peaks(found[-1]) == [-6.0, -6.5]


async def test_jack(tmp_path: Path, need: Need) -> None:
    """A source of JACK is metered while nothing is recorded."""
    for program, package in (*jack_server.NEEDS, ("arecord", "alsa-utils")):
        need(program, package)
    with JackServer(tmp_path) as server:
        server.plug("sim", 2, "sine")
        async with make_rig(tmp_path, **server.env) as rig:
            await rig.start_controller("--solo-port", "0")
            operator = rig.operator()
            flags = ("--capture-backend", "jack", "--capture-device", "sim")
            rig.start_agent(*flags, "--capture-format", "FLOAT_LE", *QUICK)
            found = await until_there(operator, 3)
    assert all(-20.0 < peak < 0.0 for peak in peaks(found[-1])), found[-1]
