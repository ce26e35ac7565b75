"""Something that happens once, and those who wait for it."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

_T = TypeVar("_T")


class Moment(Generic[_T]):
    """A value that comes once; every waiter has a Deferred of its own, and may cancel it."""

    def __init__(self) -> None:
        self._came: list[_T] = []
        self._waiters: list[Deferred[_T]] = []

    @property
    def came(self) -> bool:
        """Whether it happened."""
        return bool(self._came)

    def when(self) -> Deferred[_T]:
        """Wait for the value; at once if it has come."""
        waiter: Deferred[_T] = Deferred(self._forget)
        if self._came:
            waiter.callback(self._came[0])
        else:
            self._waiters.append(waiter)
        return waiter

    def comes(self, value: _T) -> None:
        """Give the value to all; only the first one counts."""
        if self._came:
            return
        self._came.append(value)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(value)

    def _forget(self, waiter: Deferred[_T]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
