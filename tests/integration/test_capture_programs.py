"""Captures with programs that behave well, badly, and not at all."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rakkr.audio import wave
from rakkr.audio.pcm import FORMATS
from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.outcome import Completed, Failed, Stalled, StartFailed
from rakkr.capture.request import CaptureLimits
from tests.integration.capture_world import after, frame_numbers, real_surroundings, two_seconds
from tests.integration.moments import moments
from tests.integration.tone_program import tone_program

_LIMITS = CaptureLimits(stop_grace_seconds=1.0)


def start(directory: Path, program: Path, **changes: Any) -> Capture:
    """Start a capture with a program of the test's."""
    request = two_seconds(directory, command=str(program), **changes)
    return start_capture(request, _LIMITS, real_surroundings())


def script(directory: Path, text: str) -> Path:
    """Write a wrapper script, in which $TONE is rakkr-tone."""
    program = directory / "wrapper"
    tone = tone_program(directory)
    program.write_text(f"#!/bin/sh\nTONE={tone}\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("name", ["S16_LE", "S24_LE", "S24_3LE", "FLOAT_LE", "S8"])
async def test_every_frame_in_every_format(tmp_path: Path, name: str) -> None:
    """Whatever the format, the capture holds exactly the frames that were delivered."""
    changes = {"format": FORMATS[name], "channels": 6, "seconds": 1}
    outcome = await start(tmp_path, tone_program(tmp_path), **changes).when_done()
    assert isinstance(outcome, Completed), outcome
    assert outcome.audio.wav == wave.holds(FORMATS[name])
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(48000))


@pytest.mark.parametrize("delay", moments(0.0, 1.2, 4))
async def test_a_stop_at_any_moment(tmp_path: Path, delay: float) -> None:
    """A stop at any moment keeps every frame from the first on."""
    capture = start(tmp_path, tone_program(tmp_path), seconds=600)
    await capture.when_started()
    await after(delay)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    numbers = frame_numbers(outcome.audio)
    assert len(numbers) >= (delay - 0.1) * 48000
    assert np.array_equal(numbers, np.arange(len(numbers)))


async def test_a_session_of_its_own(tmp_path: Path) -> None:
    """The program is in a session of its own, so Ctrl-C at our terminal does not reach it."""
    capture = start(tmp_path, tone_program(tmp_path), seconds=600)
    await capture.when_started()
    assert capture.pid is not None
    assert os.getsid(capture.pid) == capture.pid != os.getsid(0)
    await capture.stop()


async def test_a_wrapper_and_its_program_end_together(tmp_path: Path) -> None:
    """A stop reaches the program inside a wrapper script; none of them lives on."""
    wrapper = script(tmp_path, '"$TONE" "$@"; exit $?')
    capture = start(tmp_path, wrapper, seconds=600)
    await capture.when_started()
    leader = capture.pid
    assert leader is not None
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    with pytest.raises(ProcessLookupError):
        os.killpg(leader, 0)
    numbers = frame_numbers(outcome.audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))


async def test_a_program_that_ignores_the_stop(tmp_path: Path) -> None:
    """A program that ignores INT is killed after the grace, with all its children."""
    wrapper = script(tmp_path, "trap '' INT TERM; \"$TONE\" -t raw -f S16_LE & wait; wait")
    capture = start(tmp_path, wrapper, args_template="-x")
    await capture.when_started()
    leader = capture.pid
    assert leader is not None
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    await _until_gone(leader)


@pytest.mark.parametrize("trap", ["", "trap '' INT; "])
async def test_a_wrapper_that_ends_before_its_program(tmp_path: Path, trap: str) -> None:
    """What a wrapper leaves running is ended, by force if needed, before the file is finished."""
    until_it_grows = "until [ $(stat -Lc %s /proc/$$/fd/1) -gt 9999 ]; do sleep 0.05; done"
    wrapper = script(tmp_path, f'({trap}exec "$TONE" -t raw -f S16_LE) & {until_it_grows}; exit 0')
    capture = start(tmp_path, wrapper, args_template="-x", seconds=600)
    leader = capture.pid
    assert leader is not None
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert outcome.ended_early
    await _until_gone(leader)
    size = outcome.audio.path.stat().st_size
    assert size - wave.HEADER_BYTES - outcome.audio.frames * 4 in range(4)


