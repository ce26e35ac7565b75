"""Blocking work on the log, one piece after another, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred

from rakkr.threads import InThread

T = TypeVar("T")
HUNG_SECONDS: Final = 10.0
"""A disk that has not answered for so long is not waited for."""


class Desk:
    """Lets work on one log be done in the order in which it was asked for."""

    def __init__(self, in_thread: InThread) -> None:
        """:param in_thread: runs a blocking function in some thread."""
        self._in_thread = in_thread
        self._turn = DeferredLock()

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """
        Do it when what was asked for before is done.

        Who is cancelled meanwhile does not wait for it any more; the next piece of work still does.
        """
        await self._turn.acquire()
        result: Deferred[T] = Deferred()
        done = maybeDeferred(self._in_thread, work, *arguments)  # there may be no more threads

        def pass_on(outcome: Any) -> None:
            self._turn.release()
            result.callback(outcome)  # a Failure, too

        done.addBoth(pass_on)
        return await result
