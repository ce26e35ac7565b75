"""The looks at what a sound server has joined a capture to, while its program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.capture.holding import Holding, Lost
from rakkr.capture.tie import Hold, Tie, stand
from rakkr.inventory.view import NoAnswer, Server, View


class Look(Protocol):
    """Asks a sound server what it has."""

    async def __call__(self, server: Server) -> View:
        """Say what it shows now; does not fail."""


class Facts(Protocol):
    """What is known of the capture's file."""

    def frames_now(self) -> int:
        """Frames that are in it at this moment."""

    def quiet_seconds(self) -> float:
        """For how long it has not grown."""


class TieWatch:
    """
    Looks again and again, and tells once when the source is lost.

    :ivar holding: what was seen so far.
    """

    log = Logger()

    def __init__(
        self,
        tie: Tie,
        look: Look,
        clock: IReactorTime,
        facts: Facts,
        lost: Callable[[Lost], None],
        *,
        calm_seconds: float = 0.0,
    ) -> None:
        """:param calm_seconds: the least between two looks while all is well."""
        self.holding = Holding(since=clock.seconds())
        self._tie = tie
        self._look_at = look
        self._clock = clock
        self._facts = facts
        self._lost = lost
        self._calm_seconds = calm_seconds
        self._due: IDelayedCall | None = None
        self._looking: Deferred[None] | None = None
        self._over = False
        self._newest = 0.0

    @property
    def settled(self) -> bool:
        """Whether it is known that the capture has its source, or nobody will ever know."""
        return self.holding.settled

    def begin(self, believed: int = 0) -> None:
        """
        Look from now on.

        :param believed: frames that came when nobody looked, and that stay whatever is seen.
        """
        self.holding = Holding(since=self._clock.seconds(), frames=believed)
        self._go()

    def end(self) -> None:
        """Look no more."""
        self._over = True
        if self._due is not None and self._due.active():
            self._due.cancel()
        if self._looking is not None:
            self._looking.cancel()

    async def confirm(self, frames: int, *, fresh: bool) -> int:
        """
        Say how much somebody may have who takes frames before the end.

        Where nobody can say what they are of, they are believed, and stay.

        :param frames: that somebody would take.
        :param fresh: whether to look now; else what the last look said is enough.
        :returns: how many of them surely are of the source.
        """
        if not self._over and (fresh or self.holding.standing is None):
            await self._look()
        standing = self.holding.standing
        if standing is None or standing.hold is Hold.UNKNOWN:
            self.holding = attrs.evolve(self.holding, frames=max(frames, self.holding.frames))
        return min(frames, self.holding.frames)

    def _go(self) -> None:
        self._looking = Deferred.fromCoroutine(self._look())
        self._looking.addCallback(lambda _: self._decide())
        self._looking.addErrback(self._broke)

    async def _look(self) -> None:
        frames, began = self._facts.frames_now(), self._clock.seconds()
        view = await self._look_at(self._tie.server)
        if began < self._newest:  # another look began later, and was answered before
            return
        self._newest = began
        standing = stand(self._tie, view)
        if standing.hold is Hold.GOOD and standing.why and standing != self.holding.standing:
            self.log.warn("{why}", why=standing.why)
        self.holding = self.holding.seen(standing, began, frames)
        if isinstance(view, NoAnswer) and view.blind and not self._over:
            self.log.warn("{why}: what is recorded cannot be checked", why=view.why)
            self._over = True

    def _decide(self) -> None:
        if self._over:
            return
        found = self.holding.lost(self._clock.seconds(), quiet=self._facts.quiet_seconds())
        if found is None:
            standing = self.holding.standing
            well = standing is not None and standing.hold is Hold.GOOD
            least = self._calm_seconds if well else 0.0
            self._due = self._clock.callLater(max(least, self.holding.next_look), self._go)
        else:
            self._over = True
            self._lost(found)

    def _broke(self, failure: Failure) -> None:
        """Evidence never hurts the capture: what was overlooked is looked at again."""
        if failure.check(CancelledError) is None:
            self.log.failure("the source of a capture could not be looked at", failure)
        if not self._over:
            self._due = self._clock.callLater(self.holding.next_look, self._go)
