"""Events on their way into the local log: in order, never in anybody's way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from rakkr.health.desk import HUNG_SECONDS, Desk
from rakkr.health.edge import Edge, Emitter
from rakkr.health.problems import OpenProblems
from rakkr.health.store import Appended, Store

_AT_ONCE: Final = 100
_MOST_WAITING: Final = 2000
_MOST_BYTES: Final = 4 << 20
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


@attrs.define(eq=False)
class Waiting:
    """
    An event that is not in the log yet.

    :ivar line: its record.
    :ivar delivered: whether the controller has it all the same.
    """

    line: bytes
    delivered: bool = False


class Writer:
    """Writes what it is given, as soon as the log takes it."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        desk: Desk,
        store: Store,
        evidence: Emitter,
        told: Callable[[], None],
        problems: OpenProblems | None = None,
    ) -> None:
        """
        :param told: called whenever something was stored, or could not be.
        :param problems: where it is remembered over a restart what was reported.
        """
        self._clock = clock
        self._desk = desk
        self._store = store
        self._evidence = evidence
        self._told = told
        self._waiting: deque[Waiting] = deque()
        self._writing: list[Waiting] = []
        self._bytes = 0
        self._began = 0.0
        self._pause = 0.0
        self._next: IDelayedCall | None = None
        self._open = False
        self._closed = False
        self._idle: list[Deferred[None]] = []
        self._failing = Edge(
            evidence,
            "agent.health_log.write_failed",
            "agent.health_log.write_recovered",
            problems=problems,
        )
        self._late = 0
        self._lost = 0

    @property
    def failing(self) -> bool:
        """Whether the log took nothing when it was tried last."""
        return self._pause > 0

    @property
    def busy(self) -> bool:
        """Whether the log is being written to at this moment."""
        return bool(self._writing)

    @property
    def hung(self) -> bool:
        """Whether that takes so long that nobody should wait for it."""
        return self.busy and self._clock.seconds() - self._began >= HUNG_SECONDS

    @property
    def unstored(self) -> tuple[Waiting, ...]:
        """What the log does not have, the oldest first."""
        return (*self._writing, *self._waiting)

    def add(self, line: bytes) -> None:
        """Take a record; the oldest that wait are let go of when there are too many."""
        if self._closed:
            self.log.warn("reported after the end, and in no log: {line}", line=line.decode())
            return
        self._waiting.append(Waiting(line))
        self._bytes += len(line)
        while len(self._waiting) > _MOST_WAITING or self._bytes > _MOST_BYTES:
            if len(self._waiting) == 1:
                break
            gone = self._waiting.popleft()
            self._bytes -= len(gone.line)
            self._lose()
        self._go_on()

    def open(self) -> None:
        """Begin to write."""
        self._open, self._closed = True, False
        self._go_on()

    def when_idle(self) -> Deferred[None]:
        """Fires when everything is written, or cannot be."""
        idle: Deferred[None] = Deferred()
        self._idle.append(idle)
        self._tell_idle()
        return idle

    def close(self) -> None:
        """Write nothing more; what is being written is not waited for."""
        self._open, self._closed = False, True
        if self._next is not None and self._next.active():
            self._next.cancel()
        if self._waiting or self._writing:
            count = len(self._waiting) + len(self._writing)
            self.log.warn("{count} events could not be written into the log", count=count)

    def _go_on(self) -> None:
        waits = self._next is not None and self._next.active()
        if self._open and not waits and not self._writing and self._waiting:
            self._write()

    def _write(self) -> None:
        most = min(_AT_ONCE, len(self._waiting))
        self._writing = [self._waiting.popleft() for _ in range(most)]
        self._bytes -= sum(len(each.line) for each in self._writing)
        self._began = self._clock.seconds()
        lines = [each.line for each in self._writing]
        done = Deferred.fromCoroutine(self._desk.do(self._store.append, lines))
        done.addErrback(self._explain)
        done.addCallback(self._written)
        done.addErrback(lambda failure: self.log.failure("writing events failed", failure))

    def _explain(self, failure: object) -> Appended:
        self.log.failure("{path} takes no events", failure, path=str(self._store.path))  # type: ignore[arg-type]
        return Appended(0, str(getattr(failure, "value", failure)))

    def _written(self, appended: Appended) -> None:
        left = self._writing[appended.stored :]
        if self.failing:
            self._late += appended.stored
        self._writing = []
        self._waiting.extendleft(reversed(left))
        self._bytes += sum(len(each.line) for each in left)
        if appended.why is not None:
            self._fail(appended.why)
        else:
            self._succeed()
        self._report(appended)
        self._told()
        self._go_on()
        self._tell_idle()

    def _lose(self) -> None:
        self._lost += 1
        if self._lost == 1:
            path = str(self._store.path)
            self.log.error("{path} does not keep up: events that wait are let go of", path=path)
            why = "it does not keep up: the oldest of the events that wait are let go of"
            self._failing.failed({"error": why, "path": path})

    def _fail(self, why: str) -> None:
        path = str(self._store.path)
        if not self.failing:
            self.log.error("{path} takes no events: {why}", path=path, why=why)
        self._pause = min(_LONGEST_PAUSE_SECONDS, self._pause * 2 or _FIRST_PAUSE_SECONDS)
        if self._open:
            self._next = self._clock.callLater(self._pause, self._go_on)
        self._failing.failed({"error": why, "path": path})

    def _succeed(self) -> None:
        path = str(self._store.path)
        late = self._late + len(self._waiting) if self.failing else 0
        if self.failing:
            self.log.info("{path} takes events again", path=path)
        lost, self._lost = self._lost, 0
        self._late, self._pause = 0, 0.0
        self._failing.worked({"lateCount": late, "lostCount": lost, "path": path})

    def _report(self, appended: Appended) -> None:
        path = str(self._store.path)
        if appended.set_aside is not None:
            details = {"error": appended.why, "path": path, "setAside": str(appended.set_aside)}
            self._evidence.emit("agent.health_log.set_aside", "warning", details)
        if appended.given_up:
            given_up = {"count": appended.given_up, "path": path}
            self._evidence.emit("agent.health_outbox.dropped", "warning", given_up)

    def _tell_idle(self) -> None:
        if not self._writing and (not self._waiting or self.failing or not self._open):
            waiting, self._idle = self._idle, []
            for each in waiting:
                each.callback(None)
