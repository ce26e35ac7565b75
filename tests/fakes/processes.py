"""
Children that do what a test tells them, in the orders in which real ones do it.

A real child is reaped first (``exits``), may still be heard after that (``says``), and has ended
only when the last holder of its pipes is gone (``closes``).  A child without pipes to us has ended
as soon as it is reaped.  Descriptors that are handed to a child are duplicated, as a real spawn
does, so the parent may close its own at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import AnyStr

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import (
    IAddress,
    IProcessProtocol,
    IProcessTransport,
    IReactorFDSet,
    IReactorProcess,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyClass

# Above the largest pid that Linux gives: a signal that goes astray reaches nobody.
_FIRST_PID = 1 << 23


@implementer(IProcessTransport)
class FakeProcess:
    """
    A child; ``argv``, ``env`` and ``signals`` tell a test what was done to it.

    :ivar signals: the signals that it got, in order, by short name.
    """

    def __init__(
        self,
        protocol: IProcessProtocol,
        pid: int,
        argv: Sequence[str],
        env: Mapping[str, str] | None,
        fds: Mapping[int, int | str],
    ) -> None:
        self.pid: int | None = pid
        self.argv = list(argv)
        self.env = None if env is None else dict(env)
        self.signals: list[str] = []
        self.ended = False
        self._protocol = protocol
        self._pipes = {number for number, what in fds.items() if isinstance(what, str)}
        self._files = {number: os.dup(fd) for number, fd in fds.items() if isinstance(fd, int)}
        self._reason: Failure | None = None

    def says(self, data: bytes, child_fd: int = 1) -> None:
        """Write into a pipe that we read, even after the exit."""
        assert not self.ended, "its pipes are closed"
        assert child_fd in self._pipes, f"descriptor {child_fd} is not a pipe to us"
        self._protocol.childDataReceived(child_fd, data)

    def writes(self, data: bytes, child_fd: int = 1) -> None:
        """Write into a file whose descriptor it was given."""
        assert self._reason is None, "a dead child writes nothing"
        os.write(self._files[child_fd], data)

    def exits(self, code: int | None = 0, signal: int | None = None) -> None:
        """Die and be reaped: with a code, or by the number of a signal."""
        assert self._reason is None, "a child dies once"
        self.pid = None
        for descriptor in self._files.values():
            os.close(descriptor)
        gone = ProcessTerminated(None, signal) if signal else ProcessTerminated(code)
        self._reason = Failure(ProcessDone(0) if code == 0 and signal is None else gone)
        self._protocol.processExited(self._reason)
        if not self._pipes:
            self.closes()

    def closes(self) -> None:
        """Let the last holder of its pipes be gone."""
        assert self._reason is not None, "the pipes of a living child stay open"
        if not self.ended:
            self.ended = True
            self._protocol.processEnded(self._reason)

    def ends(self, code: int | None = 0, signal: int | None = None) -> None:
        """Die and close the pipes in one go."""
        self.exits(code, signal)
        self.closes()

    # IProcessTransport

    def signalProcess(self, signalID: str | int) -> None:
        if self.pid is None:
            raise ProcessExitedAlready
        self.signals.append(str(signalID))

    def loseConnection(self) -> None:
        if self._reason is not None:
            self.closes()

    def closeStdin(self) -> None: ...

    def closeStdout(self) -> None: ...

    def closeStderr(self) -> None: ...

    def closeChildFD(self, descriptor: int) -> None: ...

    def writeToChild(self, childFD: int, data: bytes) -> None: ...

    def write(self, data: bytes) -> None: ...

    def writeSequence(self, data: Iterable[bytes]) -> None: ...

    def getPeer(self) -> IAddress:
        raise NotImplementedError

    def getHost(self) -> IAddress:
        raise NotImplementedError


@implementer(IReactorProcess)
class FakeReactor(Clock):
    """
    The clock and the spawner of a reactor.

    :ivar spawned: every child so far.
    :ivar refuse: raised by ``spawnProcess`` while it is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spawned: list[FakeProcess] = []
        self.refuse: OSError | None = None

    @property
    def last(self) -> FakeProcess:
        """The child that was spawned last."""
        return self.spawned[-1]

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: bytes | str,
        args: Sequence[bytes | str] = (),
        env: Mapping[AnyStr, AnyStr] | None = None,
        path: bytes | str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool = False,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> IProcessTransport:
        if self.refuse is not None:
            raise self.refuse
        assert args, "a child has at least its own name as an argument"
        for each in args:  # as the real reactor does
            os.fsencode(each)
            if "\0" in str(each):
                raise ValueError("embedded null byte")
        fds = {0: "w", 1: "r", 2: "r"} if childFDs is None else childFDs
        environment = None if env is None else {str(key): str(env[key]) for key in env}
        process = FakeProcess(
            processProtocol,
            _FIRST_PID + len(self.spawned),
            [str(each) for each in args],
            environment,
            fds,
        )
        self.spawned.append(process)
        processProtocol.makeConnection(process)
        return process


@implementer(IReactorFDSet)
class FakeWatcher:
    """The part of a reactor that watches descriptors; a test calls their ``doRead`` itself."""

    def __init__(self) -> None:
        self._readers: list[IReadDescriptor] = []
        self._writers: list[IWriteDescriptor] = []

    def addReader(self, reader: IReadDescriptor) -> None:
        self._readers.append(reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        self._writers.append(writer)

    def removeReader(self, reader: IReadDescriptor) -> None:
        if reader in self._readers:
            self._readers.remove(reader)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        if writer in self._writers:
            self._writers.remove(writer)

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:
        everybody: list[IReadDescriptor | IWriteDescriptor] = [*self._readers, *self._writers]
        self._readers, self._writers = [], []
        return everybody

    def getReaders(self) -> list[IReadDescriptor]:
        return list(self._readers)

    def getWriters(self) -> list[IWriteDescriptor]:
        return list(self._writers)


verifyClass(IReactorProcess, FakeReactor)
verifyClass(IReactorFDSet, FakeWatcher)
verifyClass(IProcessTransport, FakeProcess)
