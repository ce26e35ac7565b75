"""The one-shot modes as a person runs them: answers on stdout, words on stderr, codes."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor

from rakkr.audio import wave
from rakkr.audio.pcm import FORMATS
from rakkr.process import Ladder, Ran, run, spawn
from rakkr.rig import NODE, Rig
from tests.integration.listening import decode, loudest_hertz
from tests.integration.test_recording import (
    fetched,
    grown,
    make_rig,
    orphans,
    queue,
    wish,
)

pytestmark = pytest.mark.deadline(60)


async def agent(rig: Rig, *flags: str) -> Ran:
    """Run ``rakkr-recorder-agent`` to its end."""
    program = str(Path(sys.executable).with_name("rakkr-recorder-agent"))
    argv = [program, "--node-id", NODE, *flags]
    return await run(reactor, reactor, argv, env=rig.environ, ladder=Ladder(limit=50.0))


async def controlled(rig: Rig, *flags: str) -> Ran:
    """The same, working for the rig's controller."""
    return await agent(rig, *rig.agent_flags(), "--capture-command", "rakkr-tone", *flags)


async def test_version_and_help(tmp_path: Path) -> None:
    """``--version`` and ``--help`` answer on stdout, with code 0."""
    rig = make_rig(tmp_path)
    version = await agent(rig, "--version")
    assert (version.exit.code, version.stdout) == (0, b"rakkr-recorder-agent 0.1.0\n")
    assert version.stderr == b""
    usage = await agent(rig, "--help")
    assert usage.exit.code == 0
    assert b"--controller-url" in usage.stdout


async def test_print_meter_frame(tmp_path: Path) -> None:
    """The levels of the configured device are measured and printed, and nothing is invented."""
    tone = ["--capture-command", "rakkr-tone", "--capture-channels", "3"]
    ran = await agent(make_rig(tmp_path), "--print-meter-frame", "--capture-device", "tone", *tone)
    assert ran.exit.code == 0, ran
    printed = json.loads(ran.stdout)
    assert [level["peakDbfs"] for level in printed["levels"]] == [-6.0, -6.5, -7.0]
    assert printed["interfaceId"] == "iface_default_capture"
    ran = await agent(make_rig(tmp_path), "--print-meter-frame", "--capture-device", "x", *tone)
    assert (ran.exit.code, ran.stdout) == (1, b"")
    assert b"no levels could be measured: meter command exited with" in ran.stderr
    assert b"audio open error" in ran.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--heartbeat-seconds", "0"], "--heartbeat-seconds"),
        (["--capture-sample-rate", "fast"], "fast"),
        (["--bootstrap"], "does not exist in this version"),
        (["--no-such-flag"], "no-such-flag"),
        (["surplus"], "surplus"),
        (["--repair", ""], "--repair is empty"),
    ],
)
async def test_usage_errors(tmp_path: Path, flags: list[str], words: str) -> None:
    """What cannot be used is one sentence on stderr and code 2, with the flag or value named."""
    ran = await agent(make_rig(tmp_path), *flags)
    assert ran.exit.code == 2
    assert ran.stdout == b""
    assert words in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


async def test_twistd_refuses_too(tmp_path: Path) -> None:
    """``twistd rakkr-recorder`` leaves with 2 and the same sentence, and without a traceback."""
    twistd = str(Path(sys.executable).with_name("twistd"))
    for flags, words in (
        (["--heartbeat-seconds", "0"], b"--heartbeat-seconds"),
        (["--run-next-job"], b"rakkr-recorder-agent --run-next-job"),
        (["--repair-output", "x"], b"rakkr-recorder-agent --repair-output"),
        (["--controller-token", "x", "--controller-url", "http://127.evil.example"], b"127.evil"),
    ):
        argv = [twistd, "-n", "--pidfile=", "rakkr-recorder", *flags]
        ran = await run(
            reactor, reactor, argv, env=make_rig(tmp_path).environ, ladder=Ladder(limit=30.0)
        )
        assert ran.exit.code == 2, ran
        assert words in ran.stderr
        assert b"Traceback" not in ran.stderr + ran.stdout


