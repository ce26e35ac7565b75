"""
One child process and the ladder that ends it.

A child is judged only when it was reaped *and* its pipes are closed, because output may follow
the exit.  A grandchild that holds the pipes is given ``drain`` seconds.  Stopping sends the first
signal, then KILL after ``grace`` seconds, then gives up after ``give_up`` seconds: a process in an
uninterruptible read cannot be killed, and nobody may wait for it for ever.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred
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

from rakkr.moment import Moment
from rakkr.wording import signal_name


@attrs.frozen
class Exit:
    """
    How a child ended.

    :ivar code: its exit code, None when a signal ended it or it never ran.
    :ivar signal: the number of the signal that ended it.
    :ivar refused: why it could not be started at all.
    :ivar abandoned: it outlived KILL, and was left behind.
    """

    code: int | None = None
    signal: int | None = None
    refused: str | None = None
    abandoned: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with code 0."""
        return self.code == 0

    def __str__(self) -> str:
        if self.refused is not None:
            return self.refused
        if self.abandoned:
            return "it could not be killed"
        if self.signal is not None:
            return f"signal {signal_name(self.signal)}"
        return f"exit code {self.code}"


@attrs.frozen
class Ladder:
    """
    The rungs that end a child, in seconds.

    :ivar first: the signal that asks it to end, by its short name.
    :ivar grace: from that signal to KILL.
    :ivar give_up: from KILL until it is abandoned.
    :ivar drain: from its exit until its pipes are closed by us.
    :ivar limit: how long it may run before it is stopped, or None for no limit.
    """

    first: str = "TERM"
    grace: float = 5.0
    give_up: float = 5.0
    drain: float = 1.0
    limit: float | None = None


class Child:
    """
    A child that runs, or ran; made by :func:`spawn`.

    :ivar pid: its process id, None when it was refused or is gone.
    :ivar exit: how it ended, None while it runs.
    :ivar stopped: whether anybody asked it to stop.
    :ivar overran: whether it was stopped by its own run limit.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, ladder: Ladder) -> None:
        self._clock = clock
        self._ladder = ladder
        self._process: IProcessTransport | None = None
        self._end = Moment[Exit]()
        self._rung: IDelayedCall | None = None
        self._limit: IDelayedCall | None = None
        self.exit: Exit | None = None
        self.stopped = False
        self.overran = False

    @property
    def pid(self) -> int | None:
        """The process id while the child lives."""
        return self._process.pid if self._process is not None and self.exit is None else None

    def when_ended(self) -> Deferred[Exit]:
        """A Deferred of one's own that fires when the child is gone; it never fails."""
        return self._end.when()

    def stop(self, signal: str | None = None) -> Deferred[Exit]:
        """
        Ask the child to end, and climb the ladder if it does not.

        Asking twice changes nothing.

        :param signal: the first signal instead of the ladder's.
        """
        if not self.stopped and self.exit is None:
            self.stopped = True
            self._rung = self._clock.callLater(self._ladder.grace, self._kill)
            self._signal(signal or self._ladder.first)
        return self.when_ended()

    def _started(self, process: IProcessTransport) -> None:
        self._process = process
        if self._ladder.limit is not None and self.exit is None:
            self._limit = self._clock.callLater(self._ladder.limit, self._overrun)

    def _overrun(self) -> None:
        self.overran = True
        self.stop()

    def _kill(self) -> None:
        self._rung = self._clock.callLater(self._ladder.give_up, self._ended, Exit(abandoned=True))
        self._signal("KILL")

    def _signal(self, name: str) -> None:
        if self._process is None:
            return
        try:
            with contextlib.suppress(ProcessExitedAlready):  # its end is on the way to us
                self._process.signalProcess(name)
        except OSError as error:  # not permitted, perhaps; the next rung will try again
            self.log.warn("{signal} could not be sent: {error}", signal=name, error=str(error))

    def _ended(self, how: Exit) -> None:
        if self.exit is not None:
            return
        self.exit = how
        for timer in (self._rung, self._limit):
            if timer is not None and timer.active():
                timer.cancel()
        self._end.comes(how)


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
    """

    exit: Exit
    stdout: bytes
    stderr: bytes
    overran: bool = False


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
    try:
        how = await child.when_ended()
    finally:
        if child.exit is None:
            child.stop("KILL")
    return Ran(how, bytes(kept[1]), bytes(kept[2]), child.overran)
