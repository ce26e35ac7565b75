"""Several pieces of work at once."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, FirstError, gatherResults

_T = TypeVar("_T")


async def side_by_side(works: Sequence[Coroutine[Deferred[Any], Any, _T]]) -> list[_T]:
    """
    Do them at the same time, and return what they return, in their order.

    The first error comes out as it is; cancelling cancels them all.
    """
    running = [Deferred.fromCoroutine(work) for work in works]
    try:
        return await gatherResults(running, consumeErrors=True)
    except FirstError as first:
        first.subFailure.raiseException()
        raise
