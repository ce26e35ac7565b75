"""Several pieces of work at once."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FailureGroup,
    FirstError,
    gatherResults,
    race,
)

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


async def first_of(*ends: Deferred[Any]) -> int:
    """
    Wait until one of them fires, cancel the others, and say which it was.

    None of them may fail by itself.
    """
    try:
        which, _ = await race(list(ends))
    except FailureGroup as group:  # none of them fails, so this is how a cancelled race ends
        raise CancelledError from group
    return which
