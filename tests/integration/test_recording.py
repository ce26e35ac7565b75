"""The main job, from the operator's wish to the file: real processes, real TLS, real ffmpeg."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from rakkr.rig import NODE, Rig
from rakkr.solo.operator import Operator
from tests.integration.listening import decode, loudest_hertz
from tests.integration.relay import Relay

pytestmark = pytest.mark.deadline(90)
TONE = [440.0, 490.0, 540.0, 590.0]


def make_rig(directory: Path, **environ: str) -> Rig:
    """A rig whose programs are those of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return Rig(reactor, directory, {**os.environ, "PATH": path, **environ})


def wish(seconds: int, **more: Any) -> dict[str, Any]:
    """A recording of the tone."""
    return {"nodeId": NODE, "device": "tone", "durationSeconds": seconds, "channels": 2, **more}


async def start(rig: Rig, *flags: str) -> Operator:
    """Start both sides, with the tone as the source."""
    await rig.start_controller("--solo-port", "0")
    rig.start_agent("--capture-command", "rakkr-tone", *flags)
    return rig.operator()


async def queue(operator: Operator, wished: dict[str, Any]) -> str:
    """Queue a recording, and name it."""
    queued = await operator.queue(wished)
    name: str = queued["recording"]["id"]
    return name


async def fetched(rig: Rig, operator: Operator, name: str) -> Path:
    """Wait for a recording and fetch it, with the controller's checksum compared."""
    found = await operator.wait_for(name, "cached")
    file = found["recording"]["files"]["primary"]
    got = await operator.download(name, rig.directory / file["fileName"])
    assert (got.bytes, f"sha256:{got.sha256}") == (file["size"], file["checksum"])
    return got.path


async def event_types(operator: Operator) -> list[str]:
    """The types of the agent's own events, oldest first."""
    events = await operator.health_events()
    return [event["type"] for event in reversed(events) if event["type"].startswith("agent.")]


async def told(operator: Operator, wanted: str) -> list[str]:
    """Wait until the controller knows of an event, and list all types that it knows."""
    while wanted not in (types := await event_types(operator)):
        await deferLater(reactor, 0.05)
    return types


async def grown(directory: Path, size: int, name: str = "*") -> Path:
    """Wait until a recording's capture in a directory has this many bytes."""
    while True:
        for path in directory.glob(f"**/{name}.raw.wav"):
            if path.stat().st_size >= size:
                return path
        await deferLater(reactor, 0.05)


@pytest.mark.parametrize("codec", ["flac", "wav", "mp3"])
async def test_codecs(tmp_path: Path, codec: str) -> None:
    """A queued recording arrives in its codec, whole, with each channel in its place."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, wish(3, outputCodec=codec))
        path = await fetched(rig, operator, name)
        assert path.suffix == f".{codec}"
        samples = await decode(path, dict(rig.environ))
        if codec == "mp3":
            assert abs(len(samples) - 144_000) < 4_800
        else:
            assert len(samples) == 144_000
        for channel in range(2):
            assert abs(loudest_hertz(samples[:, channel]) - TONE[channel]) < 1.5


async def test_stop_keeps_the_audio(tmp_path: Path) -> None:
    """A stop in mid-recording delivers what was recorded, with no warning on the recording."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, wish(600))
        await grown(tmp_path / "agent", 2 * 192_000)
        await operator.stop(name)
        path = await fetched(rig, operator, name)
        samples = await decode(path, dict(rig.environ))
        assert len(samples) >= 2 * 48_000
        assert abs(loudest_hertz(samples[:, 1]) - TONE[1]) < 1.5
        found = await operator.recording(name)
        assert found["jobs"][-1]["status"] == "completed"
        assert found["recording"]["healthStatus"] == "healthy"


async def test_stop_with_a_slow_encoder(tmp_path: Path, need: Callable[[str, str], str]) -> None:
    """An encoder that outlasts the stop window loses nothing: WAV in time, then the MP3."""
    need("ffmpeg", "ffmpeg")
    slow = tmp_path / "slow-ffmpeg"
    slow.write_text('#!/bin/sh\ncase "$*" in *libmp3lame*) sleep 35;; esac\nexec ffmpeg "$@"\n')
    slow.chmod(0o755)
    async with make_rig(tmp_path) as rig:
        operator = await start(rig, "--channel-render-command", str(slow))
        name = await queue(operator, wish(600, outputCodec="mp3"))
        await grown(tmp_path / "agent", 192_000)
        await operator.stop(name)
        path = await fetched(rig, operator, name)
        assert path.suffix == ".wav"
        samples = await decode(path, dict(rig.environ))
        assert len(samples) >= 48_000
        while path.suffix != ".mp3":
            await deferLater(reactor, 0.5)
            path = await fetched(rig, operator, name)
        found = await operator.recording(name)
        assert [job["status"] for job in found["jobs"]] == ["completed"]
        assert found["recording"]["healthStatus"] == "healthy"
        assert abs(len(await decode(path, dict(rig.environ))) - len(samples)) < 4_800


