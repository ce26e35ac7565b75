"""A reactor for one benchmark, and a controller with whatever the benchmark starts beside it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from twisted.internet.task import react

from rakkr.rig import Rig

Measure = Callable[[Any, dict[str, Any]], Awaitable[None]]
"""Takes the reactor, whose clock is monotonic, and puts what it measured into the dictionary."""


def measured(measure: Measure) -> dict[str, Any]:
    """
    Run a measurement in a reactor of its own; a process can do this once.

    :raises SystemExit: when it failed; the traceback was printed.
    """
    result: dict[str, Any] = {}

    async def begin(reactor: Any) -> None:
        reactor.seconds = time.monotonic
        await measure(reactor, result)

    try:
        react(begin)
    except SystemExit as end:
        if end.code:
            raise
    return result


@asynccontextmanager
async def rigged(reactor: Any) -> AsyncIterator[Rig]:
    """Have a built-in controller that runs, in a directory of its own; all ends with the block."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as directory:
        async with Rig(reactor, Path(directory), {**os.environ, "PATH": path}) as rig:
            await rig.start_controller("--solo-port", "0")
            yield rig
