"""How blocking work leaves the reactor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

_T = TypeVar("_T")
PATIENCE_SECONDS: Final = 5.0


class InThread(Protocol):
    """Does blocking work in a thread, for example ``deferToThreadPool`` with its pool."""

    def __call__(self, work: Callable[..., _T], /, *arguments: Any) -> Deferred[_T]:
        """Call ``work`` with the arguments."""


class Threads(ThreadPool):
    """
    A pool that can be ended although a thread of it hangs, as on a dead network disk.

    :ivar patience: seconds that the end waits for work that is under way.
    """

    threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]  # noqa: N815
    patience = PATIENCE_SECONDS

    def stop(self) -> None:
        """End the threads, and leave those behind that hang; they go with the process."""
        threads, self.threads = self.threads, []
        super().stop()  # which would wait for each of them for ever
        patience = self.patience
        for thread in threads:
            thread.join(patience)
            if thread.is_alive():
                patience = 0.0  # the others have had the same time
