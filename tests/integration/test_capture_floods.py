"""Captures on machines where too much is said, or no room is left."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from twisted.internet import reactor

from rakkr.audio import wave
from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.outcome import Completed, Failed, StartFailed
from rakkr.capture.request import CaptureLimits
from tests.integration.capture_world import after, frame_numbers, real_surroundings, two_seconds
from tests.integration.tone_program import tone_program

pytestmark = pytest.mark.deadline(60)
_FLOOD = """#!/bin/sh
{tone} "$@" &
tone=$!
trap 'kill -INT $tone; wait $tone; exit 1' INT
line='overrun!!! (at least 0.010 ms long)'
for _ in 1 2 3 4 5 6 7; do line="$line
$line"; done
{flood}
wait $tone
"""


def flooding(directory: Path, flood: str) -> Path:
    """Write a program that captures, and says 128 lines whenever ``flood`` writes ``$line``."""
    program = directory / "arecord"  # it is called like this one
    program.write_text(_FLOOD.format(tone=tone_program(directory), flood=flood), encoding="utf-8")
    program.chmod(0o755)
    return program


async def longest_pause_until_done(capture: Capture) -> tuple[float, int]:
    """Say how long the reactor was kept from its work, and how large the messages became."""
    messages, clock = capture.trace.messages, reactor
    longest, largest = 0.0, 0
    while capture.outcome is None:
        before = clock.seconds()
        await after(0.01)
        longest = max(longest, clock.seconds() - before)
        if messages.exists():
            largest = max(largest, messages.stat().st_size)
    return longest, largest


async def flooded(directory: Path, flood: str) -> tuple[Completed, float, int]:
    """
    Capture four seconds of which not a frame is missing, while its program floods its stderr.

    :returns: how it ended, the longest pause of the reactor, and the largest file of messages.
    """
    program = flooding(directory, flood)
    request = two_seconds(directory, command=str(program), seconds=4)
    capture = start_capture(request, CaptureLimits(), real_surroundings())
    longest, largest = await longest_pause_until_done(capture)
    outcome = capture.outcome
    assert isinstance(outcome, Completed), outcome
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(4 * 48000))
    return outcome, longest, largest


async def test_a_flood_of_messages(tmp_path: Path) -> None:
    """40,000 lines in a second cost neither a sample, nor the disk, nor the agent its time."""
    # 320 times 128 lines are 40,960; a pause after each twentieth keeps to the second.
    flood = (
        "for _ in 1 2 3; do for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do"
        " for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do"
        ' echo "$line" >&2; done; sleep 0.06; done; done'
    )
    outcome, longest, largest = await flooded(tmp_path, flood)
    assert largest < 8 << 20
    assert longest < 1.0
    assert outcome.dropouts.count > 100_000


async def test_an_endless_flood(tmp_path: Path) -> None:
    """A program that says as much as it can is cut short, again and again."""
    flood = 'while kill -0 $tone 2>/dev/null; do echo "$line$line$line$line" >&2; done'
    _, longest, largest = await flooded(tmp_path, flood)
    assert largest < 512 << 20
    assert longest < 2.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Have a file system of 4 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a file system can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """A full disk ends a capture with a plain reason, and a WAV of all that found room."""
    request = two_seconds(small_disk, command=str(tone_program(tmp_path)), channels=8, seconds=60)
    outcome = await start_capture(request, CaptureLimits(), real_surroundings()).when_done()
    assert isinstance(outcome, Failed), outcome
    assert outcome.disk_full
    assert "No space left on device" in outcome.error
    assert outcome.audio is not None
    assert outcome.audio.wav
    numbers = frame_numbers(outcome.audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert len(numbers) * 16 > 3 << 20
    with outcome.audio.path.open("rb") as file:
        assert wave.read_header(file).whole


async def test_no_room_for_a_single_file(tmp_path: Path, small_disk: Path) -> None:
    """Where not even the header finds room, the capture fails at once, with the same reason."""
    (small_disk / "ballast").write_bytes(bytes(1 << 20))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "more").write_bytes(bytes(8 << 20))
    request = two_seconds(small_disk, command=str(tone_program(tmp_path)))
    outcome = await start_capture(request, CaptureLimits(), real_surroundings()).when_done()
    assert isinstance(outcome, StartFailed), outcome
    assert "No space left on device" in outcome.error
