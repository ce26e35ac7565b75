"""The looks at a capture while its program runs."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from rakkr.capture.growth import StallEvidence
from rakkr.capture.holding import Lost
from rakkr.capture.prepare import Prepared
from rakkr.capture.progress import Progress
from rakkr.capture.request import CaptureLimits
from rakkr.capture.seal import checkpoint
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.tie_watch import TieWatch
from rakkr.capture.window import LOOK_SECONDS, Window
from rakkr.ladder import Watched

_LEASH_SLACK_SECONDS = 0.5


class Watch:
    """
    Looks at a growing file, keeps it safe, and ends its program when that is due.

    :ivar files: what the program writes.
    :ivar window: how much is needed.
    :ivar progress: what was seen.
    :ivar stall: what shows that the file no longer grows, None while it does.
    :ivar lost: what shows that the source is gone, None while it is there.
    :ivar tie: the looks at the sound server; None where there is none.
    :ivar disk: held by whoever works on the files.
    """

    log = Logger()

    def __init__(
        self,
        files: Prepared,
        window: Window,
        progress: Progress,
        limits: CaptureLimits,
        world: Surroundings,
        *,
        leash: float | None,
        first_sample: Callable[[], None],
    ) -> None:
        """
        Look at nothing yet.

        :param leash: the moment that the shim knows; None where there is no shim.
        :param first_sample: called once, when the first sample was seen.
        """
        self.window = window
        self.progress = progress
        self.stall: StallEvidence | None = None
        self.lost: Lost | None = None
        self.disk = DeferredLock()
        self.files = files
        self._limits = limits
        self._world = world
        self._clock = world.clock
        self._leash = leash
        self._first_sample = first_sample
        self._started = False
        self._process: Watched | None = None
        self._looking: IDelayedCall | None = None
        self._sync_at = self._clock.seconds() + LOOK_SECONDS
        self.tie: TieWatch | None = None
        if files.launch.tie is not None and world.look is not None:
            self.tie = TieWatch(files.launch.tie, world.look, world.clock, self, self._lose)

    def begin(self, process: Watched, *, judge: bool = True) -> None:
        """
        Look after this process from now on.

        :param judge: False looks first, and lets a moment pass in which :meth:`want` may say how
            much is needed before the program is ended.
        """
        self._process = process
        if self.tie is not None:
            self.tie.begin(believed=0 if judge else self.frames_now())
        if judge:
            self._look()
        else:
            self._see(self._clock.seconds())
            self._looking = self._clock.callLater(self._pause(), self._look)

    def end(self) -> None:
        """Look no more."""
        self._process = None
        if self.tie is not None:
            self.tie.end()
        if self._looking is not None and self._looking.active():
            self._looking.cancel()

    def frames_now(self) -> int:
        """Frames that are in the file at this moment."""
        return (self.files.storage.audio_bytes() or 0) // self.progress.frame_bytes

    def quiet_seconds(self) -> float:
        """For how long the file has not grown, as far as was looked."""
        return self._clock.seconds() - self.progress.growth.grew

    def _lose(self, lost: Lost) -> None:
        process = self._process
        if process is None or process.stopped or self._is_complete():
            return  # a program that ends takes its links away first
        self.lost = lost
        process.stop()

    def _is_complete(self) -> bool:
        """Whether a program that ends itself has come to the end of its window."""
        seconds, window = self.progress.seconds(self._clock.seconds()), self.window
        return (
            window.call.ends_itself
            and seconds is not None
            and seconds >= window.planned / window.rate
        )

    def want(self, frames: int | None) -> None:
        """End the program at so many frames, or never."""
        self.window = attrs.evolve(self.window, wanted=frames)
        if self._process is None:
            return
        if self._looking is not None and self._looking.active():
            self._looking.reset(self._pause())
        if not self.disk.locked:
            self._save(self._process)
        else:
            self._sync_at = self._clock.seconds()

    def _pause(self) -> float:
        seconds = self.progress.seconds(self._clock.seconds())
        return self.window.next_look(seconds=seconds, frames=self.progress.frames)

    def _look(self) -> None:
        process = self._process
        assert process is not None
        with self.log.failuresHandled("a look at {path} failed", path=self.files.storage.path):
            self._examine(process, self._clock.seconds())
        if self._process is not None:
            self._looking = self._clock.callLater(self._pause(), self._look)

    def _see(self, now: float) -> None:
        storage, progress = self.files.storage, self.progress
        progress.seen(storage.size(), storage.audio_bytes(), now)
        certain = self.tie is None or self.tie.settled
        if progress.started_at is not None and certain and not self._started:
            self._started = True
            self._sync_at = now  # what the program said of its device came before
            self._first_sample()

    def _examine(self, process: Watched, now: float) -> None:
        progress = self.progress
        self._see(now)
        if not process.stopped:
            self.stall = progress.growth.stalled(
                now,
                grace_seconds=self._limits.growth_grace_seconds,
                stalled_seconds=self._limits.stalled_seconds,
            )
            seconds = progress.seconds(now)
            over = self.window.is_over(seconds=seconds, frames=progress.frames)
            if over or self.stall is not None:
                process.stop()
        if (now >= self._sync_at or self.files.messages.long) and not self.disk.locked:
            self._save(process)

    def _save(self, process: Watched) -> None:
        self._sync_at = self._clock.seconds() + LOOK_SECONDS
        Deferred.fromCoroutine(self._checkpoint(process))

    def _moved_leash(self) -> float | None:
        """Find out whether the shim has to know another moment."""
        if self._leash is None:
            return None
        now = self._clock.seconds()
        until = self.window.leash(
            now, seconds=self.progress.seconds(now), frames=self.progress.frames
        )
        return until if abs(until - self._leash) > _LEASH_SLACK_SECONDS else None

    async def _checkpoint(self, process: Watched) -> None:
        leash = self._moved_leash()
        try:
            await self.disk.run(self._world.in_thread, checkpoint, self.files, leash)
            self._leash = leash or self._leash
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - evidence never hurts the capture
            self.log.failure(
                "{path} could not be brought to the disk", path=self.files.storage.path
            )
        messages = self.files.messages
        # jack_capture goes on when the disk is full, and then behind a torn frame.
        if messages.wrong_rate is not None or messages.disk_full:
            process.stop()
