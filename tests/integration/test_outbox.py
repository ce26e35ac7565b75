"""Evidence arrives: outages, kills, rotations and full disks, with real processes and real TLS."""

from __future__ import annotations

import errno
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from rakkr.health.record import deliverable
from rakkr.process import Child, Ladder, spawn
from rakkr.rig import NODE, Rig
from tests.integration.event_program import NUMBERED
from tests.integration.rotating_program import make_store
from tests.integration.small_disk import small_disk_at

pytestmark = pytest.mark.deadline(60)
ROOT = Path(__file__).parent.parent.parent
ROTATING = Path(__file__).with_name("rotating_program.py")
REPORTING = Path(__file__).with_name("event_program.py")
SMALL = ("--agent-health-log-max-bytes", "20000", "--agent-health-events-per-second", "5000")


def make_rig(directory: Path) -> Rig:
    """A rig whose programs are those of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return Rig(reactor, directory, {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)})


def reporting(rig: Rig, first: int, count: int, *flags: str) -> Child:
    """A process with the agent's own outbox that reports many events."""
    argv = [sys.executable, str(REPORTING), str(first), str(count), *rig.agent_flags(), *flags]
    world: Any = reactor
    said = os.open(rig.log_of("events"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        child = spawn(
            world,
            world,
            [*argv, "--node-id", NODE],
            env=rig.environ,
            ladder=Ladder("KILL"),
            child_fds={1: said, 2: said},
        )
    finally:
        os.close(said)
    rig.children.append(child)
    return child


def events(rig: Rig) -> list[dict[str, Any]]:
    """All events that the controller has, in the order in which they came."""
    database = sqlite3.connect(f"file:{rig.solo_directory / 'solo.sqlite3'}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT document FROM events ORDER BY sequence").fetchall()
    finally:
        database.close()
    return [json.loads(row[0]) for row in rows]


def arrived(rig: Rig) -> list[str]:
    """Their types."""
    return [each["type"] for each in events(rig)]


def numbered(rig: Rig) -> list[int]:
    """Those that a test reported."""
    return [each["details"]["skewSeconds"] for each in events(rig) if each["type"] == NUMBERED]


async def until(condition: object) -> None:
    """Wait for what nobody announces."""
    while not condition():  # type: ignore[operator]
        await deferLater(reactor, 0.05)


def stored(rig: Rig, times: int) -> bool:
    """Whether so many processes have stored everything."""
    log = rig.log_of("events")
    return log.exists() and log.read_text().count("stored") >= times


@pytest.mark.parametrize(("store", "count"), [("jsonl", 3000), ("sqlite", 600)])
async def test_outage(tmp_path: Path, store: str, count: int) -> None:
    """
    Thousands of events of an outage arrive after it, though the agent is killed in the middle.

    All are there, in order, and hardly any of them twice.
    """
    flags = [*SMALL, "--agent-health-log-store", store]
    flags += ["--agent-health-sqlite-file", str(tmp_path / "agent" / "events.sqlite3")]
    async with make_rig(tmp_path) as rig:
        controller = await rig.start_controller("--solo-port", "0")
        await controller.stop("KILL")
        away = reporting(rig, 0, count, *flags)
        await until(lambda: stored(rig, 1))
        await away.stop("KILL")
        await rig.start_controller("--solo-port", "0")
        killed = reporting(rig, count, 300, *flags)
        await until(lambda: len(numbered(rig)) > count // 4)
        await killed.stop("KILL")
        before = len(numbered(rig))
        assert before < count
        reporting(rig, 4000, 1, *flags)
        await until(lambda: numbered(rig)[-1] == 4000)
        came = numbered(rig)
        first = list(dict.fromkeys(came))
        assert first == sorted(first)
        # The second process may have been killed before it had stored all of its own.
        assert set(range(count)) <= set(first)
        assert first == [*range(first[-2] + 1), 4000]
        assert len(came) - len(first) <= 50
        assert not list((tmp_path / "agent").glob("*refused*"))


async def test_outage_over_a_restart(tmp_path: Path) -> None:
    """An outage in which the agent is killed and started again is told once, and so is its end."""
    flags = ("--capture-command", "rakkr-tone", "--heartbeat-seconds", "1")
    edges = [f"agent.{what}.sync_" for what in ("health_event", "node_heartbeat")]
    remembered = tmp_path / "agent" / "open-problems.json"
    async with make_rig(tmp_path) as rig:
        controller = await rig.start_controller("--solo-port", "0")
        port = urlsplit((rig.solo_directory / "url").read_text()).port
        agent = rig.start_agent(*flags)
        await until(lambda: "agent.started" in arrived(rig))
        await controller.stop("KILL")
        await until(remembered.exists)
        await until(lambda: all(f"{each}failed" in remembered.read_text() for each in edges))
        await agent.stop("KILL")
        said = rig.log_of("agent")
        before = said.read_text().count("heartbeat:")
        rig.start_agent(*flags)
        await until(lambda: said.read_text().count("heartbeat:") > before + 1)
        await rig.start_controller("--solo-port", str(port))
        await until(lambda: all(f"{each}recovered" in arrived(rig) for each in edges))
        assert [arrived(rig).count(f"{each}failed") for each in edges] == [1, 1]


async def test_two_processes(tmp_path: Path) -> None:
    """
    A process beside the daemon writes into the same log, and the daemon delivers for both.

    When the daemon is killed in the middle, the other one goes on where it was.
    """
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        daemon = rig.start_agent("--capture-command", "rakkr-tone", *SMALL)
        await until(lambda: "agent.started" in arrived(rig))
        reporting(rig, 0, 1000, *SMALL)
        await until(lambda: len(numbered(rig)) > 100)
        await daemon.stop("KILL")
        await until(lambda: 999 in numbered(rig))
        came = numbered(rig)
        assert list(dict.fromkeys(came)) == list(range(1000))
        assert len(came) - 1000 <= 50


@pytest.mark.parametrize("kind", ["jsonl", "sqlite"])
def test_killed_while_rotating(tmp_path: Path, kind: str) -> None:
    """Whenever a writer is killed, everything that it had stored is there, in order."""
    ran = subprocess.run(
        [sys.executable, str(ROTATING), str(tmp_path), "40", kind],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    stored_ = [int(line) for line in ran.stdout.split()]
    assert len(stored_) > 400
    store = make_store(tmp_path, kind)
    position = store.begin()
    there = []
    while records := store.read(position, 50):
        wires = map(deliverable, (each.line for each in records))
        there += [int(wire["type"][1:]) for wire in wires if wire]
        position = records[-1].behind
    store.close()
    assert there == sorted(there)
    # What the last writers had read and saved is behind the cursor.
    assert set(there) >= {number for number in stored_ if number >= there[0]}
    last_turn = stored_[-1] // 1_000_000
    assert there[0] // 1_000_000 <= last_turn


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, taken away afterwards."""
    with small_disk_at(tmp_path / "disk", "256k") as disk:
        yield disk


def fill(file: io.RawIOBase) -> None:
    """Write until there is no room at all."""
    for size in (4096, 1):
        try:
            while True:
                file.write(b"x" * size)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - any other is a failure


async def test_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """
    While the log's disk is full a recording goes on and is delivered, and events arrive.

    When there is room again, the log has them, too.
    """
    log = small_disk / "events.jsonl"
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        rig.start_agent(
            *("--capture-command", "rakkr-tone", "--agent-health-log-file", str(log)),
        )
        await until(lambda: "agent.started" in arrived(rig))
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            fill(file)
        with log.open("ab", buffering=0) as file:  # its last block has room for some events
            fill(file)
        operator = rig.operator()
        wish = {"nodeId": NODE, "device": "tone", "durationSeconds": 2, "channels": 2}
        queued = await operator.queue({**wish, "outputCodec": "flac"})
        await operator.wait_for(queued["recording"]["id"], "cached")
        await until(lambda: "agent.recording_job.capture_accounted" in arrived(rig))
        assert arrived(rig).count("agent.health_log.write_failed") == 1
        filler.unlink()
        await until(lambda: "agent.health_log.write_recovered" in arrived(rig))
        lines = log.read_text().splitlines()
        types = [json.loads(line)["type"] for line in lines if not line.endswith("x")]
        assert types.count("agent.recording_job.capture_accounted") == 1
        assert arrived(rig).count("agent.recording_job.capture_accounted") == 1
        assert [each for each in arrived(rig) if each in types] == types


async def test_a_log_of_the_reference_agent(tmp_path: Path) -> None:
    """What the reference agent wrote, and sent itself, is not sent again."""
    log = tmp_path / "agent" / "health-events.jsonl"
    log.parent.mkdir()
    details = {"absoluteSkewSeconds": 1, "nodeId": NODE, "skewSeconds": 1}
    old = {"details": details, "severity": "info", "type": NUMBERED}
    lines = [json.dumps({**old, "id": f"o{n}", "openedAt": "2026-01-01T00:00:00Z"}) for n in "12"]
    log.write_text("\n".join(lines) + '\n{"details":{"torn')
    async with make_rig(tmp_path) as rig:
        await rig.start_controller("--solo-port", "0")
        rig.start_agent("--capture-command", "rakkr-tone")
        await until(lambda: "agent.started" in arrived(rig))
        assert not numbered(rig)
    assert "only what is added from now on is sent" in rig.log_of("agent").read_text()
