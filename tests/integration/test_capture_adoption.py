"""Captures whose agent was killed, and another agent that goes on with them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture, adopt_capture
from rakkr.capture.outcome import Completed, Failed
from rakkr.capture.request import CaptureLimits
from rakkr.capture.trace import Trace
from rakkr.process_identity import anybody_in, holders, lives
from tests.integration.capture_world import (
    after,
    frame_numbers,
    real_surroundings,
    two_seconds,
    until,
)
from tests.integration.capturing_agent import CapturingAgent
from tests.integration.tone_program import tone_program

pytestmark = pytest.mark.deadline(60)
_LIMITS = CaptureLimits(stop_grace_seconds=2.0)
Begin = Callable[..., CapturingAgent]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Have agents that begin a capture with ``rakkr-tone``, and no process of theirs afterwards."""
    agents: list[CapturingAgent] = []

    def call(**changes: Any) -> CapturingAgent:
        agents.append(CapturingAgent(tmp_path, tone_program(tmp_path), **changes))
        return agents[-1]

    yield call
    for agent in agents:
        agent.child.stop("KILL")
        for trace in agent.traces[:1]:
            for pid in holders(trace.messages):
                os.kill(pid, signal.SIGKILL)


def go_on(trace: Trace, **changes: Any) -> Capture:
    """Adopt the capture."""
    path = trace.path.parent.parent
    request = two_seconds(path, command=trace.argv[0], **changes)
    return adopt_capture(request, trace, _LIMITS, real_surroundings())


def whole(audio: CapturedAudio | None) -> int:
    """See that no frame is missing from the first to the last, and count them."""
    assert audio is not None
    numbers = frame_numbers(audio)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    return len(numbers)


def pid_of(trace: Trace) -> int:
    """Say which process is noted."""
    assert trace.identity is not None
    return trace.identity.pid


async def orphaned(begin: Begin, *, said: int = 2, **request: Any) -> Trace:
    """
    Leave a capture behind whose agent was killed.

    :param said: which of its traces is returned; see :meth:`CapturingAgent.trace`.
    """
    agent = begin(**request)
    trace = await agent.trace(said)
    await agent.die()
    return trace


async def test_not_a_frame_is_missing(begin: Begin) -> None:
    """A capture whose agent is killed goes on, is adopted, and ends at its very last frame."""
    trace = await orphaned(begin, seconds=4)
    await after(1.0)  # nobody looks
    capture = go_on(trace)
    assert await capture.when_started() == trace.started_at
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) == 4 * 48000
    assert not outcome.stopped
    assert outcome.timing is not None
    assert outcome.timing.missing_frames == 0
    length = outcome.timing.ended_at - outcome.timing.started_at
    assert 3.9 <= length <= 4.5
    assert [each.name for each in trace.path.parent.iterdir()] == [trace.path.name]


async def test_more_is_wanted(begin: Begin) -> None:
    """A capture may be wanted longer by the second agent; its leash follows."""
    trace = await orphaned(begin, said=1, seconds=1)
    capture = go_on(trace)
    capture.want(3 * 48000)
    await capture.when_spawned()
    await until(lambda: float(trace.leash.read_text("ascii")) > trace.spawned_at + 12.5)
    outcome = await capture.when_done()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) == 3 * 48000


async def test_a_stop(begin: Begin) -> None:
    """An adopted capture is stopped like any other, and all its processes end."""
    trace = await orphaned(begin, seconds=600)
    capture = go_on(trace)
    await capture.when_spawned()
    await until(lambda: capture.frames > 48000)
    assert capture.pid == pid_of(trace)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert outcome.stopped
    assert whole(outcome.audio) > 48000
    assert not anybody_in(pid_of(trace))


async def test_a_process_that_was_never_written_down(begin: Begin) -> None:
    """With nothing but the names of the files, the program is found by what it has open."""
    agent = begin(seconds=600)
    announced = await agent.trace(0)
    running = await agent.trace(2)
    await agent.die()
    assert announced.identity is None
    capture = go_on(announced)
    await capture.when_spawned()
    assert capture.trace.identity == running.identity
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) > 0


