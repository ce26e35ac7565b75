"""What a capture needs of the world."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorFDSet, IReactorProcess, IReactorTime

from rakkr.capture.tie_watch import Look
from rakkr.process_identity import PROC
from rakkr.threads import InThread

SHIM: Final = Path(__file__).with_name("shim.py")
"""The program that looks after a capture program when the agent is gone."""


def shim_command(python: str) -> tuple[str, ...]:
    """
    Say how the shim is called.

    :param python: the interpreter; isolated and without site packages it starts in an instant.
    """
    return (python, "-I", "-S", str(SHIM))


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    The spawner, the monotonic clock, threads, and the environment of capture programs.

    :ivar clock: its seconds are those of ``CLOCK_MONOTONIC``, which the shim goes by.
    :ivar env: the whole environment; the locale in it is forced to C.
    :ivar shim: what :func:`shim_command` says; without it a program whose samples we count
        runs on for ever when the agent dies.
    :ivar watcher: the reactor, to watch processes that are not our children; None looks for them.
    :ivar proc: where the system tells of its processes.
    :ivar look: asks a sound server what it has; None leaves captures unchecked.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    in_thread: InThread
    env: Mapping[str, str]
    shim: tuple[str, ...] = ()
    watcher: IReactorFDSet | None = None
    proc: Path = PROC
    look: Look | None = None