async def test_print_inventory(tmp_path: Path) -> None:
    """The inventory is one JSON document on stdout, whatever is logged."""
    ran = await agent(make_rig(tmp_path), "--print-inventory")
    document: dict[str, Any] = json.loads(ran.stdout)
    assert ran.exit.code == 0
    assert (document["id"], document["tags"]) == (NODE, ["recorder-agent"])
    assert document["interfaces"]


async def test_plaintext_is_refused(tmp_path: Path) -> None:
    """A token is not sent in clear to another host, nor to one that is named like this one."""
    rig = make_rig(tmp_path)
    for url in ("http://10.0.0.1", "http://127.evil.example", "ftp://localhost"):
        ran = await agent(rig, "--run-next-job", "--controller-token", "x", "--controller-url", url)
        assert ran.exit.code == 2
        assert b"controller" in ran.stderr
        assert b"Traceback" not in ran.stderr


async def test_run_next_job(tmp_path: Path) -> None:
    """One job is claimed and delivered; then nothing is queued, which is no failure."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        name = await queue(operator, wish(2))
        ran = await controlled(rig, "--run-next-job")
        assert (ran.exit.code, ran.stdout) == (0, b""), ran
        assert len(await decode(await fetched(rig, operator, name), dict(rig.environ))) == 96_000
        ran = await controlled(rig, "--run-next-job")
        assert ran.exit.code == 0
        assert b"nothing is queued" in ran.stderr
        await queue(operator, wish(2, device="no such device"))
        ran = await controlled(rig, "--run-next-job")
        assert ran.exit.code == 1
        assert b"no such device" in ran.stderr


async def test_run_next_job_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in mid-recording delivers what was recorded, and is no failure."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        name = await queue(operator, wish(600))
        program = str(Path(sys.executable).with_name("rakkr-recorder-agent"))
        argv = [program, "--node-id", NODE, *rig.agent_flags(), "--run-next-job"]
        child = spawn(
            reactor,
            reactor,
            [*argv, "--capture-command", "rakkr-tone"],
            env=rig.environ,
            ladder=Ladder(grace=40.0),
        )
        await grown(tmp_path / "agent", 192_000)
        child.stop("INT")
        how = await child.when_ended()
        assert how.signal in {None, signal.SIGINT}
        assert len(await decode(await fetched(rig, operator, name), dict(rig.environ))) >= 48_000


async def test_run_next_job_without_a_controller(tmp_path: Path) -> None:
    """When the controller is gone, a signal still ends the run, in time, and the audio stays."""
    async with make_rig(tmp_path) as rig:
        solo = await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        name = await queue(operator, wish(3))
        program = str(Path(sys.executable).with_name("rakkr-recorder-agent"))
        argv = [program, "--node-id", NODE, *rig.agent_flags(), "--run-next-job"]
        child = spawn(
            reactor,
            reactor,
            [*argv, "--capture-command", "rakkr-tone", "--shutdown-seconds", "2"],
            env=rig.environ,
            ladder=Ladder(grace=20.0),
        )
        path = await grown(tmp_path / "agent", 192_000)
        solo.stop("KILL")
        await grown(tmp_path / "agent", 3 * 192_000)
        child.stop("TERM")
        how = await child.when_ended()
        assert how.signal in {None, signal.SIGTERM}, how
        assert path.name == f"{name}.raw.wav"
        assert len(await decode(path, dict(rig.environ))) == 3 * 48_000


async def test_demo_is_ended_whole(tmp_path: Path) -> None:
    """A demo that is told to end leaves none of its processes."""
    argv = [sys.executable, "-m", "rakkr.demo", "--directory", str(tmp_path)]
    child = spawn(reactor, reactor, argv, env=make_rig(tmp_path).environ, ladder=Ladder(grace=40.0))
    await grown(tmp_path, 48_000)
    child.stop("TERM")
    await child.when_ended()
    assert not orphans(str(tmp_path), "twistd")
    assert not orphans(str(tmp_path))


async def test_capture_and_attach(tmp_path: Path) -> None:
    """A recording made by hand, and a file that exists already, reach their recordings."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        by_hand, attached = [await queue(operator, wish(600)) for _ in range(2)]
        target = tmp_path / "hand.flac"
        ran = await controlled(
            rig,
            *("--capture-recording-id", by_hand, "--capture-output", str(target)),
            *("--capture-device", "tone:300", "--capture-seconds", "2"),
        )
        assert ran.exit.code == 0, ran
        samples = await decode(await fetched(rig, operator, by_hand), dict(rig.environ))
        assert len(samples) == 96_000
        assert abs(loudest_hertz(samples[:, 0]) - 300) < 1.5
        ran = await controlled(
            rig,
            *("--attach-cache-recording-id", attached, "--attach-cache-file", str(target)),
            *("--attach-cache-content-type", "audio/flac", "--attach-cache-duration-seconds", "2"),
        )
        assert ran.exit.code == 0, ran
        got = await fetched(rig, operator, attached)
        assert got.read_bytes() == target.read_bytes()
        assert target.exists()


