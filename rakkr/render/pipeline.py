"""The render program, the feeder before it if it needs one, and the watch over both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from fcntl import F_SETPIPE_SZ, fcntl
from pathlib import Path
from typing import Final

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime

from rakkr.process import Child, Exit, Ladder, spawn
from rakkr.render.errors import RenderFailed
from rakkr.render.feed import NOBODY_READS
from rakkr.render.progress import Progress
from rakkr.wording import one_line, summary

# ffmpeg reports twice a second; a disk that sleeps, or a busy one, may hold it up for a while.
STALL_SECONDS: Final = 60.0
# Encoders round to whole packets; the longest, of an 8 kHz mp3, is 72 ms and there are two.
_TOLERANCE_SECONDS: Final = 0.2
# How long the feeder may take to end behind ffmpeg: its pipe is closed, so it has nothing to do.
FEEDER_SECONDS: Final = 5.0
# A block of the feeder; 5 GB went through in a fifth of the time that the usual 64 KiB take.
_PIPE_BYTES: Final = 1 << 20
_MOST_STDERR: Final = 2000
_LADDER: Final = Ladder(first="TERM", grace=5.0, give_up=5.0, drain=1.0)
# What strerror says of ENOSPC and EDQUOT in the C locale.
_FULL: Final = (b"No space left on device", b"Disk quota exceeded")
# After these ffmpeg 5.1 ends with code 0 all the same.
_UNWRITTEN: Final = (*_FULL, b"Error writing trailer", b"Error closing file")


@attrs.frozen
class Feed:
    """
    What goes into ffmpeg's stdin.

    :ivar argv: the feeder.
    :ivar orders: what it reads on its own stdin.
    """

    argv: Sequence[str]
    orders: bytes


class Pipeline:
    """
    One run of ffmpeg with an optional feeder; made for one use.

    :param command: ffmpeg's name in sentences.
    :param progress: called with the seconds of audio that are done.
    """

    def __init__(
        self,
        spawner: IReactorProcess,
        clock: IReactorTime,
        command: str,
        progress: Callable[[float], None],
    ) -> None:
        self._spawner = spawner
        self._clock = clock
        self._command = command
        self._tell = progress
        self._progress = Progress()
        self._stderr = {"ffmpeg": bytearray(), "feeder": bytearray()}
        self._ffmpeg: Child | None = None
        self._feeder: Child | None = None
        self._watch: IDelayedCall | None = None
        self._stalled = False

    async def to_the_end(
        self, argv: Sequence[str], feed: Feed | None, env: Mapping[str, str]
    ) -> None:
        """
        Run until both are gone; cancelling kills both.

        :raises RenderFailed: unless each ended well by itself.
        """
        try:
            ffmpeg = self._start(argv, feed, env)
            how = await ffmpeg.when_ended()
            self._unwatch()
            self._judge(how, await self._end_of_feeder())
        finally:
            self._unwatch()
            for child in (self._ffmpeg, self._feeder):
                if child is not None and child.exit is None:
                    child.stop("KILL")

    def _start(self, argv: Sequence[str], feed: Feed | None, env: Mapping[str, str]) -> Child:
        self._watch = self._clock.callLater(STALL_SECONDS, self._stall)
        if feed is None:
            self._ffmpeg = self._spawn(argv, env, {0: "w"}, self._ffmpeg_said)
            return self._ffmpeg
        try:
            with ExitStack() as ours:  # the children have their own by then
                read_end, write_end = os.pipe()
                ours.callback(os.close, read_end)
                ours.callback(os.close, write_end)
                with suppress(OSError):  # a user may have used up what all pipes may hold
                    fcntl(write_end, F_SETPIPE_SZ, _PIPE_BYTES)
                orders = ours.enter_context(open(os.memfd_create("orders"), "w+b", 0))  # noqa: PTH123
                orders.write(feed.orders)
                orders.seek(0)
                self._ffmpeg = self._spawn(argv, env, {0: read_end}, self._ffmpeg_said)
                if self._ffmpeg.exit is None:
                    fds = {0: orders.fileno(), 1: write_end}
                    self._feeder = self._spawn(feed.argv, env, fds, self._feeder_said)
        except OSError as error:
            raise RenderFailed(f"rendering cannot be started: {error.strerror}") from error
        return self._ffmpeg

    def _spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        fds: Mapping[int, int | str],
        output: Callable[[int, bytes], None],
    ) -> Child:
        return spawn(
            self._spawner,
            self._clock,
            argv,
            env=env,
            ladder=_LADDER,
            child_fds={1: "r", 2: "r", **fds},
            output=output,
        )

    async def _end_of_feeder(self) -> Exit | None:
        """Wait for the feeder, which may be reaped before ffmpeg or behind it."""
        if self._feeder is None:
            return None
        late = self._clock.callLater(FEEDER_SECONDS, self._feeder.stop, "KILL")
        try:
            return await self._feeder.when_ended()
        finally:
            if late.active():
                late.cancel()

    def _judge(self, how: Exit, fed: Exit | None) -> None:
        """Find who failed first: a feeder that stops makes ffmpeg end, and the other way round."""
        if self._stalled:
            raise self._failed(f"no progress for {STALL_SECONDS:.0f} s at {self._where()}")
        if fed is not None and not (fed.ok or fed.code == NOBODY_READS or self._was_late()):
            what = one_line(f"the pieces of the recording could not be read, {fed}")
            raise RenderFailed(_with(what, self._stderr["feeder"]))
        if not how.ok or self._said_any(_UNWRITTEN):
            raise self._failed(str(how))
        if fed is not None and not fed.ok:
            raise self._failed("exit code 0 before it had read everything")

    def _was_late(self) -> bool:
        return self._feeder is not None and self._feeder.stopped

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

    def _ffmpeg_said(self, descriptor: int, data: bytes) -> None:
        if descriptor != 1:
            self._keep("ffmpeg", data)
        elif self._progress.feed(data):
            assert self._watch is not None
            if self._watch.active():
                self._watch.reset(STALL_SECONDS)
            self._tell(self._progress.seconds)

    def _feeder_said(self, _descriptor: int, data: bytes) -> None:
        self._keep("feeder", data)

    def _keep(self, who: str, data: bytes) -> None:
        kept = self._stderr[who]
        kept += data[: _MOST_STDERR - len(kept)]

    def _stall(self) -> None:
        assert self._ffmpeg is not None
        self._stalled = True
        self._ffmpeg.stop()

    def _unwatch(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()

    def _where(self) -> str:
        return f"{self._progress.seconds:.3f} s"

    def _said_any(self, sentences: Sequence[bytes]) -> bool:
        return any(words in self._stderr["ffmpeg"] for words in sentences)

    def _failed(self, status: str) -> RenderFailed:
        what = one_line(f"recording render command {self._command} failed with status {status}")
        return RenderFailed(_with(what, self._stderr["ffmpeg"]), disk_full=self._said_any(_FULL))


def _with(what: str, stderr: bytearray) -> str:
    said = summary(stderr.decode(errors="replace"))
    return f"{what}: {said}" if said else what
