"""One run of the render program, from a strip to a file under its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess, IReactorTime

from rakkr.audio.strip import Strip
from rakkr.durable import is_full, reserve
from rakkr.render.binary import Renderer
from rakkr.render.errors import RenderFailed
from rakkr.render.orders import feed_orders
from rakkr.render.partial import partial_name
from rakkr.render.pipeline import Feed, Pipeline
from rakkr.render.plan import RenderPlan, check_possible, render_args
from rakkr.wording import one_line


@attrs.frozen
class Rendered:
    """
    A finished file.

    :ivar path: the file.
    :ivar bytes: its size.
    :ivar content_type: its media type.
    :ivar frames: the frames that it holds, the silent ones among them.
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
    in_thread: Callable[..., Deferred[Any]],
    renderer: Renderer,
    feeder: tuple[str, ...],
    env: Mapping[str, str],
    plan: RenderPlan,
    strip: Strip,
    target: Path,
    progress: Callable[[float], None] = _nobody,
) -> Rendered:
    """
    Make ``target`` from a strip of captures, which may still be growing.

    The file appears under its name when it is whole, in place of any that has it, such as an empty
    one that reserves it.  Cancelling ends the programs and removes what they wrote.

    :param in_thread: does blocking work in a thread, for example ``deferToThreadPool`` with its
        pool: a large file takes its time to go away.
    :param feeder: the command that strings pieces together, see :func:`rakkr.render.orders.feeder`.
    :param env: the environment of the programs; the C locale is added.
    :param progress: called with the seconds of audio that are done.
    :raises ImpossibleRender: when the plan does not fit this capture.
    :raises RenderFailed: when nothing, or not everything, came out, or the disk does not take it.
    """
    check_possible(plan, captured_channels=strip.channels, rate=strip.rate)
    if not strip.frames:
        raise RenderFailed("there is nothing to render: the recording has no frames")
    feed = None
    if strip.contiguous() is None:
        feed = Feed(renderer.polite(feeder), feed_orders(strip))
    pipeline = Pipeline(spawner, clock, renderer.command, progress)
    async with _partial_of(target, in_thread) as partial:
        argv = renderer.argv(render_args(plan, strip, partial))
        await pipeline.to_the_end(argv, feed, {**env, "LC_ALL": "C"})
        size = pipeline.check(partial, strip.seconds)
        partial.replace(target)
    return Rendered(target, size, plan.content_type, strip.frames, strip.seconds)


@asynccontextmanager
async def _partial_of(target: Path, in_thread: Callable[..., Deferred[Any]]) -> AsyncIterator[Path]:
    """Hold a file of its own for each run beside its target; it goes away unless it is renamed."""
    try:
        partial = reserve(partial_name(target))
        try:
            yield partial
        except Exception:
            await in_thread(_remove, partial)
            raise
    except OSError as error:
        why = one_line(f"{target} cannot be written: {error.strerror or error}")
        raise RenderFailed(why, disk_full=is_full(error)) from error


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
