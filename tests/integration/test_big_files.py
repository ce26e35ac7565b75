"""Recordings past 2 and 4 GiB, with every byte of them captured, and every frame looked at."""

from __future__ import annotations

import shutil
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.jobs.parts import LARGEST_UPLOAD_BYTES
from rakkr.rig import NODE, Rig
from rakkr.solo.operator import Operator
from tests.integration.fast_source import fast_source
from tests.integration.test_recording import fetched, make_rig, queue, told

pytestmark = pytest.mark.deadline(180)
FORMAT = sample_format("S32_LE")
RATE = 192_000
MOST_BYTES = 6 << 30
BLOCK_FRAMES = 1 << 20
PREFIX = "agent.recording_job."


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A directory with 6 GiB of room, which is given back."""
    free = shutil.disk_usage(tmp_path).free
    if free < MOST_BYTES + (2 << 30):
        pytest.skip(f"recordings of more than 4 GiB need 8 GiB of disk; there are {free} bytes")
    yield tmp_path
    shutil.rmtree(tmp_path)


@asynccontextmanager
async def recording(
    room: Path, channels: int, seconds: int, **more: Any
) -> AsyncIterator[tuple[Rig, Operator, str]]:
    """Have an agent record numbered frames that come faster than they are played."""
    async with make_rig(room) as rig:
        await rig.start_controller("--solo-port", "0")
        operator = rig.operator()
        wished = {
            "nodeId": NODE,
            "device": "fast",
            "durationSeconds": seconds,
            "channels": channels,
            "format": FORMAT.name,
            "sampleRate": RATE,
            "outputCodec": "wav",
            **more,
        }
        name = await queue(operator, wished)
        template = f"{{format}} {{sample_rate}} {{channels}} {seconds * RATE}"
        program = str(fast_source(room))
        rig.start_agent("--capture-command", program, "--capture-args-template", template)
        yield rig, operator, name


def check_numbers(path: Path, first: int, channels: int = 2) -> int:
    """
    Look at every frame of a WAV file: the first has this number, and each other one follows.

    :returns: the number after the last one.
    """
    with path.open("rb") as file:
        header = wave.read_header(file)
    assert (header.format, header.rate, header.channels) == (FORMAT, RATE, channels)
    audio = wave.sniff(path, FORMAT, RATE, channels)
    words = np.memmap(path, "<i8", "r", audio.data_offset, (audio.frames, channels // 2))
    for at in range(0, audio.frames, BLOCK_FRAMES):
        block = words[at : at + BLOCK_FRAMES]
        wanted = np.arange(first + at, first + at + len(block))
        assert np.array_equal(block, np.broadcast_to(wanted[:, None], block.shape)), at
    return first + audio.frames


def check_rf64(path: Path, frames: int, channels: int) -> None:
    """Read the sizes where EBU Tech 3306 wants them, without any code of ours."""
    with path.open("rb") as file:
        head = file.read(128)
    assert (head[:8], head[8:16]) == (b"RF64\xff\xff\xff\xff", b"WAVEds64")
    riff, data, samples = struct.unpack_from("<QQQ", head, 20)
    assert data == frames * 4 * channels
    assert riff == path.stat().st_size - 8
    assert samples in {0, frames}
    place = head.index(b"data")
    assert head[place + 4 : place + 8] == b"\xff\xff\xff\xff"
    assert path.stat().st_size == place + 8 + data


async def test_past_4_gib(room: Path) -> None:
    """A capture of more than 4 GiB is one RF64 file, and is delivered to its last frame."""
    seconds, channels = 88, 64
    frames = seconds * RATE
    assert frames * FORMAT.frame_bytes(channels) > 1 << 32
    async with recording(room, channels, seconds, captureChannelSelection=[1, 64]) as world:
        rig, operator, name = world
        assert check_numbers(await fetched(rig, operator, name), 0) == frames
        (captured,) = (room / "agent" / "captures").glob("*.raw.wav")
        assert check_numbers(captured, 0, channels) == frames
        check_rf64(captured, frames, channels)
        found = await operator.recording(name)
        assert found["recording"]["durationSeconds"] == seconds
        assert found["recording"]["healthStatus"] == "healthy"


async def test_upload_past_2_gib(room: Path) -> None:
    """What a controller does not take in one piece goes as chunks, whose frames add up."""
    seconds = 1400
    assert seconds * RATE * FORMAT.frame_bytes(2) > LARGEST_UPLOAD_BYTES
    async with recording(room, 2, seconds) as (rig, operator, name):
        found = await operator.wait_for(name, "cached")
        types = await told(operator, f"{PREFIX}upload_split")
        chunks = sorted(found["chunks"], key=lambda chunk: chunk["index"])
        assert len(chunks) == chunks[0]["chunkTotal"] >= 2
        files = [rig.solo_directory / "recordings" / chunk["cachePath"] for chunk in chunks]
        assert all(path.stat().st_size <= LARGEST_UPLOAD_BYTES for path in files)
        reached = 0
        for path in files:
            reached = check_numbers(path, reached)
        assert reached == seconds * RATE
        assert sum(chunk["durationSeconds"] for chunk in chunks) == seconds
        assert found["recording"]["durationSeconds"] == seconds
        assert [job["status"] for job in found["jobs"]] == ["completed"]
        assert types.count(f"{PREFIX}upload_split") == 1
        assert f"{PREFIX}capture_incomplete" not in types
