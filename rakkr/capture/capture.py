"""
One capture: a program that writes, a file that grows, and the outcome.

No sample passes through here.  The program's stdout is the file and its stderr another one, so a
slow, stopped or dead agent costs no sample.  What happens here is looking: at the size of the file
every second, and at what the program said.  A capture that another agent began is looked at in the
same way.
"""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger, LogLevel

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.wave import NotWave
from rakkr.capture.conclusion import audio_of
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.outcome import CaptureOutcome, Completed, StartFailed
from rakkr.capture.prepare import CannotStart, prepare, reopen, trace_of
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.run import Announce, Run
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.trace import Trace
from rakkr.process_identity import boot_id


def _to_nobody(_trace: Trace) -> Deferred[None]:
    return succeed(None)


def start_capture(
    request: CaptureRequest,
    limits: CaptureLimits,
    surroundings: Surroundings,
    announce: Announce = _to_nobody,
) -> Capture:
    """
    Start a capture; one that cannot start has its outcome at once, and nothing is raised.

    :param announce: told of the files when they are open; the program is called after that.
    """
    run = Run(request, limits, surroundings)
    try:
        files = prepare(request, surroundings.env)
    except CannotStart as error:
        capture = Capture(request, surroundings, run, (request.command,), request.path)
        run.finish(StartFailed(str(error)))
        return capture
    now, boot = surroundings.clock.seconds(), boot_id(surroundings.proc)
    run.open(files, trace_of(files, request, now=now, boot=boot))
    argv, path = files.launch.argv, files.storage.path
    capture = Capture(request, surroundings, run, argv, path)
    run.begin(announce)
    return capture


def adopt_capture(
    request: CaptureRequest, trace: Trace, limits: CaptureLimits, surroundings: Surroundings
) -> Capture:
    """
    Take over a capture that another agent began; one that has ended is concluded.

    It ends at the frames that the trace says, until :meth:`Capture.want` says others.  Nothing is
    cut off a capture that we did not end ourselves: more may have been wanted than the trace says.

    :param request: what was asked for; of its numbers those of the trace count.
    """
    run = Run(request, limits, surroundings)
    capture = Capture(request, surroundings, run, trace.argv, trace.path)
    try:
        files = reopen(trace, request)
    except OSError as error:
        run.give_up(trace, f"{trace.path} cannot be taken over: {error.strerror}")
    else:
        run.open(files, trace, adopted=True)
        run.go_on(trace)
    return capture


