"""What a capture needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess, IReactorTime

_T = TypeVar("_T")


class InThread(Protocol):
    """Does blocking work in a thread, for example ``deferToThreadPool`` with its pool."""

    def __call__(self, work: Callable[..., _T], /, *arguments: Any) -> Deferred[_T]:
        """Call ``work`` with the arguments."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    The spawner, the monotonic clock, threads, and the environment of capture programs.

    :ivar env: the whole environment; the locale in it is forced to C.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    in_thread: InThread
    env: Mapping[str, str]