async def test_a_shim_that_was_killed_too(begin: Begin) -> None:
    """A program that lost even its shim goes on, and is adopted itself."""
    trace = await orphaned(begin, seconds=600)
    os.kill(pid_of(trace), signal.SIGKILL)
    await until(lambda: trace.identity is not None and not lives(trace.identity))
    capture = go_on(trace)
    await capture.when_spawned()
    assert capture.pid not in {None, pid_of(trace)}
    seen = capture.frames
    await until(lambda: capture.frames > seen + 24000)
    outcome = await capture.stop()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) > 24000


async def test_a_capture_that_died(begin: Begin) -> None:
    """A capture that died unwatched has failed, and every frame of it is there."""
    trace = await orphaned(begin, seconds=600)
    await after(0.5)
    os.killpg(pid_of(trace), signal.SIGKILL)
    await until(lambda: holders(trace.path) == [])
    outcome = await go_on(trace).when_done()
    assert isinstance(outcome, Failed), outcome
    assert "ended while no agent watched it" in outcome.error
    assert whole(outcome.audio) >= 0.3 * 48000
    assert outcome.timing is not None
    assert outcome.timing.started_at == pytest.approx(trace.started_at, abs=0.2)


async def test_a_program_that_failed_unwatched(begin: Begin) -> None:
    """How a program ended that nobody watched is known from its shim."""
    trace = await orphaned(begin, seconds=600)
    (program,) = [each for each in holders(trace.path) if each != pid_of(trace)]
    os.kill(program, signal.SIGSEGV)
    await until(lambda: not anybody_in(pid_of(trace)))
    outcome = await go_on(trace).when_done()
    assert isinstance(outcome, Failed), outcome
    assert "failed with status signal: 11 (SIGSEGV)" in outcome.error
    assert whole(outcome.audio) > 0
    assert not trace.exit.exists()


async def test_a_capture_that_its_leash_ended(begin: Begin) -> None:
    """A capture whose agent never came back ends by itself, within the margin of its window."""
    trace = await orphaned(begin, seconds=1)
    began = time.monotonic()
    await until(lambda: not anybody_in(pid_of(trace)))
    assert 9.0 < time.monotonic() - began < 16.0
    outcome = await go_on(trace).when_done()
    assert isinstance(outcome, Completed), outcome
    assert 10 * 48000 < whole(outcome.audio) < 16 * 48000
    assert outcome.timing is not None
    assert outcome.timing.missing_frames == 0


async def test_a_program_with_a_file_of_its_own(begin: Begin) -> None:
    """A program that writes a WAV of its own is adopted, too, and its file is whole."""
    template = "-D numbered -f {format} -r {sample_rate} -c {channels} -d {seconds} {output}"
    trace = await orphaned(begin, seconds=3, args_template=template)
    outcome = await go_on(trace, args_template=template).when_done()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) == 3 * 48000


async def test_a_file_that_is_gone(begin: Begin) -> None:
    """A capture whose file was taken away is ended: nobody could ever read what it writes."""
    trace = await orphaned(begin, seconds=600)
    trace.path.unlink()
    outcome = await go_on(trace).when_done()
    assert isinstance(outcome, Failed), outcome
    assert "cannot be taken over: No such file or directory" in outcome.error
    assert trace.identity is not None
    assert not lives(trace.identity)


async def test_another_boot(begin: Begin) -> None:
    """After a boot nothing runs any more, whatever has the number now; the audio is there."""
    trace = await orphaned(begin, seconds=600)
    os.killpg(pid_of(trace), signal.SIGKILL)
    await until(lambda: holders(trace.path) == [])
    assert trace.identity is not None
    mine = attrs.evolve(trace.identity, pid=os.getpid(), boot_id="another")
    outcome = await go_on(attrs.evolve(trace, identity=mine, boot_id="another")).when_done()
    assert isinstance(outcome, Failed), outcome
    assert whole(outcome.audio) > 0


async def test_let_go(begin: Begin) -> None:
    """An agent that lets go leaves the program alone, for the next one."""
    trace = await orphaned(begin, seconds=600)
    first = go_on(trace)
    await first.when_spawned()
    first.let_go()
    second = go_on(first.trace)
    await second.when_spawned()
    assert second.pid == pid_of(trace)
    outcome = await second.stop()
    assert isinstance(outcome, Completed), outcome
    assert whole(outcome.audio) > 0
    assert first.outcome is None
