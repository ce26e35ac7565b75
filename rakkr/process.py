"""
One child process, from its start to its end.

A child is judged only when it was reaped *and* its pipes are closed, because output may follow
the exit.  A grandchild that holds the pipes is given ``drain`` seconds.  How a child is ended is
in :mod:`rakkr.ladder`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence

import attrs
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.ladder import Exit, Ladder, Watched

__all__ = ["Child", "Exit", "Ladder", "Ran", "run", "spawn"]


class Child(Watched):
    """
    A child that runs, or ran; made by :func:`spawn`.

    Its ``pid`` is None when it was refused or is gone.
    """

    def __init__(self, clock: IReactorTime, ladder: Ladder) -> None:
        super().__init__(clock, ladder)
        self._process: IProcessTransport | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the child lives."""
        return self._process.pid if self._process is not None and self.exit is None else None

    def _started(self, process: IProcessTransport) -> None:
        self._process = process
        self._limited()

    def _send(self, signal: str) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessExitedAlready):  # its end is on the way to us
                self._process.signalProcess(signal)


class _Pipes(ProcessProtocol):
    """Translates what the reactor says of a process, and decides nothing."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        ladder: Ladder,
        child: Child,
        output: Callable[[int, bytes], None],
    ) -> None:
        self._clock = clock
        self._ladder = ladder
        self._child = child
        self._output = output
        self._closing: IDelayedCall | None = None

    def childDataReceived(self, childFD: int, data: bytes) -> None:  # noqa: N802, N803
        """Pass output on; an error there must not close the pipe, which would kill the child."""
        with self.log.failuresHandled("a child's output could not be handled"):
            self._output(childFD, data)

    def processExited(self, reason: Failure) -> None:  # noqa: N802, ARG002
        """It was reaped; its pipes may still hold output."""
        assert self.transport is not None
        self._closing = self._clock.callLater(self._ladder.drain, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:  # noqa: N802
        """It was reaped and its pipes are closed."""
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        how = reason.value
        self._child._ended(Exit(getattr(how, "exitCode", None), getattr(how, "signal", None)))


def _discard(_descriptor: int, _data: bytes) -> None:
    """Read output only so that the child never waits for us."""


def spawn(
    spawner: IReactorProcess,
    clock: IReactorTime,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    ladder: Ladder,
    child_fds: Mapping[int, int | str] | None = None,
    output: Callable[[int, bytes], None] = _discard,
) -> Child:
    """
    Start a program.

    A program that cannot be started takes the same way as one that ended: ``exit.refused`` says
    why.  So does one whose arguments no program can be given, for example with a NUL in them.

    :param argv: the program, looked up on the PATH of this process, and its arguments.
    :param env: the child's whole environment.
    :param child_fds: as ``spawnProcess`` takes them; by default pipes for 0, 1 and 2.
    :param output: called with (descriptor, bytes) for what the child writes into pipes of ours.
    """
    child = Child(clock, ladder)
    pipes = _Pipes(clock, ladder, child, output)
    fds = {0: "w", 1: "r", 2: "r"} if child_fds is None else dict(child_fds)
    try:
        _check(argv)
        process = spawner.spawnProcess(pipes, argv[0], list(argv), env=dict(env), childFDs=fds)
    except (OSError, ValueError, TypeError) as error:
        name = ascii(argv[0]) if _unfit(argv[0]) else argv[0]
        why = getattr(error, "strerror", None) or error
        child._ended(Exit(refused=f"{name} cannot be started: {why}"))
    else:
        child._started(process)
    return child


def _check(argv: Sequence[str]) -> None:
    for word in filter(_unfit, argv):
        raise ValueError(f"{word!a} cannot be given to a program")


def _unfit(word: str) -> bool:
    try:
        return b"\0" in os.fsencode(word)
    except (TypeError, UnicodeError):
        return True


@attrs.frozen
class Ran:
    """
    A short program that ended, and the beginning of what it said.

    :ivar overran: whether it was ended because it took longer than its limit.
    :ivar pid: the process id that it had; None when it was refused.
    """

    exit: Exit
    stdout: bytes
    stderr: bytes
    overran: bool = False
    pid: int | None = attrs.field(default=None, eq=False)


async def run(
    spawner: IReactorProcess,
    clock: IReactorTime,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    ladder: Ladder,
    most: int = 1 << 20,
) -> Ran:
    """
    Run a short program to its end and keep at most ``most`` bytes of each of its outputs.

    Cancelling kills the program.  ``ladder.limit`` is the time that it has.
    """
    kept = {1: bytearray(), 2: bytearray()}

    def keep(descriptor: int, data: bytes) -> None:
        kept[descriptor] += data[: most - len(kept[descriptor])]

    child = spawn(
        spawner,
        clock,
        argv,
        env=env,
        ladder=ladder,
        child_fds={0: "w", 1: "r", 2: "r"},
        output=keep,
    )
    pid = child.pid
    try:
        how = await child.when_ended()
    finally:
        if child.exit is None:
            child.stop("KILL")
    return Ran(how, bytes(kept[1]), bytes(kept[2]), child.overran, pid)
