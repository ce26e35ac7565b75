"""One run of the render program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime

from rakkr.audio.captured import CapturedAudio
from rakkr.durable import reserve
from rakkr.process import Child, Ladder, spawn
from rakkr.render.binary import Renderer
from rakkr.render.errors import RenderFailed
from rakkr.render.plan import FrameRange, RenderPlan, check_possible, render_args
from rakkr.render.progress import Progress
from rakkr.wording import one_line, summary

# ffmpeg reports twice a second; a disk that sleeps, or a busy one, may hold it up for a while.
STALL_SECONDS: Final = 60.0
# Encoders round to whole packets; the longest, of an 8 kHz mp3, is 72 ms and there are two.
_TOLERANCE_SECONDS: Final = 0.2
_MOST_STDERR: Final = 2000
_LADDER: Final = Ladder(first="TERM", grace=5.0, give_up=5.0, drain=1.0)


@attrs.frozen
class Rendered:
    """
    A finished file.

    :ivar path: the file.
    :ivar bytes: its size.
    :ivar content_type: its media type.
    :ivar frames: the frames of the capture that it holds.
    :ivar seconds: their length.
    """

    path: Path
    bytes: int
    content_type: str
    frames: int
    seconds: float


def _nobody(_seconds: float) -> None:
    """Progress that nobody asked for."""


async def render(
    spawner: IReactorProcess,
    clock: IReactorTime,
    *,
    renderer: Renderer,
    env: Mapping[str, str],
    plan: RenderPlan,
    audio: CapturedAudio,
    frames: FrameRange,
    target: Path,
    progress: Callable[[float], None] = _nobody,
) -> Rendered:
    """
    Make ``target`` from a range of a capture, which may still be growing.

    The file appears under its name when it is whole, in place of any that has it, such as an empty
    one that reserves it.  Cancelling ends the program and removes what it wrote.

    :param env: the environment of the program; the C locale is added.
    :param progress: called with the seconds of audio that are done.
    :raises ImpossibleRender: when the plan does not fit this capture.
    :raises RenderFailed: when nothing, or not everything, came out, or the disk does not take it.
    """
    check_possible(plan, captured_channels=audio.channels, rate=audio.rate)
    if not 0 <= frames.start < frames.end <= audio.frames:
        raise RenderFailed(
            f"frames {frames.start} to {frames.end} of {audio.path} cannot be rendered; "
            f"it holds {audio.frames}"
        )
    run = _Run(clock, renderer.command, progress)
    with _partial_of(target) as partial:
        argv = renderer.argv(render_args(plan, audio, frames, partial))
        await run.to_the_end(spawner, argv, {**env, "LC_ALL": "C"})
        size = run.check(partial, frames.seconds(audio.rate))
        partial.replace(target)
    return Rendered(target, size, plan.content_type, frames.frames, frames.seconds(audio.rate))


@contextmanager
def _partial_of(target: Path) -> Iterator[Path]:
    """Hold a file of its own for each run beside its target; what is left of it goes away."""
    try:
        partial = reserve(target.with_name(f".{target.name}.part"))
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise RenderFailed(one_line(f"{target} cannot be written: {why}")) from error


class _Run:
    """One child, what it said, and the watch over its progress."""

    def __init__(
        self, clock: IReactorTime, command: str, progress: Callable[[float], None]
    ) -> None:
        self._clock = clock
        self._command = command
        self._tell = progress
        self._progress = Progress()
        self._stderr = bytearray()
        self._child: Child | None = None
        self._watch: IDelayedCall | None = None
        self._stalled = False

    async def to_the_end(
        self, spawner: IReactorProcess, argv: list[str], env: Mapping[str, str]
    ) -> None:
        """
        Run the program.

        :raises RenderFailed: unless it ended well by itself.
        """
        self._watch = self._clock.callLater(STALL_SECONDS, self._stall)
        self._child = child = spawn(
            spawner, self._clock, argv, env=env, ladder=_LADDER, output=self._said
        )
        try:
            how = await child.when_ended()
        finally:
            if self._watch.active():
                self._watch.cancel()
            if child.exit is None:
                child.stop("KILL")
        if self._stalled:
            raise self._failed(f"no progress for {STALL_SECONDS:.0f} s at {self._where()}")
        if not how.ok:
            raise self._failed(str(how))

    def check(self, partial: Path, seconds: float) -> int:
        """
        Return the size of what was made.

        :raises RenderFailed: when that is nothing, or less than ``seconds`` of audio: ffmpeg ends
            well when its input ends early.
        """
        size = partial.stat().st_size if partial.exists() else 0
        if size == 0:
            raise self._failed("exit code 0 and an empty file")
        if abs(self._progress.seconds - seconds) > _TOLERANCE_SECONDS:
            raise self._failed(f"exit code 0 and {self._where()} instead of {seconds:.3f} s")
        return size

    def _said(self, descriptor: int, data: bytes) -> None:
        if descriptor != 1:
            self._stderr += data[: _MOST_STDERR - len(self._stderr)]
        elif self._progress.feed(data):
            assert self._watch is not None
            if self._watch.active():
                self._watch.reset(STALL_SECONDS)
            self._tell(self._progress.seconds)

    def _stall(self) -> None:
        assert self._child is not None
        self._stalled = True
        self._child.stop()

    def _where(self) -> str:
        return f"{self._progress.seconds:.3f} s"

    def _failed(self, status: str) -> RenderFailed:
        said = summary(self._stderr.decode(errors="replace"))
        what = one_line(f"recording render command {self._command} failed with status {status}")
        return RenderFailed(f"{what}: {said}" if said else what)
