"""Long work in a thread without the pauses of Python's collector, in which nobody gets a turn."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Final

LONGEST_SECONDS: Final = 30.0
_lock = Lock()
_inside = 0
_was_on = False


@contextmanager
def uncollected() -> Iterator[None]:
    """
    Have garbage in cycles wait.

    A list of 100,000 recordings is millions of objects.  The collector goes through all of them
    while they are made, half a second at a time, and holds every thread up, the reactor's too.
    Work that does not end soon, for a disk that does not answer, has it back meanwhile.
    """
    global _inside, _was_on  # noqa: PLW0603 - there is one collector, for all threads
    with _lock:
        if not _inside:
            _was_on = gc.isenabled()
            gc.disable()
        _inside += 1
    late = Timer(LONGEST_SECONDS, _again)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()
        with _lock:
            _inside -= 1
            if not _inside and _was_on:
                gc.enable()


def _again() -> None:
    with _lock:
        if _inside and _was_on:
            gc.enable()
