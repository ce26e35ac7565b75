"""The fake children keep the order of real ones."""

from __future__ import annotations

import os
import tempfile

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.fakes.processes import FakeReactor


class _Recorder(ProcessProtocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self.events.append((childFD, data))

    def processExited(self, reason: Failure) -> None:
        self.events.append(("exited", reason.type))

    def processEnded(self, reason: Failure) -> None:
        self.events.append(("ended", reason.type))


class FakeProcessTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a reactor and a protocol that remembers."""
        self.reactor = FakeReactor()
        self.protocol = _Recorder()

    def test_interfaces(self) -> None:
        """Reactor and process provide all that theirs would."""
        verifyObject(IReactorProcess, self.reactor)
        process = self.reactor.spawnProcess(self.protocol, "p", ["p"])
        verifyObject(IProcessTransport, process)
        self.assertIs(self.protocol.transport, process)

    def test_exit_output_end(self) -> None:
        """Output may come between the exit and the end."""
        self.reactor.spawnProcess(self.protocol, "p", ["p"])
        self.reactor.last.exits(2)
        self.reactor.last.says(b"late")
        self.reactor.last.closes()
        self.assertEqual(
            self.protocol.events,
            [("exited", ProcessTerminated), (1, b"late"), ("ended", ProcessTerminated)],
        )

    def test_without_pipes_the_exit_is_the_end(self) -> None:
        """A child that only has files has ended as soon as it is reaped; its file is its own."""
        with tempfile.TemporaryFile() as file:
            self.reactor.spawnProcess(self.protocol, "p", ["p"], childFDs={1: file.fileno()})
        self.reactor.last.writes(b"still open")
        self.reactor.last.exits(0)
        self.assertEqual(self.protocol.events, [("exited", ProcessDone), ("ended", ProcessDone)])

    def test_signals_to_the_dead(self) -> None:
        """A signal to a child that was reaped is an error, as it is in reality."""
        self.reactor.spawnProcess(self.protocol, "p", ["p"])
        self.reactor.last.signalProcess("INT")
        self.reactor.last.exits(None, 2)
        with self.assertRaises(ProcessExitedAlready):
            self.reactor.last.signalProcess("KILL")
        self.assertEqual(self.reactor.last.signals, ["INT"])

    def test_its_pid_is_nobody_else(self) -> None:
        """No process of the machine can have the pid of a fake one."""
        self.reactor.spawnProcess(self.protocol, "p", ["p"])
        with self.assertRaises(ProcessLookupError):
            os.kill(self.reactor.last.pid or 0, 0)
