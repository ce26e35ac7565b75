"""The controller sees what is plugged in, within a heartbeat: whole agents, real sound servers."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from rakkr.inventory.agents import another_agent
from rakkr.process_identity import identify, lives
from rakkr.rig import NODE, Rig
from rakkr.solo.operator import Operator
from tests.integration import jack_server, pipewire_server
from tests.integration.capture_world import after
from tests.integration.jack_server import JackServer
from tests.integration.pipewire_server import PipeWireServer
from tests.integration.test_modes import agent
from tests.integration.test_recording import fetched, make_rig, queue

pytestmark = pytest.mark.deadline(60)
Need = Callable[[str, str], str]
HEARTBEAT_SECONDS = 1
# A probe, a post, and the machine's other work come to the heartbeat.
SOON_SECONDS = HEARTBEAT_SECONDS + 4.0
FLAGS = ("--heartbeat-seconds", str(HEARTBEAT_SECONDS), "--meter-backend", "synthetic")
HEADING = "**** List of CAPTURE Hardware Devices ****\n"
PARAMETERS = """\
HW Params of device "hw:1,0":
--------------------
FORMAT:  S32_LE
CHANNELS: [2 32]
RATE: [44100 96000]
--------------------
arecord: set_params:1352: Sample format non available
"""


@attrs.frozen
class Arecord:
    """
    An ``arecord`` whose list changes, and which notes each opening of a device.

    :ivar directory: its files, and what the kernel would have of its cards.
    """

    directory: Path

    def make(self) -> None:
        """Write the program."""
        (self.directory / "asound").mkdir(parents=True)
        (self.directory / "parameters").write_text(PARAMETERS)
        here = shlex.quote(str(self.directory))
        self.program(
            "arecord",
            f'[ "$1" = -l ] && exec cat {here}/cards\n'
            f'echo "$*" >> {here}/opened\ncat {here}/parameters >&2\nexit 1\n',
        )
        self.show()

    def program(self, name: str, text: str) -> None:
        """Write a shell script."""
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)

    def show(self, *ids: str) -> None:
        """Let these be the cards, none of which is in use."""
        lines = []
        for number, id_ in enumerate(ids, 1):
            lines.append(f"card {number}: {id_} [{id_} Mixer], device 0: Audio [{id_} Mixer]\n")
            place = self.directory / "asound" / f"card{number}" / "pcm0c" / "sub0"
            place.mkdir(parents=True, exist_ok=True)
            (place / "status").write_text("closed\n")
        self.list_bytes("".join([HEADING, *lines]).encode())

    def list_bytes(self, text: bytes) -> None:
        """Let the program list this."""
        draft = self.directory / "cards.new"
        draft.write_bytes(text)
        draft.replace(self.directory / "cards")

    @property
    def opened(self) -> list[str]:
        """Which devices were opened, in order."""
        path = self.directory / "opened"
        return [line.split()[1] for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def flags(self) -> tuple[str, ...]:
        """For the agent."""
        return (
            *("--inventory-arecord-command", str(self.directory / "arecord")),
            *("--inventory-proc-asound-pcm-path", str(self.directory / "asound" / "pcm")),
        )


@asynccontextmanager
async def running(rig: Rig, *flags: str) -> AsyncIterator[Operator]:
    """A controller and an agent that beats every second."""
    async with rig:
        await rig.start_controller("--solo-port", "0")
        rig.start_agent(*FLAGS, *flags)
        yield rig.operator()


async def inputs(operator: Operator) -> dict[str, dict[str, Any]]:
    """The inputs that the controller takes for present, by their system names."""
    nodes = await operator.nodes()
    found = [each for node in nodes for each in node["interfaces"] if not each.get("absent")]
    return {each["systemName"]: each for each in found}


async def seen(
    operator: Operator, wanted: Callable[[dict[str, dict[str, Any]]], bool]
) -> dict[str, dict[str, Any]]:
    """Wait until the controller's inputs are as wished."""
    while not wanted(found := await inputs(operator)):
        await after(0.05)
    return found


