"""How blocking work leaves the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

_T = TypeVar("_T")


class InThread(Protocol):
    """Does blocking work in a thread, for example ``deferToThreadPool`` with its pool."""

    def __call__(self, work: Callable[..., _T], /, *arguments: Any) -> Deferred[_T]:
        """Call ``work`` with the arguments."""
