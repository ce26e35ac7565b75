"""A disk that fails when a test says so, under code that calls ``os``."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

_COUNTED = {"open", "pwrite", "write", "ftruncate", "fdatasync", "fsync"}


class FailingDisk:
    """
    Stands in for the module ``os``; everything that reaches the disk is counted, from 0.

    A write that fails has written half of its bytes before, as on a disk that becomes full.

    :ivar calls: how many there were.
    :ivar fails: tells by a call's number whether it fails with ENOSPC.
    """

    def __init__(self, fails: Callable[[int], bool]) -> None:
        self.calls = 0
        self.fails = fails

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in _COUNTED:
            return real

        def counted(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if not self.fails(self.calls - 1):
                return real(*arguments, **more)
            if name in {"pwrite", "write"}:
                descriptor, content, *rest = arguments
                real(descriptor, bytes(content)[: len(content) // 2], *rest)
            raise OSError(errno.ENOSPC, "No space left on device")

        return counted


@contextmanager
def failing_disk(
    *modules: str, fails: Callable[[int], bool] = lambda _: False
) -> Iterator[FailingDisk]:
    """Let the ``os`` of some modules be one such disk."""
    disk = FailingDisk(fails)
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(mock.patch(f"{module}.os", disk))
        yield disk


def outage(first: int, length: int) -> Callable[[int], bool]:
    """Let so many calls fail, from that one on."""
    return lambda call: first <= call < first + length