async def soon(
    operator: Operator, wanted: Callable[[dict[str, dict[str, Any]]], bool]
) -> dict[str, dict[str, Any]]:
    """The same, within a heartbeat."""
    began = time.monotonic()
    found = await seen(operator, wanted)
    assert time.monotonic() - began < SOON_SECONDS
    return found


def width(got: dict[str, dict[str, Any]], name: str) -> int:
    """How many channels an input has, 0 for one that is not there."""
    count = got.get(name, {}).get("channelCount", 0)
    assert isinstance(count, int)
    return count


async def test_hot_plug(tmp_path: Path) -> None:
    """A card that comes or goes is known within a heartbeat, and opened once in its life."""
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    arecord.show("Desk")
    rig = make_rig(tmp_path, PIPEWIRE_RUNTIME_DIR=str(tmp_path), JACK_DEFAULT_SERVER="nobody")
    async with running(rig, *arecord.flags) as operator:
        first = await seen(operator, lambda got: width(got, "Desk Mixer") == 32)
        assert first["Desk Mixer"]["sampleRates"] == [44100, 48000, 64000, 88200, 96000]
        assert first["Desk Mixer"]["systemRef"] == "hw:CARD=Desk,DEV=0"
        arecord.show("Desk", "Hall")
        both = await soon(operator, lambda got: "Hall Mixer" in got)
        await soon(operator, lambda got: width(got, "Hall Mixer") == 32)
        arecord.show("Desk")
        await soon(operator, lambda got: "Hall Mixer" not in got)
        arecord.show("Desk", "Hall")
        again = await soon(operator, lambda got: "Hall Mixer" in got)
        assert again["Hall Mixer"]["id"] == both["Hall Mixer"]["id"]
        assert arecord.opened == ["hw:1,0", "hw:2,0"]
        rig.children[-1].stop()
        await rig.children[-1].when_ended()
        arecord.show("Desk", "Hall", "Third")
        rig.start_agent(*FLAGS, *arecord.flags)
        await seen(operator, lambda got: width(got, "Third Mixer") == 32)
        assert arecord.opened == ["hw:1,0", "hw:2,0", "hw:3,0"], "what was known was asked again"


async def test_pipewire(tmp_path: Path, need: Need) -> None:
    """Sources of a real PipeWire come and go; the server's end takes them all."""
    for program, package in pipewire_server.NEEDS:
        need(program, package)
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    with PipeWireServer(tmp_path) as server:
        rig = make_rig(tmp_path, JACK_DEFAULT_SERVER="nobody", **server.env)
        async with running(rig, *arecord.flags) as operator:
            found = await seen(operator, lambda got: "tone" in got)
            assert (found["tone"]["backend"], found["tone"]["channelCount"]) == ("pipewire", 2)
            assert found["tone"]["sampleRates"] == [48000]
            wished = {"captureInterfaceId": found["tone"]["id"], "channels": 2}
            order = {"nodeId": NODE, "durationSeconds": 1, "format": "FLOAT_LE", **wished}
            name = await queue(operator, order)
            recorded = await fetched(rig, operator, name)
            assert recorded.stat().st_size > 0, "it is recorded by what the controller hands back"
            server.plug("desk", 8)
            found = await soon(operator, lambda got: "desk" in got)
            assert found["desk"]["channelCount"] == 8
            server.unplug("desk")
            await soon(operator, lambda got: set(got) == {"tone"})
            (node,) = await operator.nodes()
            assert node["runtime"]["audioBackends"] == ["pipewire"]
            arecord.show("Desk")
            server.freeze()
            try:  # what stands still keeps its sources, and holds nobody up
                found = await soon(operator, lambda got: "Desk Mixer" in got)
                assert "tone" in found
            finally:
                server.thaw()
            server.crash()
            await soon(operator, lambda got: set(got) == {"Desk Mixer"})


