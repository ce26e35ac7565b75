"""
One capture: a program that writes, a file that grows, and the outcome.

No sample passes through here.  The program's stdout is the file and its stderr another one, so a
slow, stopped or dead agent costs no sample.  What happens here is looking: at the size of the file
every second, and at what the program said.
"""

from __future__ import annotations

import os
from typing import Final

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger, LogLevel

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.wave import NotWave
from rakkr.capture import window
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.growth import Growth, StallEvidence
from rakkr.capture.outcome import CaptureOutcome, Completed, Failed, Stalled, StartFailed
from rakkr.capture.prepare import CannotStart, Prepared, prepare
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.seal import Sealed, checkpoint, seal
from rakkr.capture.session import end_group, in_own_session
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.verdict import Ending, judge
from rakkr.moment import Moment
from rakkr.process import Child, Exit, Ladder, spawn

_GIVE_UP_SECONDS: Final = 5.0


def start_capture(
    request: CaptureRequest, limits: CaptureLimits, surroundings: Surroundings
) -> Capture:
    """Start a capture; one that cannot start has its outcome at once, and nothing is raised."""
    capture = Capture(request, limits, surroundings)
    try:
        prepared = prepare(request, surroundings.env)
    except CannotStart as error:
        capture._finish(StartFailed(str(error)))
    else:
        capture._begin(prepared)
    return capture


