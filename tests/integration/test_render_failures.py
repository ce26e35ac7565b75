"""Real renderers that fail, die, or are no longer wanted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.render.binary import Renderer
from rakkr.render.errors import RenderFailed
from rakkr.render.plan import RenderPlan
from rakkr.render.runner import Rendered
from tests.integration.render_bench import (
    RATE,
    capture,
    noise,
    rendered,
    renderer_named,
    straight,
    tones,
)

FLAC = RenderPlan(codec="flac", routing=straight(2))


@pytest.fixture
def renderer(need: Callable[[str, str], str]) -> Renderer:
    """The installed ffmpeg."""
    return renderer_named("installed", need)


def endless(folder: Path) -> CapturedAudio:
    """Make a capture of more hours than anybody waits for."""
    audio = capture(folder, tones(2, RATE))
    with audio.path.open("r+b") as sparse:
        sparse.truncate(1 << 38)
    return attrs.evolve(audio, frames=1 << 35)


def children_of_ours(program: str) -> list[int]:
    """Return the children of this process that run that program."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in found if Path(f"/proc/{pid}/comm").read_text().strip() == program]


async def running(renderer: Renderer, folder: Path) -> tuple[Deferred[Rendered], int]:
    """Start a render that goes on and on, and wait until it does."""
    moved: Deferred[float] = Deferred()

    def told(seconds: float) -> None:
        if not moved.called:
            moved.callback(seconds)

    job = Deferred.fromCoroutine(
        rendered(renderer, endless(folder), folder / "r.flac", FLAC, progress=told)
    )
    assert await moved > 0
    (pid,) = children_of_ours("ffmpeg")
    return job, pid


async def test_killed(renderer, tmp_path):
    """A renderer that the kernel kills is a failure that says so, and leaves nothing behind."""
    job, pid = await running(renderer, tmp_path)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(RenderFailed, match=r"ffmpeg failed with status signal 9 \(SIGKILL\)"):
        await job
    assert [each.name for each in tmp_path.iterdir()] == ["capture.raw.wav"]


async def test_cancelled(renderer, tmp_path):
    """A render that is cancelled ends its program and leaves nothing behind."""
    job, pid = await running(renderer, tmp_path)
    job.cancel()
    with pytest.raises(CancelledError):
        await job
    assert [each.name for each in tmp_path.iterdir()] == ["capture.raw.wav"]
    while Path(f"/proc/{pid}").exists():
        await deferLater(reactor, 0.01, lambda: None)


async def test_polite(renderer, tmp_path):
    """Rendering gives way to captures."""
    job, pid = await running(renderer, tmp_path)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    job.cancel()
    with pytest.raises(CancelledError):
        await job
    while Path(f"/proc/{pid}").exists():
        await deferLater(reactor, 0.01, lambda: None)


async def test_refusal(renderer, tmp_path):
    """What ffmpeg says when it refuses is told in one line."""
    audio = attrs.evolve(capture(tmp_path, tones(2, RATE)), path=tmp_path / "gone.wav")
    with pytest.raises(RenderFailed, match=r"exit code 1: .*gone.wav: No such file") as told:
        await rendered(renderer, audio, tmp_path / "r.flac", FLAC)
    assert "\n" not in str(told.value)


async def test_short_capture(renderer, tmp_path):
    """A capture that holds less than it says is noticed, though ffmpeg is content."""
    audio = attrs.evolve(capture(tmp_path, noise(FORMATS["S16_LE"], RATE, 2)), frames=2 * RATE)
    with pytest.raises(RenderFailed, match=r"1\.000 s instead of 2\.000 s"):
        await rendered(renderer, audio, tmp_path / "r.flac", FLAC)
    assert not (tmp_path / "r.flac").exists()


async def test_leftover_link(renderer, tmp_path):
    """A link that lies where the partial file goes is not written through."""
    (tmp_path / ".r.flac.part").symlink_to("/dev/full")
    audio = capture(tmp_path, noise(FORMATS["S16_LE"], 20 * RATE, 2))
    stuck = tmp_path / "r.flac"
    await rendered(renderer, audio, stuck, FLAC)
    assert not stuck.is_symlink()


async def test_program_that_is_no_renderer(tmp_path, need):
    """A program that ends well and makes nothing has failed."""
    audio = capture(tmp_path, tones(2, RATE))
    with pytest.raises(RenderFailed, match="an empty file"):
        await rendered(Renderer(need("true", "coreutils")), audio, tmp_path / "r.flac", FLAC)
    with pytest.raises(RenderFailed, match="cannot be started"):
        await rendered(Renderer("/no/such/ffmpeg"), audio, tmp_path / "r.flac", FLAC)