async def test_jack(tmp_path: Path, need: Need) -> None:
    """Clients of a real JACK come and go, with the names of their ports and its rate."""
    for program, package in jack_server.NEEDS:
        need(program, package)
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    with JackServer(tmp_path, rate=44100) as server:
        server.plug("sim", 3)
        env = {**server.env, "PIPEWIRE_RUNTIME_DIR": str(tmp_path)}
        async with running(make_rig(tmp_path, **env), *arecord.flags) as operator:
            found = await seen(operator, lambda got: "sim" in got)
            assert (found["sim"]["backend"], found["sim"]["sampleRates"]) == ("jack", [44100])
            channels = [each["alias"] for each in found["sim"]["channels"]]
            assert channels == ["out_1", "out_2", "out_3"]
            assert found["system"]["channelCount"] == 2
            server.plug("other", 1)
            await soon(operator, lambda got: "other" in got)
            server.unplug("other")
            await soon(operator, lambda got: "other" not in got and "sim" in got)


async def test_while_metering(tmp_path: Path) -> None:
    """A device that is only listened to is let go of once, asked, and listened to again."""
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    arecord.show("Desk")
    listed = (arecord.directory / "cards").read_bytes()
    arecord.show()
    status = shlex.quote(str(arecord.directory / "asound/card1/pcm0c/sub0/status"))
    begun, tone = arecord.directory / "begun", Path(sys.executable).with_name("rakkr-tone")
    arecord.program(
        "rakkr-tone",
        f'shift 2\necho "state: RUNNING" > {status}\necho begun >> {shlex.quote(str(begun))}\n'
        f"trap 'kill $tone' TERM INT\n{shlex.quote(str(tone))} -D tone \"$@\" &\n"
        f"tone=$!\nwait $tone\nwait $tone\necho closed > {status}\n",
    )
    rig = make_rig(tmp_path, PIPEWIRE_RUNTIME_DIR=str(tmp_path), JACK_DEFAULT_SERVER="nobody")
    device = (
        "--capture-command",
        str(arecord.directory / "rakkr-tone"),
        "--capture-device",
        "hw:1",
    )
    async with running(rig, *arecord.flags, *device, "--meter-backend", "alsa") as operator:
        while not await operator.meter_frames(NODE):
            await after(0.05)
        arecord.list_bytes(listed)
        found = await soon(operator, lambda got: width(got, "Desk Mixer") == 32)
        assert arecord.opened == ["hw:1,0"]
        while (await operator.meter_frames(NODE))[0]["frame"]["interfaceId"] != (
            found["Desk Mixer"]["id"]
        ):
            await after(0.05)
        types = [event["type"] for event in await operator.health_events()]
        assert "agent.started" in types
        assert not [each for each in types if each.startswith("agent.meter")], "it was disturbed"
    assert len(begun.read_text().splitlines()) > 1


async def test_printed(tmp_path: Path) -> None:
    """Who asks what inputs there are is told what they can do, unless an agent may need them."""
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    arecord.show("Desk")
    before = another_agent()
    ran = await agent(make_rig(tmp_path), "--print-inventory", *arecord.flags)
    (interface,) = json.loads(ran.stdout)["interfaces"]
    assert interface["id"] == "alsa_card_desk_dev_0"
    if before == another_agent():  # others may test on this machine
        assert interface["channelCount"] == (2 if before else 32)
        assert arecord.opened == ([] if before else ["hw:1,0"])
    assert list(tmp_path.iterdir()) == [arecord.directory], "a question leaves no files behind"


POISON = b"card 1: Desk [Desk \0\xff\xed\xa0\x80\x1b[31m 32], device 0: Audio [Audio\x07]\n"
DUMP = [
    {
        "id": 1,
        "type": "PipeWire:Interface:Node",
        "info": {
            "props": {
                "node.name": "mic",
                "node.description": "Mic \ud800\0 1\x1b",
                "media.class": "Audio/Source",
                "audio.channels": 2,
            }
        },
    },
    {
        "id": 2,
        "type": "PipeWire:Interface:Node",
        "info": {
            "props": {
                "node.name": "bad\ud800\0",
                "media.class": "Audio/Source",
                "audio.channels": 2,
            }
        },
    },
]