async def test_two_jobs_at_once(tmp_path: Path) -> None:
    """Two recordings of two devices run side by side when the operator allows it."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        capacity = {"recordingCapacity": {"maxConcurrentRecordings": 2}}
        await operator.configure(NODE, capacity)
        names = [
            await queue(operator, wish(4, device=device)) for device in ("tone:300", "tone:800")
        ]
        rig.start_agent("--capture-command", "rakkr-tone", "--max-concurrent-recordings", "2")
        running = [operator.wait_for(name, "cached") for name in names]
        found = await gatherResults([Deferred.fromCoroutine(each) for each in running])
        started = [each["jobs"][0]["startedAt"] for each in found]
        ended = [each["jobs"][0]["completedAt"] for each in found]
        assert max(started) < min(ended), "they did not overlap"
        for name, hertz in zip(names, (300.0, 800.0), strict=True):
            samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
            assert len(samples) == 4 * 48_000
            assert abs(loudest_hertz(samples[:, 0]) - hertz) < 1.5


async def test_group(tmp_path: Path) -> None:
    """Two members of one capture get their own channels; stopping one leaves the other alone."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        queued = await operator.queue(
            {
                **wish(5, outputCodec="flac"),
                "members": [
                    {"captureChannelSelection": [1, 2]},
                    {"captureChannelSelection": [4, 3], "durationSeconds": 600},
                ],
            }
        )
        one, two = (member["recording"]["id"] for member in queued["members"])
        first = await decode(await fetched(rig, operator, one), dict(rig.environ))
        assert len(first) == 5 * 48_000
        await operator.stop(two)
        second = await decode(await fetched(rig, operator, two), dict(rig.environ))
        assert len(second) >= 5 * 48_000
        heard = [loudest_hertz(each[:, channel]) for each in (first, second) for channel in (0, 1)]
        for got, expected in zip(heard, [TONE[0], TONE[1], TONE[3], TONE[2]], strict=True):
            assert abs(got - expected) < 1.5
        captures = list((tmp_path / "agent" / "captures").glob("*.raw.wav"))
        assert len(captures) == 1, "one device was opened once"


async def test_delete_after_upload(tmp_path: Path) -> None:
    """Under a policy that says so, nothing of a delivered recording stays on the node."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        policy = {
            "policyId": "p1",
            "deleteAfterUpload": True,
            "maxAgeDays": None,
            "maxBytes": None,
            "minFreeDiskPercent": None,
        }
        name = await queue(operator, wish(1, recorderCacheRetention=policy))
        await operator.wait_for(name, "cached")
        agent = rig.children[-1]
        agent.stop()
        await agent.when_ended()
        left = [path.name for path in (tmp_path / "agent" / "captures").iterdir()]
        assert [name for name in left if not name.startswith(".")] == []
        assert "agent.recording_job.recorder_cache_deleted" in await event_types(operator)


async def test_failures_are_told(tmp_path: Path) -> None:
    """A device that does not exist fails its job with the program's own words, and an event."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, wish(2, device="no such device"))
        found = await operator.wait_for(name, "failed")
        assert "no such device" in found["jobs"][-1]["failureReason"]
        await told(operator, "agent.recording_job.capture_failed")
        # The agent is none the worse for it.
        await fetched(rig, operator, await queue(operator, wish(1)))


