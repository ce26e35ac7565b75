"""A question to the system that may hang: a dead network disk answers never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime

from rakkr.moment import Moment

T = TypeVar("T")


class NotKnown(Exception):
    """A probe could not be carried out; the message says why, in a few words."""


class Question(Generic[T]):
    """
    Blocking work that is done in a thread, never twice at once.

    Whoever asks while it is under way waits for the same answer, so that a question that hangs
    holds one thread and not all.
    """

    def __init__(
        self,
        clock: IReactorTime,
        in_thread: Callable[..., Deferred[Any]],
        work: Callable[[], T],
        *,
        about: str,
        seconds: float,
    ) -> None:
        """
        :param about: what is asked, for the sentence: ``/var/audio``.
        :param seconds: how long each asker waits.
        """
        self._clock = clock
        self._in_thread = in_thread
        self._work = work
        self._about = about
        self._seconds = seconds
        self._answer: Moment[T] | None = None

    async def ask(self) -> T:
        """
        Ask now.

        :raises NotKnown: when there is no answer in time, or the system refuses one.
        """
        if self._answer is None:
            self._answer = Moment()
            waiter = self._answer.when()
            self._in_thread(self._work).addBoth(self._came)
        else:
            waiter = self._answer.when()
        waiter.addTimeout(self._seconds, self._clock)
        try:
            return await waiter
        except TooLate:
            why = f"{self._about} did not answer within {self._seconds:g} s"
            raise NotKnown(why) from None
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise NotKnown(f"{self._about} cannot be read: {said}") from error

    def _came(self, answer: Any) -> None:
        """Hand an answer on; of a failure, which a Deferred takes as such, each gets one."""
        waiting, self._answer = self._answer, None
        if waiting is not None:
            waiting.comes(answer)
