"""Jobs that are recorded from sound servers whose sources come and go: whole agents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from rakkr.audio.pcm import sample_format
from rakkr.audio.wave import sniff
from rakkr.rig import NODE
from tests.integration import jack_server, pipewire_server
from tests.integration.capture_world import after
from tests.integration.chaos.pieces import Piece, pieces_of
from tests.integration.float_numbers import as_floats
from tests.integration.jack_server import JackServer
from tests.integration.pipewire_server import PipeWireServer
from tests.integration.test_recording import fetched, grown, make_rig, queue, told

pytestmark = pytest.mark.deadline(90)
Need = Callable[[str, str], str]
FORMAT = sample_format("FLOAT_LE")
CHANNELS = 2
RATE = 48_000
SECONDS = 9
BYTES_PER_SECOND = RATE * FORMAT.frame_bytes(CHANNELS)
PERIOD = 4096
TOLERANCE = round(0.4 * RATE)
PREFIX = "agent.recording_job."


@attrs.frozen
class Recorded:
    """
    A recording that was delivered.

    :ivar pieces: what is in the file.
    :ivar details: of the events, by type without their prefix.
    """

    pieces: tuple[Piece, ...]
    details: dict[str, dict[str, Any]]

    def check_two_parts(self) -> Piece:
        """Check that sound, a declared silence and sound make up the window; returns the gap."""
        first, silence, second = self.pieces[-3:]
        assert first.first is not None
        assert silence.first is None
        assert second.first is not None
        gap = self.details["capture_accounted"]["gaps"][-1]
        assert gap["startFrame"] == silence.at
        # A source is silent for the first periods after it was joined, and its frame 0 is zeros.
        assert 0 <= silence.frames - gap["frames"] < 5 * PERIOD
        assert abs(second.end - SECONDS * RATE) < TOLERANCE
        return silence


async def record(
    directory: Path, env: dict[str, str], wished: dict[str, Any], trouble: Callable[[], Any]
) -> Recorded:
    """Record, with some trouble after two seconds."""
    async with make_rig(directory, **env) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        order = {
            "nodeId": NODE,
            "durationSeconds": SECONDS,
            "channels": CHANNELS,
            "outputCodec": "wav",
            **wished,
        }
        name = await queue(operator, order)
        rig.start_agent()
        await grown(rig.directory / "agent" / "captures", 2 * BYTES_PER_SECOND)
        await trouble()
        path = await fetched(rig, operator, name)
        await told(operator, f"{PREFIX}capture_accounted")
        events = await operator.health_events()
        details = {
            event["type"].removeprefix(PREFIX): event["details"]
            for event in reversed(events)
            if event["type"].startswith(PREFIX)
        }
    audio = sniff(path, FORMAT, RATE, CHANNELS)
    size = audio.format.frame_bytes(CHANNELS)
    data = path.read_bytes()[audio.data_offset :][: audio.frames * size]
    return Recorded(pieces_of(as_floats(data, audio.format), FORMAT, CHANNELS, 0), details)


@pytest.mark.parametrize("wished_format", ["FLOAT_LE", "S24_3LE"])
async def test_pipewire(tmp_path: Path, need: Need, wished_format: str) -> None:
    """A source of PipeWire that goes and comes back leaves a declared gap, and no other sound."""
    for program, package in pipewire_server.NEEDS:
        need(program, package)
    with PipeWireServer(tmp_path) as server:
        server.plug("desk", CHANNELS, "FLOAT_LE", numbered=True)

        async def away() -> None:
            server.unplug("desk")
            await after(2.0)
            server.plug("desk", CHANNELS, "FLOAT_LE", numbered=True)

        wished = {"backend": "pipewire", "device": "desk", "format": wished_format}
        got = await record(tmp_path, server.env, wished, away)
    gap = got.check_two_parts()
    assert 2 * RATE < gap.frames < 6 * RATE
    assert "PipeWire lost its source desk" in got.details["capture_device_lost"]["error"]
    assert "capture_runtime_restarted" in got.details


async def test_jack(tmp_path: Path, need: Need) -> None:
    """A device of JACK that goes and comes back leaves a declared gap, not silence unsaid."""
    for program, package in (*jack_server.NEEDS, ("arecord", "alsa-utils")):
        need(program, package)
    with JackServer(tmp_path) as server:
        server.plug("sim", CHANNELS)

        async def away() -> None:
            server.unplug("sim")
            await after(2.0)
            server.plug("sim", CHANNELS)

        wished = {"backend": "jack", "device": "sim:out_*", "format": FORMAT.name}
        got = await record(tmp_path, server.env, wished, away)
    gap = got.check_two_parts()
    assert RATE < gap.frames < 6 * RATE
    assert "JACK lost the port sim:out_1, sim:out_2" in got.details["capture_device_lost"]["error"]
    assert "capture_runtime_restarted" in got.details
