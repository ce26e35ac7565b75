"""
One run of a capture program, from the first file to the outcome.

A run that another agent began is gone on with: the same files, the same looks, the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.adopted_process import adopt
from rakkr.capture.conclusion import audio_of
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.ending import Ended, finish
from rakkr.capture.found import Found, find
from rakkr.capture.outcome import CaptureOutcome, Failed
from rakkr.capture.prepare import Prepared
from rakkr.capture.progress import Progress
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.spawning import ladder, start_program
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.trace import Trace
from rakkr.capture.watch import Watch
from rakkr.capture.window import Window
from rakkr.ladder import Exit, Watched
from rakkr.moment import Moment
from rakkr.process_identity import identify
from rakkr.wording import one_line

Announce = Callable[[Trace], Deferred[None]]
"""Writes down where a capture can be found; what it says may take its time, and may fail."""
_ANNOUNCE_SECONDS: Final = 2.0
"""The sound does not wait longer for a disk that takes no announcement."""


class Run:
    """
    The program, its files, and what is known of them.

    :ivar watch: the looks at the files; None when there are none.
    :ivar process: the program, or its shim; None before it was called, or found.
    :ivar outcome: how it ended, None while it runs.
    :ivar spawned: fires when it is known which process it is, or that there is none.
    :ivar sample: fires with the moment of the first sample, or None.
    :ivar end: fires with the outcome.
    """

    log = Logger()

    def __init__(self, request: CaptureRequest, limits: CaptureLimits, world: Surroundings) -> None:
        self.watch: Watch | None = None
        self.process: Watched | None = None
        self.outcome: CaptureOutcome | None = None
        self.spawned = Moment[None]()
        self._announced = Moment[None]()
        self.sample = Moment[float | None]()
        self.end = Moment[CaptureOutcome]()
        self._request = request
        self._limits = limits
        self._world = world
        self._clock = world.clock
        self._trace: Trace | None = None
        self._group: int | None = None
        self._draining: IDelayedCall | None = None
        self._stopped = self._adopted = self._left = False

    @property
    def trace(self) -> Trace:
        """
        What another agent needs to go on.

        :raises LookupError: when not even the files could be opened.
        """
        if self._trace is None or self.watch is None:
            raise LookupError(f"nothing was begun for {self._request.path}")
        messages, progress = self.watch.files.messages, self.watch.progress
        return attrs.evolve(
            self._trace,
            wanted=self.watch.window.wanted,
            started_at=progress.started_at,
            messages_at=messages.at,
            dropouts=messages.dropouts,
        )

    @property
    def adopted(self) -> bool:
        """Whether another agent began it."""
        return self._adopted

    def stop(self) -> None:
        """Ask the program to end; twice is once."""
        if self.outcome is None and (self.process is None or self.process.exit is None):
            self._stopped = True
            if self.process is not None:
                self._drain(self.process)

    def let_go(self) -> None:
        """Look no more, and leave the program alone."""
        if self._draining is not None and self._draining.active():
            self._draining.cancel()
            assert self.process is not None
            self.process.stop()
        self._left = True
        self._announced.comes(None)
        if self.watch is not None:
            self.watch.end()
        if self.process is not None:
            self.process.let_go()

    def open(self, files: Prepared, trace: Trace, *, adopted: bool = False) -> None:
        """Take the files; nothing runs yet, or another agent's program does."""
        self._trace, self._adopted = trace, adopted
        window = Window(
            call=files.launch,
            rate=trace.rate,
            planned=trace.planned,
            wanted=trace.wanted,
            overrun_seconds=self._limits.overrun_seconds,
        )
        now = self._clock.seconds()
        progress = Progress(
            trace.spawned_at,
            trace.rate,
            files.launch.format.frame_bytes(trace.channels),
            watched_since=now,
            started_at=trace.started_at,
        )
        self.watch = Watch(
            files,
            window,
            progress,
            self._limits,
            self._world,
            leash=window.leash(now, seconds=None, frames=0) if self._world.shim else None,
            first_sample=lambda: self.sample.comes(progress.started_at),
        )

    def begin(self, announce: Announce) -> None:
        """Announce the files, then call the program."""
        self._do(self._start(announce))

    def go_on(self, trace: Trace) -> None:
        """Find the program that another agent called, and watch it, or see how it ended."""
        self._do(self._adopt(trace))

    def give_up(self, trace: Trace, why: str) -> None:
        """End a program of another agent whose file cannot be opened."""
        self._do(self._end_lost(trace, why))

    def finish(self, outcome: CaptureOutcome) -> None:
        """Tell everybody how it ended."""
        self.outcome = outcome
        self.spawned.comes(None)
        started = None if self.watch is None else self.watch.progress.started_at
        self.sample.comes(None if self._nothing_came else started)
        self.end.comes(outcome)

    @property
    def has_sample(self) -> bool:
        """Whether a sample came that is of the right source, as far as anybody knows."""
        started = None if self.watch is None else self.watch.progress.started_at
        return self.sample.came and started is not None and not self._nothing_came

    @property
    def _nothing_came(self) -> bool:
        """Whether there was no sample, or none of the right source."""
        lost = self.watch is not None and self.watch.lost is not None
        return lost and self.outcome is not None and audio_of(self.outcome) is None

    def _do(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._broke)

    async def _start(self, announce: Announce) -> None:
        assert self.watch is not None
        watch, world = self.watch, self._world
        await self._announce(announce)
        if self._left:
            return
        if self._stopped:
            await self._conclude(Exit(refused="it was stopped before it began"))
            return
        now = watch.progress.spawned_at = self._clock.seconds()
        leash = watch.window.leash(now, seconds=None, frames=0) if world.shim else None
        child = start_program(
            watch.files, world, grace=self._limits.stop_grace_seconds, leash=leash
        )
        who = None if child.pid is None else identify(child.pid, world.proc)
        self._run(child, child.pid, spawned_at=now, identity=who)

    async def _announce(self, announce: Announce) -> None:
        """Evidence never hurts the capture: neither when it fails, nor when it takes its time."""
        late = self._clock.callLater(_ANNOUNCE_SECONDS, self._announced.comes, None)
        where = f"{self.trace.path} could not be announced"
        announcing = maybeDeferred(announce, self.trace)
        announcing.addErrback(lambda failure: self.log.failure(where, failure))
        announcing.addCallback(self._announced.comes)
        await self._announced.when()
        if late.active():
            late.cancel()

    async def _adopt(self, trace: Trace) -> None:
        found = await self._world.in_thread(find, trace, self._world.proc)
        if found is None:
            await self._conclude(Exit(unknown=True))
        else:
            self._run(self._process_of(found), found.group, identity=found.identity)

    async def _end_lost(self, trace: Trace, why: str) -> None:
        found = await self._world.in_thread(find, trace, self._world.proc)
        if found is not None:
            await self._process_of(found).stop()
        self.finish(Failed(why, None, trace.dropouts))

    def _process_of(self, found: Found) -> Watched:
        return adopt(
            found.identity,
            self._clock,
            ladder(self._limits.stop_grace_seconds),
            group=found.group,
            watcher=self._world.watcher,
            proc=self._world.proc,
        )

    def _run(self, process: Watched, group: int | None, **facts: Any) -> None:
        assert self._trace is not None
        assert self.watch is not None
        self._trace = attrs.evolve(self._trace, **facts)
        self.process, self._group = process, group
        if self._left:
            process.let_go()
            return
        process.when_ended().addCallback(self._ended)
        if process.exit is None:
            self.log.info("{command} captures {path}", command=self._trace.argv[0], **self._where)
            self.watch.begin(process, judge=not self._adopted)
            if self._stopped:
                self._drain(process)
        self.spawned.comes(None)

    def _drain(self, process: Watched) -> None:
        """End the program when what the device has delivered by now is in the file."""
        seconds = 0.0 if self.watch is None else self.watch.files.launch.drain_seconds
        if not seconds:
            process.stop()
        elif self._draining is None:
            self._draining = self._clock.callLater(seconds, process.stop)

    def _ended(self, how: Exit) -> None:
        if self._draining is not None and self._draining.active():
            self._draining.cancel()
        if self.watch is not None and not self._left:
            self.watch.end()
            self._do(self._conclude(how))

    async def _conclude(self, how: Exit) -> None:
        assert self.watch is not None
        ended = Ended(
            watch=self.watch,
            trace=self.trace,
            how=how,
            asked=self._stopped if self.process is None else self.process.stopped,
            asked_at=None if self.process is None else self.process.stopped_at,
            stopped=self._stopped,
            group=self._group,
            cut=not self._adopted or (self.process is not None and self.process.stopped),
            unwatched=self._adopted and self.process is None,
        )
        self.finish(await finish(ended, self._limits, self._world))

    def _broke(self, failure: Failure) -> None:
        """Nothing that was overlooked may leave anybody waiting for ever."""
        self.log.failure("the capture of {path} broke down", failure, **self._where)
        if self.outcome is None:
            why = f"{self._where['path']}: {failure.getErrorMessage()}"
            self.finish(Failed(one_line(why), None, Dropouts()))

    @property
    def _where(self) -> dict[str, Any]:
        return {"path": self._request.path if self._trace is None else self._trace.path}
