"""Children in sessions of their own."""

from __future__ import annotations

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from rakkr.capture.session import OwnSession
from tests.fakes.processes import FakeReactor


class OwnSessionTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a child in a session of its own, and see the signals to its group."""
        self.reactor = FakeReactor()
        self.sent: list[tuple[int, int]] = []
        self.leads = True
        spawner = OwnSession(self.reactor, "/usr/bin/setsid", self.signal_group)
        verifyObject(IReactorProcess, spawner)
        self.process = spawner.spawnProcess(ProcessProtocol(), "prog", ["prog", "-x"], {"A": "1"})

    def signal_group(self, pid: int, number: int) -> None:
        """Take a signal to a group, if there is one yet."""
        if not self.leads:
            raise ProcessLookupError
        self.sent.append((pid, number))

    def test_program_behind_setsid(self) -> None:
        """The program runs behind setsid, with its own arguments and environment."""
        verifyObject(IProcessTransport, self.process)
        self.assertEqual(self.reactor.last.argv, ["/usr/bin/setsid", "prog", "-x"])
        self.assertEqual(self.reactor.last.env, {"A": "1"})
        self.assertEqual(self.process.pid, self.reactor.last.pid)

    def test_signals_go_to_the_group(self) -> None:
        """A wrapper and what it started get the same signal."""
        pid = self.reactor.last.pid
        self.process.signalProcess("INT")
        self.process.signalProcess(9)
        self.assertEqual(self.sent, [(pid, 2), (pid, 9)])
        self.assertEqual(self.reactor.last.signals, [])

    def test_before_it_leads_a_group(self) -> None:
        """A signal in the moment before setsid has run goes to the child itself."""
        self.leads = False
        self.process.signalProcess("INT")
        self.assertEqual(self.reactor.last.signals, ["INT"])

    def test_after_its_death(self) -> None:
        """No signal is sent to a group whose leader was reaped: the number may be another's."""
        self.reactor.last.exits(0)
        with self.assertRaises(ProcessExitedAlready):
            self.process.signalProcess("KILL")
        self.assertEqual(self.sent, [])