async def test_attach_needs_both(tmp_path: Path) -> None:
    """Half of an attachment is refused with a sentence, and so is one without a token."""
    ran = await agent(make_rig(tmp_path), "--attach-cache-file", "/tmp/x")
    assert ran.exit.code == 2
    assert b"--attach-cache-recording-id" in ran.stderr
    ran = await agent(make_rig(tmp_path), "--run-next-job")
    assert ran.exit.code == 2
    assert b"--controller-token" in ran.stderr


async def test_repair(tmp_path: Path) -> None:
    """What was made is said in one line on stderr; a destination alone is refused."""
    lying = tmp_path / "a\nb.wav"
    samples = bytes(range(200))
    lying.write_bytes(wave.header(FORMATS["S16_LE"], 8000, 2, 0) + samples)
    ran = await agent(make_rig(tmp_path), "--repair", str(lying))
    assert ran.exit.code == 0, ran
    assert ran.stdout == b""
    assert b"holds all 50 frames" in ran.stderr
    assert (tmp_path / "a\nb.repaired.wav").read_bytes().endswith(samples)
    assert ran.stderr.splitlines()[0].endswith(b"of audio")
    ran = await agent(make_rig(tmp_path), "--repair-output", str(tmp_path))
    assert ran.exit.code == 2
    assert b"--repair, too" in ran.stderr


async def test_list_salvage_of_nobody(tmp_path: Path) -> None:
    """Where no agent ever was, an empty list comes with a sentence, and nothing is made."""
    rig = make_rig(tmp_path)
    flags = ("--capture-dir", str(tmp_path / "c"), "--agent-state-file", str(tmp_path / "s.json"))
    ran = await agent(rig, "--list-salvage", *flags)
    assert (ran.exit.code, ran.stdout) == (0, b"[]\n")
    assert b"in its working directory" in ran.stderr
    assert not (tmp_path / "c").exists()
    (tmp_path / "jobs").mkdir()
    ran = await agent(rig, "--list-salvage", *flags)
    assert (ran.exit.code, ran.stdout) == (0, b"[]\n")
    assert b"working directory" not in ran.stderr


async def test_print_channel_map_assignments(tmp_path: Path) -> None:
    """The assignments are a JSON list on stdout."""
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        ran = await controlled(rig, "--print-channel-map-assignments")
        assert (ran.exit.code, json.loads(ran.stdout)) == (0, [])


async def test_solo_in_one_process(tmp_path: Path) -> None:
    """``--solo`` is controller and agent in one: what it says, it does."""
    async with make_rig(tmp_path) as rig:
        ran = await agent(rig, "--solo", "--solo-port", "0")
        assert ran.exit.code == 2
        assert b"--solo-port" in ran.stderr
        ran = await agent(rig, "--solo", "--controller-url", "https://localhost:1")
        assert ran.exit.code == 2
        assert b"--controller-url" in ran.stderr