class Capture:
    """
    A capture that runs, or ran; made by :func:`start_capture` or :func:`adopt_capture`.

    :ivar path: the file.
    :ivar argv: the program and its arguments, as they were called.
    """

    log = Logger()

    def __init__(
        self,
        request: CaptureRequest,
        world: Surroundings,
        run: Run,
        argv: tuple[str, ...],
        path: Path,
    ) -> None:
        self.request = request
        self.argv = argv
        self.path = path
        self._world = world
        self._run = run
        self._unreadable = ""
        run.end.when().addCallback(self._last_words)

    @property
    def outcome(self) -> CaptureOutcome | None:
        """How it ended; None while it runs."""
        return self._run.outcome

    @property
    def adopted(self) -> bool:
        """Whether another agent began it."""
        return self._run.adopted

    @property
    def has_sample(self) -> bool:
        """Whether a sample came that is of the right source, as far as anybody knows."""
        return self._run.has_sample

    @property
    def command(self) -> str:
        """The program that was called."""
        return self.argv[0]

    @property
    def pid(self) -> int | None:
        """The process id while it lives, of the shim where there is one."""
        return None if self._run.process is None else self._run.process.pid

    @property
    def started_at(self) -> float | None:
        """When the first sample was captured, on the monotonic clock; better known with time."""
        return None if self._run.watch is None else self._run.watch.progress.started_at

    @property
    def bytes(self) -> int:
        """Bytes of samples at the last look."""
        return 0 if self._run.watch is None else self._run.watch.progress.bytes

    @property
    def frames(self) -> int:
        """Whole frames at the last look."""
        return 0 if self._run.watch is None else self._run.watch.progress.frames

    @property
    def heard(self) -> tuple[int, Dropouts]:
        """How far the program's messages were read, in bytes, and the gaps they reported so far."""
        if self._run.watch is None:
            return 0, Dropouts()
        return self._run.watch.files.messages.at, self._run.watch.files.messages.dropouts

    async def listen(self) -> Dropouts:
        """Read what the program said until now; returns the gaps that it reported so far."""
        watch = self._run.watch
        if watch is None:
            return Dropouts()
        if self.outcome is None:
            try:
                await watch.disk.run(self._world.in_thread, watch.files.messages.read)
            except OSError as error:
                self.log.warn("{path} is not read: {error}", path=self.path, error=str(error))
        return watch.files.messages.dropouts

    @property
    def trace(self) -> Trace:
        """
        What another agent needs to go on with it.

        :raises LookupError: for a capture that could not even open its files.
        """
        return self._run.trace

    def when_spawned(self) -> Deferred[None]:
        """Wait until the trace tells which process it is, or there will be none; never fails."""
        return self._run.spawned.when()

    def when_started(self) -> Deferred[float | None]:
        """
        Wait for the first sample.

        :returns: a Deferred of one's own; fires with :attr:`started_at`, or with None when the
            capture ended without a sample, and never fails.
        """
        return self._run.sample.when()

    def when_done(self) -> Deferred[CaptureOutcome]:
        """Wait for the outcome, with a Deferred of one's own that never fails."""
        return self._run.end.when()

    def want(self, frames: int | None) -> None:
        """
        End the capture when it has so many frames, which may be more or fewer than before.

        What lies beyond them is cut off at the end, if the file is ours.

        :param frames: from its first one on; None: until somebody stops it.
        """
        if self._run.watch is not None and self.outcome is None:
            self._run.watch.want(frames)

    def stop(self) -> Deferred[CaptureOutcome]:
        """End the capture gracefully, and keep what was captured; twice is once."""
        self._run.stop()
        return self.when_done()

    def let_go(self) -> None:
        """Leave a running program to the agent that comes next; this one is about to end."""
        self._run.let_go()

    async def snapshot(self, *, fresh: bool = True) -> CapturedAudio | None:
        """
        Say what was captured so far, for a reader that does not wait for the end.

        :param fresh: whether a sound server is asked now; else what lies behind the last look is
            left out.
        :returns: the frames that are in the file at this moment, as far as they surely are of the
            source, or None when none can be read.
        """
        watch, audio = self._run.watch, await self.growing()
        if watch is None or audio is None or watch.tie is None or self.outcome is not None:
            return audio
        frames = await watch.tie.confirm(audio.frames, fresh=fresh)
        return attrs.evolve(audio, frames=frames) if frames else None

    async def growing(self) -> CapturedAudio | None:
        """
        Say what lies in the file at this moment, whatever it is of.

        :returns: None when not one frame can be read.
        """
        watch = self._run.watch
        if watch is None:
            return None
        if self._run.process is not None and self._run.process.exit is not None:
            return audio_of(await self.when_done())
        try:
            return await watch.disk.run(self._world.in_thread, watch.files.storage.so_far)
        except (NotWave, OSError) as error:
            if str(error) != self._unreadable:  # meters ask several times a second
                self._unreadable = str(error)
                self.log.warn(
                    "{path} cannot be read yet: {error}", path=self.path, error=str(error)
                )
            return None

    def _last_words(self, outcome: CaptureOutcome) -> None:
        audio = audio_of(outcome)
        dropouts = Dropouts() if isinstance(outcome, StartFailed) else outcome.dropouts
        early = isinstance(outcome, Completed) and outcome.ended_early
        self.log.emit(
            LogLevel.warn if early else LogLevel.info,
            "{command} left {path}: {outcome}{early}, {frames} of {planned} frames,"
            " {count} dropouts ({milliseconds} ms)",
            command=self.command,
            path=self.path,
            outcome=type(outcome).__name__,
            early=" too early" if early else "",
            frames=0 if audio is None else audio.frames,
            planned=self.request.planned_frames,
            count=dropouts.count,
            milliseconds=dropouts.milliseconds,
        )
