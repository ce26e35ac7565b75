"""CacheSweepService: gives disk space back for audio that the controller holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from rakkr.cache import files
from rakkr.cache.candidates import Survey
from rakkr.cache.evidence import Evidence, swept_by
from rakkr.cache.failing import Failing
from rakkr.cache.intent import Intent
from rakkr.cache.plan import Deletion
from rakkr.cache.releases import Releases
from rakkr.cache.rules import Rules
from rakkr.cache.sanity import clock_trouble
from rakkr.cache.stock import Books, Stock
from rakkr.cache.uncollected import uncollected
from rakkr.clock import WallTime
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.disk.notices import Swept
from rakkr.disk.space import Space, read_space
from rakkr.health.edge import Emitter
from rakkr.live import LiveSettings
from rakkr.moment import Moment
from rakkr.periodic import Periodic

SWEEP_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 900.0
"""So long after the start a controller may be silent before that is something to tell of."""
LAST_SECONDS: Final = 10.0
"""So long the end of the agent waits for the captures' disk."""
_SHARE: Final = 50  # a sweep takes at most this part of the time
_ASKED_SECONDS: Final = 5.0  # between looks for the controller's first answer
_AT_ONCE: Final = 256  # recordings between two looks at what is needed


class CacheSweepService(MultiService):
    """
    Deletes what a policy lets go *and* a receipt covers, and nothing else.

    It works while jobs run, beside the reactor, and looks once more at what they need before every
    few deletions.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: WallTime,
        emitter: Emitter,
        in_thread: Callable[..., Deferred[Any]],
        books: Books,
        live: LiveSettings,
    ) -> None:
        super().__init__()
        self.setName("cache")
        settings = live.base
        self._clock = clock
        self._wall = wall
        self._in_thread = in_thread
        self._books = books
        self._live = live
        self._directory = settings.capture_dir.absolute()
        self._evidence = Evidence(emitter)
        self._releases = Releases(clock, emitter, in_thread)
        self._stock = Stock(
            settings.recorder_cache_manifest_file.absolute(),
            self._directory,
            books,
            self._evidence,
            in_thread,
            wall.stamp,
        )
        self._failing = Failing()
        self._lock = DeferredLock()
        self._began = clock.seconds()
        self._pause = 0.0
        self._soon: IDelayedCall | None = None
        self._stopping = False
        self._sweeping = Periodic(clock, SWEEP_SECONDS, self.sweep, name="sweeping", patient=True)
        self._sweeping.setServiceParent(self)

    def release(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """Give up files of a job whose upload was acknowledged, as far as the policy says so."""
        self._releases.add(job, policy, receipt, paths)

    def settled(self) -> None:
        """A job is over: what it left is put on the list soon, or deleted."""
        self._look_again(self._pause)

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """Stop, and put down what was delivered at the last moment, if the disk answers."""
        self._stopping = True
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        return Deferred.fromCoroutine(self._finish(maybeDeferred(super().stopService)))

    async def _finish(self, swept: Deferred[Any]) -> None:
        end = Moment[None]()
        work = Deferred.fromCoroutine(self._end(swept))
        work.addErrback(lambda failure: self.log.failure("the cache was not tidied up", failure))
        work.addBoth(end.comes)
        try:
            await end.when().addTimeout(LAST_SECONDS, self._clock)
        except TooLate:
            # What is missing on the list is put there by the next start.
            self.log.warn("{path} does not answer: nothing is tidied up", path=self._directory)

    async def _end(self, swept: Deferred[Any]) -> None:
        await swept
        await self.tidy()

    async def tidy(self) -> None:
        """Delete what was released, and bring the list up to date; no policy is heeded."""
        await self._lock.run(self._tidy)

    async def sweep(self) -> None:
        """Do all that there is to do."""
        await self._lock.run(self._sweep)

    async def make_room(self, required_bytes: int) -> Swept:
        """
        Delete files of delivered recordings, the oldest first, until so much was given back.

        This is for a disk that gets short, and so heeds neither policy nor clock.
        """
        await self._releases.run()
        seen = await self._stock.look()
        if seen is None:
            return Swept()
        _, deletions = await self._in_thread(
            _planned, self._intent(None).room, seen, required_bytes
        )
        swept = await self._carry_out(seen, deletions)
        self.settled()
        return swept

    async def _tidy(self) -> Survey | None:
        await self._releases.run()
        return await self._stock.update()

    async def _sweep(self) -> None:
        began = self._clock.seconds()
        seen = await self._tidy()
        if seen is None:
            self._look_again(1.0)
            return
        if await self._by_policy(seen):
            await self._stock.update()
        took = self._clock.seconds() - began
        self._sweeping.interval = max(SWEEP_SECONDS, _SHARE * took)
        self._pause = _SHARE * took / 2

    async def _by_policy(self, seen: Survey) -> bool:
        """Do what the policies ask for; says whether anything was tried."""
        waited = self._clock.seconds() - self._began
        asked = self._live.policies is not None and self._wall.skew_seconds is not None
        if not asked and waited < GRACE_SECONDS:
            self._look_again(max(_ASKED_SECONDS, self._pause))
            return False
        trouble = clock_trouble(self._wall.now(), seen.newest_upload, self._wall.skew_seconds)
        self._evidence.clock(trouble)
        if trouble is not None:
            return False
        intent = self._intent(await self._space())
        _, deletions = await self._in_thread(_planned, intent.sweep, seen)
        if deletions:
            self._evidence.swept(await self._carry_out(seen, deletions))
        return bool(deletions)

    def _intent(self, space: Space | None) -> Intent:
        return Intent(
            listed=self._live.policies,
            orphan_days=self._live.base.recorder_cache_orphan_days,
            now=self._wall.now(),
            space=space,
            without=self._failing.paths(self._clock.seconds()) | self._releases.paths,
        )

    async def _space(self) -> Space | None:
        try:
            found: Space = await self._in_thread(read_space, self._directory)
        except OSError as error:
            self.log.warn(
                "how much room {path} has is not known, so nothing goes for its sake: {why}",
                path=self._directory,
                why=str(error),
            )
            return None
        return found

    async def _carry_out(self, seen: Survey, deletions: Sequence[Deletion]) -> Swept:
        done: list[files.Deleted] = []
        policies = self._live.policies
        for first in range(0, len(deletions), _AT_ONCE):
            if self._stopping or self._live.policies != policies:
                break  # what is left is planned anew
            batch = deletions[first : first + _AT_ONCE]
            needed = self._books.needed()
            done += await self._in_thread(_delete, self._directory, seen, needed, batch)
        told = self._failing.note(done, self._clock.seconds())
        for each in told:
            for path, why in each.errors.items():
                self.log.warn("{path} cannot be deleted: {why}", path=path, why=why)
        return swept_by(len(seen.holdings), told)

    def _look_again(self, seconds: float) -> None:
        if self.running and not self._stopping and self._soon is None:
            self._soon = self._clock.callLater(seconds, self._now)

    def _now(self) -> None:
        self._soon = None
        sweeping = Deferred.fromCoroutine(self.sweep())
        sweeping.addErrback(lambda failure: self.log.failure("a sweep failed", failure=failure))


def _planned(plan: Callable[..., tuple[Rules, list[Deletion]]], *facts: Any) -> Any:
    with uncollected():
        return plan(*facts)


def _delete(
    directory: Path, seen: Survey, needed: Callable[[], set[Path]], deletions: Sequence[Deletion]
) -> list[files.Deleted]:
    return files.delete(deletions, needed(), seen.found, files.look_in(directory))
