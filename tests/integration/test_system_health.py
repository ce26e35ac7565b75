"""The health of the machine as an operator sees it: a real agent, and programs that change."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from rakkr.process_identity import PROC
from rakkr.rig import Rig
from rakkr.solo.operator import Operator
from rakkr.system.disk_probe import DiskProbe
from tests.integration.test_recording import make_rig

pytestmark = pytest.mark.deadline(60)
CARD = "card 1: USB [Scarlett USB], device 0: USB Audio [USB Audio]"
EVERYTHING = ("agent.system.", "agent.audio_backend.")


@attrs.frozen
class Machine:
    """
    What the agent is told of its machine.

    :ivar directory: of the scripts and of what they say.
    """

    directory: Path

    def __attrs_post_init__(self) -> None:
        self.directory.mkdir()
        self._script("df", f'cat "{self.directory}/df.txt"')
        self._script("arecord", f'cat "{self.directory}/cards.txt"')
        self.fill(10)
        self.load("0.00")
        self.cards(CARD)

    def _script(self, name: str, line: str) -> None:
        draft = self.directory / f"{name}.new"
        draft.write_text(f"#!/bin/sh\n{line}\n")
        draft.chmod(0o755)
        draft.replace(self.directory / name)

    def _say(self, name: str, text: str) -> None:
        draft = self.directory / f"{name}.new"
        draft.write_text(text)
        draft.replace(self.directory / name)

    def fill(self, percent: int) -> None:
        """Let the disk be so full."""
        header = "Filesystem 1024-blocks Used Available Capacity Mounted on"
        line = f"/dev/a b 10000 {100 * percent} {10000 - 100 * percent} {percent}% /mnt/a b"
        self._say("df.txt", f"{header}\n{line}\n")

    def load(self, average: str) -> None:
        """Let the load be so high."""
        self._say("loadavg", f"{average} 0.00 0.00 1/100 12345\n")

    def cards(self, *lines: str) -> None:
        """Let these cards be plugged in."""
        self._say("cards.txt", "".join(f"{line}\n" for line in lines))

    def hang(self) -> None:
        """Let df hang, deaf to anything but KILL."""
        self._script("df", 'trap "" TERM; exec sleep 1000')

    def hanging_cards(self) -> Path:
        """Let arecord hang; the file tells its process id."""
        pid = self.directory / "arecord.pid"
        self._script("arecord", f'echo $$ > "{pid}"; exec sleep 1000')
        return pid

    def answer(self) -> None:
        """Let df answer again."""
        self._script("df", f'cat "{self.directory}/df.txt"')

    def flags(self) -> list[str]:
        """What leads an agent here."""
        return [
            "--heartbeat-seconds=1",
            f"--system-health-df-command={self.directory}/df",
            f"--system-health-loadavg-path={self.directory}/loadavg",
            "--system-health-load-warning-per-core=0.1",
            "--system-health-load-critical-per-core=1000",
            f"--inventory-arecord-command={self.directory}/arecord",
            f"--inventory-proc-asound-pcm-path={self.directory}/nothing",
            "--meter-backend=synthetic",
        ]


async def until(operator: Operator, holds: Callable[[list[dict[str, Any]]], bool]) -> list[Any]:
    """
    Wait until the events of the machine, the oldest first, are as they should be.

    One that was sent again because the agent was killed counts once.
    """
    while True:
        told: dict[str, dict[str, Any]] = {}
        for event in reversed(await operator.health_events()):
            if event["type"].startswith(EVERYTHING):
                told.setdefault(event["details"]["localEventId"], event)
        events = list(told.values())
        if holds(events):
            return events
        await deferLater(reactor, 0.05)


def so_many(count: int) -> Callable[[list[dict[str, Any]]], bool]:
    """Whether there are so many events."""
    return lambda events: len(events) >= count


async def status(operator: Operator, wanted: str) -> None:
    """Wait until the node says this of itself."""
    while (await operator.nodes())[0]["status"] != wanted:
        await deferLater(reactor, 0.05)


async def begin(rig: Rig, machine: Machine) -> Operator:
    """Start both sides."""
    await rig.start_controller("--solo-port", "0")
    rig.start_agent(*machine.flags())
    return rig.operator()


async def test_each_comes_and_goes(tmp_path: Path) -> None:
    """A full disk, a busy processor and no card are one event each, and one when it is over."""
    machine = Machine(tmp_path / "machine")
    async with make_rig(tmp_path) as rig:
        machine.fill(90)
        machine.load("12.5")
        machine.cards()
        operator = await begin(rig, machine)
        await until(operator, so_many(3))
        await status(operator, "degraded")
        machine.fill(10)
        machine.load("0.0")
        machine.cards(CARD)
        events = await until(operator, so_many(6))
        await status(operator, "online")
        told = {event["type"]: event for event in events}
    assert len(told) == len(events) == 6, [event["type"] for event in events]
    full, room = told["agent.system.disk_pressure"], told["agent.system.disk_recovered"]
    assert (full["severity"], room["severity"]) == ("warning", "info")
    assert (full["details"]["usedPercent"], room["details"]["usedPercent"]) == (90, 10)
    busy, idle = told["agent.system.cpu_pressure"], told["agent.system.cpu_recovered"]
    assert (busy["severity"], idle["severity"]) == ("warning", "info")
    loads = [each["details"]["loadAverageOneMinute"] for each in (busy, idle)]
    assert loads == [12.5, 0]
    none, one = told["agent.audio_backend.unavailable"], told["agent.audio_backend.recovered"]
    assert (none["severity"], one["severity"]) == ("warning", "info")
    assert [none["details"][key] for key in ("availableInterfaces", "interfaces")] == [0, 1]
    assert [one["details"][key] for key in ("availableInterfaces", "interfaces")] == [1, 1]
    assert "alsa" in one["details"]["audioBackends"]


async def test_over_a_restart(tmp_path: Path) -> None:
    """What went away while no agent ran is told as over; what is still there is not told twice."""
    machine = Machine(tmp_path / "machine")
    async with make_rig(tmp_path) as rig:
        machine.fill(97)
        machine.load("12.5")
        operator = await begin(rig, machine)
        await until(operator, so_many(2))
        await status(operator, "alerting")
        problems = tmp_path / "agent" / "open-problems.json"
        while "system.load" not in problems.read_text():
            await deferLater(reactor, 0.05)
        rig.children[-1].stop("KILL")
        await rig.children[-1].when_ended()
        machine.fill(10)
        rig.start_agent(*machine.flags())
        await until(operator, so_many(3))
        machine.load("0.0")
        events = await until(operator, so_many(4))
    assert sorted(event["type"] for event in events[:2]) == [
        "agent.system.cpu_pressure",
        "agent.system.disk_pressure",
    ]
    assert [event["type"] for event in events[2:]] == [
        "agent.system.disk_recovered",
        "agent.system.cpu_recovered",
    ]


async def test_a_df_that_hangs(tmp_path: Path) -> None:
    """It is killed and told of, and nothing else waits for it; when it answers, that is told."""
    machine = Machine(tmp_path / "machine")
    async with make_rig(tmp_path) as rig:
        machine.hang()
        machine.load("12.5")
        operator = await begin(rig, machine)
        first = await until(operator, so_many(1))
        await until(operator, lambda events: _types(events) >= {"agent.system.probe_failed"})
        machine.answer()
        events = await until(operator, so_many(3))
    assert [event["type"] for event in first] == ["agent.system.cpu_pressure"]
    failed, recovered = events[1:]
    assert failed["type"] == "agent.system.probe_failed"
    assert failed["details"]["probe"] == "disk"
    assert "did not answer within 10 s" in failed["details"]["error"]
    assert recovered["type"] == "agent.system.probe_recovered"
    assert recovered["details"]["failureCount"] >= 1


async def test_without_a_token(tmp_path: Path) -> None:
    """An agent without a controller watches, too, and writes it down."""
    machine = Machine(tmp_path / "machine")
    machine.fill(90)
    machine.cards()
    log = tmp_path / "health.jsonl"
    async with make_rig(tmp_path) as rig:
        child = rig.start("lonely", [*machine.flags(), *own_files(tmp_path)])
        wanted = ("agent.system.disk_pressure", "agent.audio_backend.unavailable")
        while not log.exists() or not all(name in log.read_text() for name in wanted):
            await deferLater(reactor, 0.05)
        child.stop("INT")
        ended = await child.when_ended()
    assert ended.signal in {None, signal.SIGINT}


async def test_an_arecord_that_hangs(tmp_path: Path) -> None:
    """An agent without a controller leaves none behind when it is stopped."""
    machine = Machine(tmp_path / "machine")
    pid = machine.hanging_cards()
    async with make_rig(tmp_path) as rig:
        child = rig.start("lonely", [*machine.flags(), *own_files(tmp_path)])
        while not pid.exists() or not pid.read_text():
            await deferLater(reactor, 0.05)
        child.stop("INT")
        await child.when_ended()
    while (PROC / pid.read_text().strip()).exists():
        await deferLater(reactor, 0.05)


def own_files(directory: Path) -> list[str]:
    """What keeps the files of an agent without a controller in a directory."""
    return [
        f"--capture-dir={directory}/captures",
        f"--agent-health-log-file={directory}/health.jsonl",
        f"--agent-state-file={directory}/state.json",
    ]


def _types(events: list[dict[str, Any]]) -> set[str]:
    return {event["type"] for event in events}


async def test_the_real_df(tmp_path: Path, need: Callable[[str, str], str]) -> None:
    """The df of this machine and the system itself agree on how full a disk is."""
    probe = DiskProbe(
        tmp_path / "not" / "there",
        command=need("df", "coreutils"),
        spawner=reactor,
        clock=reactor,
        in_thread=deferToThread,
        environ={"LC_ALL": "C"},
        proc=PROC,
    )
    seen = await probe.look.ask()
    filled = await probe.filled(seen)
    assert seen.place == tmp_path
    assert filled.total == seen.filled.total
    assert abs(filled.free - seen.filled.free) < 1 << 30, "others write to it as well"
    assert abs(filled.used_percent - seen.filled.used_percent) <= 1