async def test_impossible_is_refused_before_capture(tmp_path: Path) -> None:
    """Nine channels of FLAC fail with a sentence, and no file is made."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig)
        name = await queue(operator, wish(2, channels=9, outputCodec="flac"))
        found = await operator.wait_for(name, "failed")
        assert "8" in found["jobs"][-1]["failureReason"]
        assert not list(tmp_path.glob("agent/**/*.raw.wav"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals(tmp_path: Path, number: signal.Signals) -> None:
    """A signal that is to finish ends agent and capture, and what was recorded is delivered."""
    async with make_rig(tmp_path) as rig:
        operator = await start(rig, "--on-terminate", "finish")
        name = await queue(operator, wish(600))
        await grown(tmp_path / "agent", 192_000)
        agent = rig.children[-1]
        agent.stop(number.name.removeprefix("SIG"))
        how = await agent.when_ended()
        assert how.signal in {None, int(number)}, how
        assert not orphans(str(tmp_path)), "a capture program outlived the agent"
        samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
        assert len(samples) >= 48_000


def orphans(mark: str, program: str = "rakkr-tone") -> list[str]:
    """Command lines of a program's processes that have files under a directory open."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().decode().split("\0")
                files = [str(link.readlink()) for link in (process / "fd").iterdir()]
            except OSError:
                continue
            if program in (Path(word).name for word in words[:2]) and any(
                mark in name for name in files
            ):
                found.append(" ".join(words))
    return found


async def test_controller_outage(tmp_path: Path) -> None:
    """A controller that is away for some seconds in mid-recording costs nothing."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        async with Relay(int(rig.url.rpartition(":")[2])) as relay:
            operator = rig.operator()
            rig.start_agent("--capture-command", "rakkr-tone", "--controller-url", relay.url)
            name = await queue(operator, wish(8))
            await grown(tmp_path / "agent", 192_000)
            relay.down = True
            relay.reset()
            await grown(tmp_path / "agent", 5 * 192_000)
            relay.down = False
            samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
            assert len(samples) == 8 * 48_000
            types = await told(operator, "agent.recording_job.control_plane_recovered")
            assert types.count("agent.recording_job.control_plane_recovered") == 1


async def test_wrong_authority(tmp_path: Path) -> None:
    """An agent that does not trust the controller says so, takes nothing, and lives on."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        name = await queue(operator, wish(1))
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        agent = rig.start_agent("--controller-ca-cert-path", str(other))
        log = tmp_path / "agent.log"
        while "certificate" not in log.read_text():
            await deferLater(reactor, 0.05)
        assert agent.exit is None
        assert (await operator.recording(name))["jobs"][0]["status"] == "queued"


async def test_solo(tmp_path: Path) -> None:
    """``--solo`` is a controller and its agent in one process; Ctrl-C ends both, in order."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with make_rig(tmp_path) as rig:
        flags = ["--solo", "--solo-port", str(port), "--solo-dir", str(rig.solo_directory)]
        own = ["--capture-dir", str(tmp_path / "agent"), "--capture-command", "rakkr-tone"]
        log = ["--agent-health-log-file", str(tmp_path / "health.jsonl")]
        both = rig.start("solo", [*flags, *own, *log])
        while not (rig.solo_directory / "url").exists():
            await deferLater(reactor, 0.05)
        operator = Rig(
            rig.reactor, rig.directory, rig.environ, [], f"https://127.0.0.1:{port}"
        ).operator()
        name = await queue(operator, wish(2))
        samples = await decode(await fetched(rig, operator, name), dict(rig.environ))
        assert len(samples) == 96_000
        name = await queue(operator, wish(600))
        await grown(tmp_path / "agent", 192_000, name)
        both.stop("INT")
        how = await both.when_ended()
        assert how.signal in {None, signal.SIGINT}
        assert not orphans(str(tmp_path))
        stored = list((rig.solo_directory / "recordings").glob(f"**/{name}*"))
        assert stored, "the last recording was not delivered before the end"


async def test_reset_in_mid_upload(tmp_path: Path) -> None:
    """An upload whose connection breaks is sent again, and the receipt is the right one."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        async with Relay(int(rig.url.rpartition(":")[2])) as relay:
            operator = rig.operator()
            rig.start_agent("--capture-command", "rakkr-tone", "--controller-url", relay.url)
            wanted = wish(6, channels=32, format="S32_LE", outputCodec="wav")
            name = await queue(operator, wanted)
            incoming = rig.solo_directory / "incoming"
            await uploading(incoming)
            relay.reset()
            path = await fetched(rig, operator, name)
            samples = await decode(path, dict(rig.environ), channels=32)
            assert len(samples) == 6 * 48_000
            assert abs(loudest_hertz(samples[:, 31]) - (440 + 31 * 50)) < 1.5


async def uploading(directory: Path) -> None:
    """Wait until a part of an upload lies in the controller's spool."""
    while not any(path.stat().st_size for path in directory.glob("*")):
        await deferLater(reactor, 0.005)