async def test_an_argument_that_no_program_can_be_given(tmp_path: Path) -> None:
    """A device name that cannot be passed on fails the start; no file and no descriptor stays."""
    tone = tone_program(tmp_path)
    for device in ("hw\0", "hw\ud800"):
        before = sorted(Path("/proc/self/fd").iterdir())
        outcome = await start(tmp_path, tone, device=device).when_done()
        assert isinstance(outcome, StartFailed), outcome
        assert ascii(device) in outcome.error
        assert sorted(Path("/proc/self/fd").iterdir()) == before
        assert list((tmp_path / "out").iterdir()) == []


async def _until_gone(leader: int) -> None:
    """Wait until nobody is left of a group: its orphans are reaped by init, a little later."""
    for _ in range(100):
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return
        await after(0.05)
    raise AssertionError(f"the group {leader} lives on")


async def test_a_program_that_somebody_kills(tmp_path: Path) -> None:
    """A program that a signal of somebody else ends has failed, and its audio is named."""
    capture = start(tmp_path, tone_program(tmp_path), seconds=600)
    await capture.when_started()
    assert capture.pid is not None
    os.kill(capture.pid, signal.SIGKILL)
    outcome = await capture.when_done()
    assert isinstance(outcome, Failed), outcome
    assert "failed with status signal: 9 (SIGKILL)" in outcome.error
    assert outcome.audio is not None
    assert frame_numbers(outcome.audio)[0] == 0


async def test_a_missing_program(tmp_path: Path) -> None:
    """A program that is not there fails the start, and no file is left."""
    capture = start(tmp_path, tmp_path / "nowhere")
    outcome = await capture.when_done()
    assert isinstance(outcome, StartFailed), outcome
    assert "was not found" in outcome.error
    assert not (tmp_path / "out").exists()


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    """A file that cannot be executed fails the start with the system's reason."""
    program = tmp_path / "garbage"
    program.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    program.chmod(0o755)
    outcome = await start(tmp_path, program).when_done()
    assert isinstance(outcome, StartFailed), outcome
    assert "No such file or directory" in outcome.error
    assert list((tmp_path / "out").iterdir()) == []


async def test_a_bad_exit(tmp_path: Path) -> None:
    """What a program says before it exits badly is the reason, in one line."""
    wrapper = script(tmp_path, "echo 'no such card' >&2; echo 'try another' >&2; exit 3")
    outcome = await start(tmp_path, wrapper).when_done()
    assert isinstance(outcome, Failed), outcome
    expected = f"capture command {wrapper} failed with status exit status: 3"
    assert outcome.error == f"{expected}: no such card; try another"


async def test_too_small(tmp_path: Path) -> None:
    """A program that ends well with next to nothing has failed."""
    wrapper = script(tmp_path, 'for last; do :; done; printf 0123 > "$last"')
    outcome = await start(tmp_path, wrapper).when_done()
    assert isinstance(outcome, Failed), outcome
    path = tmp_path / "out" / "take.raw.wav"
    assert outcome.error == (
        f"capture output is too small: {path} has 4 bytes, expected at least 128"
    )
    assert path.read_bytes() == b"0123"


async def test_a_stall(tmp_path: Path) -> None:
    """A program that falls silent is ended with evidence, and what it had written is named."""
    wrapper = script(tmp_path, "head -c 40000 /dev/zero; exec sleep 600")
    request = two_seconds(tmp_path, command=str(wrapper), args_template="{seconds}")
    limits = CaptureLimits(growth_grace_seconds=0.5, stalled_seconds=1.0, stop_grace_seconds=1.0)
    outcome = await start_capture(request, limits, real_surroundings()).when_done()
    assert isinstance(outcome, Stalled), outcome
    assert outcome.evidence.size == wave.HEADER_BYTES + 40000
    assert outcome.evidence.unchanged_seconds >= 1
    assert outcome.audio is not None
    assert outcome.audio.frames == 10000


async def test_a_template_with_a_file_of_its_own(tmp_path: Path) -> None:
    """A template that names the output makes the program write its own file."""
    template = "-D numbered -f {format} -r {sample_rate} -c {channels} -d {seconds} {output_path}"
    capture = start(tmp_path, tone_program(tmp_path), args_template=template)
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert capture.argv[-1] == str(outcome.audio.path)
    assert np.array_equal(frame_numbers(outcome.audio), np.arange(96000))


async def test_many_at_once(tmp_path: Path) -> None:
    """Captures under one name do not touch each other's files."""
    tone = tone_program(tmp_path)
    captures = [start(tmp_path, tone, seconds=1) for _ in range(4)]
    outcomes = [await each.when_done() for each in captures]
    assert all(isinstance(each, Completed) for each in outcomes), outcomes
    assert len({each.path for each in captures}) == 4
