"""
The ladder that ends a process, whoever its parent is.

Stopping sends the first signal, then KILL after ``grace`` seconds, then gives up after ``give_up``
seconds: a process in an uninterruptible read cannot be killed, and nobody may wait for it for ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from rakkr.moment import Moment
from rakkr.wording import signal_name


@attrs.frozen
class Exit:
    """
    How a process ended.

    :ivar code: its exit code, None when a signal ended it or it never ran.
    :ivar signal: the number of the signal that ended it.
    :ivar refused: why it could not be started at all.
    :ivar abandoned: it outlived KILL, and was left behind.
    :ivar unknown: it was not our child, so nobody told us how it ended.
    """

    code: int | None = None
    signal: int | None = None
    refused: str | None = None
    abandoned: bool = False
    unknown: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with code 0."""
        return self.code == 0

    def __str__(self) -> str:
        if self.refused is not None:
            return self.refused
        if self.abandoned:
            return "it could not be killed"
        if self.unknown:
            return "it ended, and nobody knows how"
        if self.signal is not None:
            return f"signal {signal_name(self.signal)}"
        return f"exit code {self.code}"


@attrs.frozen
class Ladder:
    """
    How a process is ended; all times in seconds.

    :ivar first: the signal that asks it to end, by its short name.
    :ivar grace: from that signal to KILL.
    :ivar give_up: from KILL until it is abandoned.
    :ivar drain: from its exit until its pipes are closed by us.
    :ivar limit: how long it may run before it is stopped, or None for no limit.
    """

    first: str = "TERM"
    grace: float = 5.0
    give_up: float = 5.0
    drain: float = 1.0
    limit: float | None = None


class Watched(ABC):
    """
    A process whose end is waited for, and brought about when somebody asks.

    :ivar exit: how it ended, None while it runs.
    :ivar stopped: whether anybody asked it to stop.
    :ivar stopped_at: when that was.
    :ivar overran: whether it was stopped by its own run limit.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, ladder: Ladder) -> None:
        self._clock = clock
        self._ladder = ladder
        self._end = Moment[Exit]()
        self._rung: IDelayedCall | None = None
        self._limit: IDelayedCall | None = None
        self._left = False
        self.exit: Exit | None = None
        self.stopped = False
        self.stopped_at: float | None = None
        self.overran = False

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process id while it lives."""

    @abstractmethod
    def _send(self, signal: str) -> None:
        """
        Send a signal, by its short name; nothing to a process that is gone.

        :raises OSError: when that is not permitted, for example.
        """

    def when_ended(self) -> Deferred[Exit]:
        """A Deferred of one's own that fires when the process is gone; it never fails."""
        return self._end.when()

    def stop(self, signal: str | None = None) -> Deferred[Exit]:
        """
        Ask the process to end, and climb the ladder if it does not.

        Asking twice changes nothing.

        :param signal: the first signal instead of the ladder's.
        """
        if not self.stopped and not self._left and self.exit is None:
            self.stopped = True
            self.stopped_at = self._clock.seconds()
            self._rung = self._clock.callLater(self._ladder.grace, self._kill)
            self._try(signal or self._ladder.first)
        return self.when_ended()

    def let_go(self) -> None:
        """Leave it alone from now on, whoever asks: no signal is sent, and no timer runs."""
        self._left = True
        self._quieten()

    def _quieten(self) -> None:
        """Let no timer run on, and watch it no more."""
        for timer in (self._rung, self._limit):
            if timer is not None and timer.active():
                timer.cancel()

    def _limited(self) -> None:
        """Let the time run that it has."""
        if self._ladder.limit is not None and self.exit is None:
            self._limit = self._clock.callLater(self._ladder.limit, self._overrun)

    def _overrun(self) -> None:
        self.overran = True
        self.stop()

    def _kill(self) -> None:
        self._rung = self._clock.callLater(self._ladder.give_up, self._ended, Exit(abandoned=True))
        self._try("KILL")

    def _try(self, name: str) -> None:
        try:
            self._send(name)
        except OSError as error:  # not permitted, perhaps; the next rung will try again
            self.log.warn("{signal} could not be sent: {error}", signal=name, error=str(error))

    def _ended(self, how: Exit) -> None:
        if self.exit is not None:
            return
        self.exit = how
        self._quieten()
        self._end.comes(how)