class Capture:
    """
    A capture that runs, or ran; made by :func:`start_capture`.

    :ivar path: the file.
    :ivar argv: the program and its arguments, as they were called.
    :ivar started_at: when the first sample was captured, on the monotonic clock.
    :ivar bytes: bytes of samples at the last look.
    :ivar outcome: how it ended, None while it runs.
    """

    log = Logger()

    def __init__(
        self, request: CaptureRequest, limits: CaptureLimits, surroundings: Surroundings
    ) -> None:
        self.request = request
        self.path = request.path
        self.argv: tuple[str, ...] = (request.command,)
        self.started_at: float | None = None
        self.bytes = 0
        self.outcome: CaptureOutcome | None = None
        self._frame_bytes = request.frame_bytes
        self._limits = limits
        self._world = surroundings
        self._clock = surroundings.clock
        self._growth = Growth(self._clock.seconds(), self._clock.seconds())
        self._stall: StallEvidence | None = None
        self._stopped = False
        self._prepared: Prepared | None = None
        self._child: Child | None = None
        self._group: int | None = None
        self._disk = DeferredLock()
        self._looking: IDelayedCall | None = None
        self._sync_at = self._growth.began + window.LOOK_SECONDS
        self._start = Moment[float | None]()
        self._end = Moment[CaptureOutcome]()

    @property
    def command(self) -> str:
        """The program that was called."""
        return self.argv[0]

    @property
    def pid(self) -> int | None:
        """The program's process id while it lives."""
        return None if self._child is None else self._child.pid

    @property
    def frames(self) -> int:
        """Whole frames at the last look."""
        return self.bytes // self._frame_bytes

    def when_started(self) -> Deferred[float | None]:
        """
        Wait for the first sample.

        :returns: a Deferred of one's own; fires with :attr:`started_at`, or with None when the
            capture ended without a sample, and never fails.
        """
        return self._start.when()

    def when_done(self) -> Deferred[CaptureOutcome]:
        """Wait for the outcome, with a Deferred of one's own that never fails."""
        return self._end.when()

    def stop(self) -> Deferred[CaptureOutcome]:
        """End the capture gracefully, and keep what was captured; twice is once."""
        if self._child is not None and self._child.exit is None:
            self._stopped = True
            self._child.stop()
        return self.when_done()

    async def snapshot(self) -> CapturedAudio | None:
        """
        Say what was captured so far, for a reader that does not wait for the end.

        :returns: the frames that are in the file at this moment, or None when none can be read.
        """
        if self._prepared is None:
            return None
        if self._child is not None and self._child.exit is not None:
            return _audio_of(await self.when_done())
        try:
            return await self._disk.run(self._world.in_thread, self._prepared.storage.so_far)
        except (NotWave, OSError) as error:
            self.log.warn("{path} cannot be read yet: {error}", path=self.path, error=str(error))
            return None

    def _begin(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.path, self.argv = prepared.storage.path, prepared.launch.argv
        self._frame_bytes = prepared.launch.format.frame_bytes(self.request.channels)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - devnull is no Path
            self._child = spawn(
                in_own_session(self._world.spawner, self._world.env),
                self._clock,
                self.argv,
                env={**self._world.env, "LC_ALL": "C"},
                ladder=Ladder("INT", self._limits.stop_grace_seconds, _GIVE_UP_SECONDS),
                child_fds={
                    0: nothing.fileno(),
                    1: prepared.stdout,
                    2: prepared.messages.descriptor,
                },
            )
        self._group = self._child.pid
        self._child.when_ended().addCallback(self._ended)
        if self._child.exit is None:
            self.log.info("{command} captures {path}", command=self.command, path=self.path)
            self._look(prepared, self._child)

    # While it runs

    def _look(self, prepared: Prepared, child: Child) -> None:
        with self.log.failuresHandled("a look at {path} failed", path=self.path):
            self._examine(prepared, child, self._clock.seconds())
        pause = window.next_look(
            self.request, prepared.launch, started=self.started_at is not None, frames=self.frames
        )
        self._looking = self._clock.callLater(pause, self._look, prepared, child)

    def _examine(self, prepared: Prepared, child: Child, now: float) -> None:
        self._growth = self._growth.seen(prepared.storage.size(), now)
        self._measure(prepared.storage.audio_bytes() or 0, now)
        if not child.stopped:
            self._stall = self._growth.stalled(
                now,
                grace_seconds=self._limits.growth_grace_seconds,
                stalled_seconds=self._limits.stalled_seconds,
            )
            if self._stall is not None or window.is_over(
                self.request,
                self._limits,
                prepared.launch,
                seconds=None if self.started_at is None else now - self.started_at,
                frames=self.frames,
            ):
                child.stop()
        if now >= self._sync_at and not self._disk.locked:
            self._sync_at = now + window.LOOK_SECONDS
            Deferred.fromCoroutine(self._checkpoint(prepared, child))

    def _measure(self, audio_bytes: int, now: float) -> None:
        self.bytes = audio_bytes
        if self.started_at is None and self.frames:
            # What lies in the file took its time to be captured.
            self.started_at = max(self._growth.began, now - self.frames / self.request.rate)
            self._sync_at = now  # what the program said of its device came before
            self._start.comes(self.started_at)

    async def _checkpoint(self, prepared: Prepared, child: Child) -> None:
        try:
            await self._disk.run(self._world.in_thread, checkpoint, prepared)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - evidence never hurts the capture
            self.log.failure("{path} could not be brought to the disk", path=self.path)
        if prepared.messages.wrong_rate is not None:
            child.stop()

    # The end

    def _ended(self, how: Exit) -> None:
        if self._looking is not None and self._looking.active():
            self._looking.cancel()
        if self._prepared is not None:
            Deferred.fromCoroutine(self._conclude(self._prepared, how))

    async def _conclude(self, prepared: Prepared, how: Exit) -> None:
        if self._group is not None and not how.abandoned:
            await self._end_others(self._group)
        try:
            sealed = await self._disk.run(self._world.in_thread, seal, prepared)
        except Exception as error:  # noqa: BLE001 - every end has an outcome
            self.log.failure("{path} could not be sealed", path=self.path)
            sealed = Sealed(None, None, f"{self.path} could not be finished: {error}")
        if sealed.trouble is not None:
            self.log.error("{trouble}", trouble=sealed.trouble)
        self._measure(sealed.audio_bytes or 0, self._clock.seconds())
        outcome = self._judge(sealed, prepared, how)
        heard = prepared.messages.dropouts.count > 0
        if isinstance(outcome, StartFailed) or (isinstance(outcome, Completed) and not heard):
            await self._world.in_thread(prepared.messages.remove)
        self._finish(outcome)

    async def _end_others(self, group: int) -> None:
        """A wrapper may end before the program that it called, which still writes."""
        assert self._child is not None
        grace, asked = self._limits.stop_grace_seconds, self._child.stopped
        if not await end_group(self._clock, group, grace=grace, asked=asked):
            self.log.error("{command} left processes that run on", command=self.command)

    def _judge(self, sealed: Sealed, prepared: Prepared, how: Exit) -> CaptureOutcome:
        audio, dropouts = sealed.audio, prepared.messages.dropouts
        if self._stall is not None:
            reason = "; ".join(filter(None, (self._stall.sentence, sealed.error)))
            return Stalled(reason, self._stall, audio, dropouts)
        wrong = prepared.messages.wrong_rate
        assert self._child is not None
        verdict = judge(
            Ending(
                command=self.command,
                code=how.code,
                signal=how.signal,
                refused=how.refused,
                abandoned=how.abandoned,
                asked=self._child.stopped,
                stderr=prepared.messages.text,
                path=self.path,
                audio_bytes=sealed.audio_bytes,
                min_bytes=self._limits.min_output_bytes,
                unusable=sealed.error,
                wrong_rate=None if wrong is None else wrong.sentence(self.request.device),
            )
        )
        if not verdict.ran and verdict.error is not None:
            return StartFailed(verdict.error)
        if verdict.error is not None or audio is None:
            return Failed(verdict.error or f"{self.path} holds no audio", audio, dropouts)
        planned = self.request.seconds * audio.rate
        return Completed(audio, planned, dropouts, self._stopped)

    def _finish(self, outcome: CaptureOutcome) -> None:
        self.outcome = outcome
        audio = _audio_of(outcome)
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
        self._start.comes(self.started_at)
        self._end.comes(outcome)


def _audio_of(outcome: CaptureOutcome) -> CapturedAudio | None:
    return None if isinstance(outcome, StartFailed) else outcome.audio
