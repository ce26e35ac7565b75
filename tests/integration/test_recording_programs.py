"""The main job with the real arecord: on an ALSA device, and through PipeWire."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from twisted.internet import reactor

from rakkr.process import Ladder, run
from rakkr.rig import NODE
from tests.integration import alsa_device, pipewire_server
from tests.integration.alsa_device import AlsaDevice
from tests.integration.listening import decode, loudest_hertz
from tests.integration.pipewire_server import PipeWireServer
from tests.integration.test_recording import fetched, grown, make_rig, orphans, queue

pytestmark = pytest.mark.deadline(90)
Need = Callable[[str, str], str]


async def test_arecord_numbered(tmp_path: Path, need: Need) -> None:
    """Through capture, FLAC and TLS, every frame that the device gave arrives, in order."""
    for program, package in alsa_device.NEEDS:
        need(program, package)
    with AlsaDevice(tmp_path) as device:
        async with make_rig(tmp_path, **device.env) as rig:
            await rig.start_controller("--solo-port", "0")
            rig.start_agent()
            operator = rig.operator()
            wished = {
                "nodeId": NODE,
                "device": device.name,
                "durationSeconds": 3,
                "format": "S32_LE",
                "outputCodec": "wav",
            }
            name = await queue(operator, wished)
            path = await fetched(rig, operator, name)
            samples = await decode(path, dict(rig.environ))
            assert len(samples) == 3 * 48_000
            numbers = np.frombuffer(path.read_bytes()[128:], "<i4").reshape(-1, 2)[:, 0]
            steps = np.unique(np.diff(numbers.astype(np.int64)))
            assert len(steps) == 1, "a frame is missing, or came twice"


async def test_arecord_stopped(tmp_path: Path, need: Need) -> None:
    """An operator's stop ends a real arecord, and nothing is left of it."""
    for program, package in alsa_device.NEEDS:
        need(program, package)
    with AlsaDevice(tmp_path) as device:
        async with make_rig(tmp_path, **device.env) as rig:
            await rig.start_controller("--solo-port", "0")
            rig.start_agent()
            operator = rig.operator()
            wished = {"nodeId": NODE, "device": device.name, "durationSeconds": 600}
            name = await queue(operator, wished)
            await grown(tmp_path / "agent", 192_000)
            await operator.stop(name)
            samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
            assert len(samples) >= 48_000
            assert not orphans(str(tmp_path), "arecord")


async def test_pipewire(tmp_path: Path, need: Need) -> None:
    """arecord through the PipeWire plug-in delivers the source's tone, channel by channel."""
    for program, package in (*pipewire_server.NEEDS, ("arecord", "alsa-utils")):
        need(program, package)
    with PipeWireServer(tmp_path) as server:
        async with make_rig(tmp_path, **server.env) as rig:
            await rig.start_controller("--solo-port", "0")
            rig.start_agent()
            operator = rig.operator()
            wished = {"nodeId": NODE, "device": "pipewire:NODE=tone", "durationSeconds": 3}
            path = await fetched(rig, operator, await queue(operator, wished))
            samples = await decode(path, dict(rig.environ))
            assert len(samples) == 3 * 48_000
            for channel, hertz in enumerate((440.0, 490.0)):
                assert abs(loudest_hertz(samples[:, channel]) - hertz) < 1.5


@pytest.mark.parametrize("source", ["rakkr-tone", "arecord"])
async def test_demo(tmp_path: Path, need: Need, source: str) -> None:
    """The demo proves the main job and ends with one JSON object that says so."""
    if source == "arecord":
        need("arecord", "alsa-utils")
    argv = [sys.executable, "-m", "rakkr.demo", "--directory", str(tmp_path), "--source", source]
    environ = make_rig(tmp_path).environ
    ran = await run(reactor, reactor, argv, env=environ, ladder=Ladder(limit=80.0))
    assert ran.exit.code == 0, ran
    last = json.loads(ran.stdout.splitlines()[-1])
    path = Path(last.pop("path"))
    assert path.stat().st_size == last.pop("bytes")
    assert last.pop("recordingId").startswith("rec_")
    assert len(last.pop("sha256")) == 64
    assert last == {
        "codec": "flac",
        "seconds": 10.0,
        "frames": 480_000,
        "transport": "https",
        "verified": True,
    }
    assert not orphans(str(tmp_path), source)
