"""DiskWatch: looks after the room of what is being recorded."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from rakkr.disk.forecast import Forecast, Rung, forecast
from rakkr.disk.need import CaptureLoad, Need, RenderCopy, Short, need_of, preflight
from rakkr.disk.notices import Concerned, Emit, Notices
from rakkr.disk.reserve import Reserve
from rakkr.disk.space import Gauge, Space, StatVfs
from rakkr.disk.sweeping import Sweep, SweepFailed, Sweeping
from rakkr.periodic import Periodic
from rakkr.threads import InThread

LOOK_EVERY: Final = 5.0
SWEEP_EVERY: Final = 60.0
RESERVE_EVERY: Final = 30.0
FRESH_SECONDS: Final = 60.0
"""An answer of that age still counts when there is no new one."""


@attrs.frozen
class Running:
    """
    What writes at the moment.

    :ivar captures: with what will be rendered of them.
    :ivar pending: what is still to be rendered of captures that are over.
    :ivar concerned: the jobs that are told when it gets short.
    :ivar written: bytes of samples that the captures have written.
    """

    captures: tuple[CaptureLoad, ...] = ()
    pending: tuple[RenderCopy, ...] = ()
    concerned: tuple[Concerned, ...] = ()
    written: int = 0

    @property
    def need(self) -> Need:
        """What all of it will write."""
        return need_of(self.captures, self.pending)


class DiskWatch(MultiService):
    """
    Looks at the free space every few seconds while anything records, and climbs the ladder.

    It sweeps and reports by itself; renders of whole recordings ask it first.  It never ends a
    capture, and nothing that goes wrong here reaches one: without an answer of the file system the
    last rung stays, and what is asked of it is allowed.

    :ivar rung: how short it is.
    :ivar seconds_left: until the disk is full, at the last look; None when nothing records.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        statvfs: StatVfs,
        running: Callable[[], Running],
        sweep: Sweep,
        emit: Emit,
        reserve: Reserve | None = None,
    ) -> None:
        super().__init__()
        self.setName("disk")
        self.rung = Rung.FINE
        self.seconds_left: float | None = None
        self._path = path
        self._clock = clock
        self._in_thread = in_thread
        self._running = running
        self._reserve = reserve
        self._gauge = Gauge(path, clock=clock, in_thread=in_thread, statvfs=statvfs)
        self._notices = Notices(emit, path)
        self._sweeping = Sweeping(clock, sweep)
        self._sweep_at: float | None = None
        self._swept = False
        self._reserve_at: float | None = None
        self._reserving = False
        self._trouble: str | None = None
        Periodic(clock, LOOK_EVERY, self._look, name="disk looks").setServiceParent(self)

    @property
    def free_bytes(self) -> int | None:
        """What was free at the last answer, None before the first."""
        return None if self._gauge.last is None else self._gauge.last.free

    @property
    def age(self) -> float | None:
        """Seconds since the last answer, None before the first."""
        return self._gauge.age

    @property
    def optional_writers_allowed(self) -> bool:
        """Whether things may be written that no recording needs."""
        return self.rung < Rung.SHED

    def is_short(self) -> bool:
        """Whether what is being recorded does not fit, so that whatever can go should go."""
        return self.rung > Rung.FINE

    def may_render(self) -> bool:
        """Whether files may be rendered now; what has to wait is asked again later."""
        return self.rung < Rung.DELAY_RENDERS

    async def preflight(self, wanted: CaptureLoad, *concerned: Concerned) -> Short | None:
        """
        Say whether there is room for one more recording, and make some if there is not.

        :param wanted: not among those that run.
        :param concerned: the jobs that it is for.
        :returns: None when there is room, or when nobody knows: a recording is not refused because
            a disk does not answer.  The events are reported already.
        """
        before = await self._known()
        if before is None or self._short(wanted, before) is None:
            return None
        await self._make_room(concerned, before, self._with(wanted), again=False)
        after = await self._known() or before
        short = self._short(wanted, after)
        if short is None:
            self._notices.enough(concerned, before, after, self._with(wanted))
        else:
            self.log.error("{sentence}", sentence=short.sentence)
            self._notices.insufficient(concerned, short, after)
        return short

    async def give_way(self) -> int:
        """
        Give the reserve back, because the disk is full.

        :returns: the bytes that are free then; 0 when nobody knows.
        """
        if self._reserve is not None:
            await self._in_thread(self._reserve.release)
        space = await self._gauge.look()
        return 0 if space is None else space.free

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """Stop looking, and end a sweep that is going on."""
        self._sweeping.stop()
        stopped: Deferred[Any] = super().stopService()
        return stopped

    # Preflight

    def _with(self, wanted: CaptureLoad) -> Need:
        return self._running().need + need_of([wanted])

    def _short(self, wanted: CaptureLoad, space: Space) -> Short | None:
        return preflight(self._with(wanted), space.free, str(self._path))

    async def _known(self) -> Space | None:
        space = await self._gauge.look()
        if space is None and self.age is not None and self.age <= FRESH_SECONDS:
            return self._gauge.last
        return space

    # While it records

    async def _look(self) -> None:
        if self._running().captures:
            space = await self._gauge.look()
            running = self._running()
            if space is not None:
                self._climb(forecast(space.free, running.need, self.rung), space, running)
        else:
            self._climb(Forecast(None, enough=True, rung=Rung.FINE), None, Running())
        self._keep_reserve()

    def _climb(self, seen: Forecast, space: Space | None, running: Running) -> None:
        before, self.rung, self.seconds_left = self.rung, seen.rung, seen.seconds_left
        if self.rung is not before:
            level = LogLevel.warn if self.rung > before else LogLevel.info
            self.log.emit(
                level,
                self._rung_sentence(),
                path=str(self._path),
                rung=self.rung.name,
                minutes=None if self.seconds_left is None else round(self.seconds_left / 60),
            )
        if self.rung is Rung.FINE or space is None:
            self._notices.fine(space, running.need, running.written)
            self._sweep_at, self._swept = None, False
            return
        if self._swept or self.rung >= Rung.SHED:
            self._notices.low(running.concerned, seen, space, running.need)
        now = self._clock.seconds()
        if self.rung > before or self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY
            self._apart(self._sweep_for(running, space))

    def _rung_sentence(self) -> str:
        if self.rung is Rung.FINE:
            return "{path}: the disk has room for all that is recorded"
        return (
            "{path}: the disk will be full in {minutes} min, before the recordings are over and"
            " rendered; make room ({rung})"
        )

    async def _sweep_for(self, running: Running, space: Space) -> None:
        """Make room; a look after it tells whether that was enough."""
        await self._make_room(running.concerned, space, running.need, again=self._swept)
        self._swept = True

    async def _make_room(
        self, concerned: tuple[Concerned, ...], space: Space, need: Need, *, again: bool
    ) -> None:
        """Sweep, and report it; of the next ones in a shortage only those that deleted anything."""
        try:
            swept = await self._sweeping.run(need.total)
        except SweepFailed as failed:
            if not again:
                self._notices.not_swept(concerned, str(failed), space, need)
        else:
            if swept.deleted or not again:
                self._notices.swept(concerned, swept, space, need)

    def _keep_reserve(self) -> None:
        """Have the reserve made, again if it was given back, as soon as there is room."""
        now = self._clock.seconds()
        due = self._reserve_at is None or now >= self._reserve_at
        if self._reserve is None or self._reserving or not due or self.rung is not Rung.FINE:
            return
        self._reserving, self._reserve_at = True, now + RESERVE_EVERY
        self._apart(self._make_reserve(self._reserve))

    async def _make_reserve(self, reserve: Reserve) -> None:
        try:
            await self._in_thread(reserve.make)
        finally:
            self._reserving = False
        if reserve.trouble is not None and self._trouble is None:
            self.log.warn("{trouble}", trouble=reserve.trouble)
        self._trouble = reserve.trouble

    def _apart(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        """Do what a look must not wait for: the disk may never answer."""
        Deferred.fromCoroutine(work).addErrback(
            lambda failure: self.log.failure("the disk could not be looked after", failure)
        )
