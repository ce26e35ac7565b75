"""Work that would be done in a thread, done at once or when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute

from rakkr.threads import InThread

_T = TypeVar("_T")


class FakeThreads:
    """
    Does work at once.

    :ivar held: while it is a list, work is put there instead, to be called by the test.
    """

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] | None = None

    def __call__(self, work: Callable[..., _T], /, *arguments: Any) -> Deferred[_T]:
        """Do the work, now or later."""
        if self.held is None:
            return execute(work, *arguments)
        result: Deferred[_T] = Deferred()
        self.held.append(lambda: _pass(execute(work, *arguments), result))
        return result

    def release(self) -> None:
        """Do what was held back, in order, and from now on everything at once."""
        held, self.held = self.held or [], None
        for each in held:
            each()


def _pass(source: Deferred[_T], target: Deferred[_T]) -> None:
    source.addCallbacks(target.callback, target.errback)


_CHECK: InThread = FakeThreads()
