"""What goes from the local log to the controller: everything, the oldest first, at least once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed  # noqa: A004
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from rakkr.health.delivery import Delivery, NotNow
from rakkr.health.desk import HUNG_SECONDS, Desk
from rakkr.health.position import Position
from rakkr.health.record import deliverable, id_of
from rakkr.health.store import Record, Store, Unreadable
from rakkr.health.writer import Writer

T = TypeVar("T")
AT_ONCE: Final = 50
LOOK_SECONDS: Final = 5.0
_SAVE_SECONDS: Final = 5.0
_MOST_SENT_EARLY: Final = 4000
_UNREADABLE: Final = "events cannot be read from here, and wait"
_UNSAVED: Final = "how far the events were delivered cannot be noted"


class Outbox:
    """
    Follows the log, and remembers on the disk how far it has come.

    The place is written at once when everything is delivered, and otherwise after 50 events or 5 s:
    when the process is killed, a quiet one repeats nothing, and a busy one 50 events at most.
    Another process may deliver from the same log; then this one waits until that has ended.

    :ivar passed_over: how many records were no events.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        desk: Desk,
        store: Store,
        writer: Writer,
        delivery: Delivery,
        damaged: Callable[[Unreadable], None],
    ) -> None:
        """:param damaged: told of a log that was set aside because it is damaged."""
        self._clock = clock
        self._desk = desk
        self._store = store
        self._writer = writer
        self._delivery = delivery
        self._damaged = damaged
        self._position: Position | None = None
        self._unsaved = 0
        self._saved_at = clock.seconds()
        self._sent_early: dict[str, None] = {}
        self._rest: Deferred[None] | None = None
        self._look: IDelayedCall | None = None
        self._ending = False
        self._complaints: set[str] = set()
        self._running: Deferred[None] = succeed(None)
        self._more = False
        self.passed_over = 0

    def start(self) -> None:
        """Begin to deliver."""
        self._running = Deferred.fromCoroutine(self._run())

    def wake(self) -> None:
        """There may be something to do."""
        self._more = True
        self._end_rest()

    async def finish(self, seconds: float) -> None:
        """Deliver what there is while the controller takes it, for so many seconds at most."""
        self._ending = True
        self._delivery.hurry()
        self._running.addTimeout(seconds, self._clock, lambda *_: None)
        self._end_rest()
        if self._delivery.retrying:
            self._running.cancel()
        await self._running

    async def save(self) -> None:
        """Write down how far it has come."""
        if self._position is None or not self._unsaved:
            return
        try:
            await self._ask(self._store.passed, self._position)
        except Unreadable as why:
            self._complain(_UNSAVED, why)
        else:
            self._complaints.discard(_UNSAVED)
            self._unsaved = 0
        self._saved_at = self._clock.seconds()

    async def _run(self) -> None:
        while True:
            try:
                moved = await self._step()
            except (CancelledError, NotNow):
                return
            except Exception:  # noqa: BLE001 - nothing ends the outbox but its owner
                self.log.failure("delivering events failed; it is tried again")
                moved = False
            if not moved:
                if self._ending:
                    return
                await self._wait()

    async def _step(self) -> bool:
        """Deliver some events; returns whether there were any."""
        self._more = False
        if self._writer.hung:
            return await self._from_memory()
        if self._writer.busy:
            return False  # it wakes us
        records, readable = await self._read()
        for record in records:
            await self._pass(record)
            await self._save_if_due()
        if records:
            return True
        await self._save_if_due(caught_up=readable)
        if self._writer.failing or not readable:
            return await self._from_memory()
        return False

    async def _read(self) -> tuple[list[Record], bool]:
        """The next records, and whether they could be looked for."""
        try:
            if not await self._ask(self._store.claim):
                return [], True
            if self._position is None:
                self._position = await self._ask(self._store.begin)
            found = await self._ask(self._store.read, self._position, AT_ONCE)
        except Unreadable as why:
            self._complain(_UNREADABLE, why)
            return [], False
        self._complaints.discard(_UNREADABLE)
        return found, True

    async def _pass(self, record: Record) -> None:
        wire = deliverable(record.line)
        if wire is None:
            if record.line.strip():
                self._pass_over()
        elif id_of(wire) in self._sent_early:
            del self._sent_early[id_of(wire)]
        else:
            await self._delivery.deliver(wire)
        self._position = record.behind
        self._unsaved += 1

    def _pass_over(self) -> None:
        self.passed_over += 1
        self.log.warn(
            "a record of {path} is no event, and is passed over ({count} so far)",
            path=str(self._store.path),
            count=self.passed_over,
        )

    async def _from_memory(self) -> bool:
        """Deliver what the log does not take; when it does later, that is not delivered again."""
        waiting = next((each for each in self._writer.unstored if not each.delivered), None)
        if waiting is None:
            return False
        wire = deliverable(waiting.line)
        if wire is not None:
            await self._delivery.deliver(wire)
            self._sent_early[id_of(wire)] = None
            while len(self._sent_early) > _MOST_SENT_EARLY:
                del self._sent_early[next(iter(self._sent_early))]
        waiting.delivered = True
        return True

    async def _save_if_due(self, *, caught_up: bool = False) -> None:
        late = self._clock.seconds() - self._saved_at >= _SAVE_SECONDS
        due = caught_up or self._unsaved >= AT_ONCE
        if late or (due and _UNSAVED not in self._complaints):
            await self.save()

    async def _ask(self, work: Callable[..., T], *arguments: Any) -> T:
        """
        Have work done on the log, and wait for it no longer than a healthy disk takes.

        :raises Unreadable: also when that is over.
        """
        asked = Deferred.fromCoroutine(self._desk.do(work, *arguments))
        try:
            return await asked.addTimeout(HUNG_SECONDS, self._clock)
        except TimeoutError as error:
            raise Unreadable("the disk does not answer") from error

    def _complain(self, what: str, why: Unreadable) -> None:
        """Say once what does not work; a log that was set aside is read from its beginning."""
        if why.set_aside is not None:
            self._position = None
            self._damaged(why)
        if what not in self._complaints:
            self._complaints.add(what)
            path = str(self._store.path)
            self.log.error("{path}: {what}: {why}", path=path, what=what, why=str(why))

    async def _wait(self) -> None:
        """Until there may be something to do, or it is time to look."""
        if self._more or self._ending:
            return
        self._rest = Deferred(lambda _: self._end_rest())
        self._look = self._clock.callLater(LOOK_SECONDS, self._end_rest)
        await self._rest

    def _end_rest(self) -> None:
        rest, self._rest = self._rest, None
        if self._look is not None and self._look.active():
            self._look.cancel()
        if rest is not None:
            rest.callback(None)