def check_clean(text: bytes | str) -> None:
    """Check that nothing of what devices called themselves is in a text that must not be."""
    words = text.decode("utf-8") if isinstance(text, bytes) else text
    words.encode("utf-8")
    for bad in ("\0", "\x1b", "\x07", "\\u0000", "\\u001b", "\\ud800", "\ud800"):
        assert bad not in words, f"{bad!a} in {words!a}"


async def test_poison(tmp_path: Path) -> None:
    """A NUL or half a surrogate in a name reaches no controller, no answer and no log."""
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    arecord.list_bytes(HEADING.encode() + POISON)
    dump = shlex.quote(str(tmp_path / "cards" / "dump.json"))
    (tmp_path / "cards" / "dump.json").write_text(json.dumps(DUMP))
    arecord.program("pw-dump", f"exec cat {dump}\n")
    rig = make_rig(tmp_path, JACK_DEFAULT_SERVER="nobody")
    rig.environ = {**rig.environ, "PATH": f"{arecord.directory}:{rig.environ['PATH']}"}
    printed = await agent(rig, "--print-inventory", *arecord.flags)
    check_clean(printed.stdout)
    check_clean(printed.stderr)
    names = [each["systemName"] for each in json.loads(printed.stdout)["interfaces"]]
    assert len(names) == 2
    assert names[0].startswith("Desk ")
    assert names[1] == "mic"
    table = await agent(rig, "--print-inventory", "--table", *arecord.flags)
    assert table.exit.code == 0
    check_clean(table.stdout)
    assert table.stdout.decode().split("\n")[2].split()[:2] == ["Mic", "\N{REPLACEMENT CHARACTER}"]
    async with running(rig, *arecord.flags) as operator:
        found = await seen(operator, lambda got: len(got) == 2)
        assert found["mic"]["alias"] == "Mic \N{REPLACEMENT CHARACTER} 1"
        assert names[0] in found
        check_clean(json.dumps(await operator.nodes()))
    check_clean(rig.log_of("agent").read_bytes())
    assert b"by which it cannot be" in rig.log_of("agent").read_bytes()


async def test_nothing_left_behind(tmp_path: Path) -> None:
    """A program that hangs while it looks ends with its agent, also without a controller."""
    arecord = Arecord(tmp_path / "cards")
    arecord.make()
    first, note = (shlex.quote(str(arecord.directory / name)) for name in ("first", "asking"))
    arecord.program(
        "pw-dump",
        f"[ -e {first} ] || {{ touch {first}; exit 1; }}\n"  # then the agent is up for sure
        f"echo $$ > {note}.new\nmv {note}.new {note}\nexec sleep 1000\n",
    )
    rig = make_rig(tmp_path, JACK_DEFAULT_SERVER="nobody")
    rig.environ = {**rig.environ, "PATH": f"{arecord.directory}:{rig.environ['PATH']}"}
    own = tmp_path / "alone"
    files = ("capture-dir", "agent-health-log-file", "agent-state-file")
    flags = [*FLAGS, *arecord.flags, *(f"--{each}={own}/{each}" for each in files)]
    async with rig:
        alone = rig.start("alone", flags)
        while not (arecord.directory / "asking").exists():
            await after(0.02)
        asking = identify(int((arecord.directory / "asking").read_text()))
        await alone.stop("TERM")
    assert asking is not None
    while lives(asking):  # it was sent KILL, and is about to be gone
        await after(0.02)


async def test_table_alone(tmp_path: Path) -> None:
    """The flag for the table goes with the inventory alone."""
    ran = await agent(make_rig(tmp_path), "--table")
    assert ran.exit.code == 2
    assert b"--table goes with --print-inventory" in ran.stderr
