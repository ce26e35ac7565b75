"""Children in sessions of their own."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from rakkr.capture.session import OwnSession, end_group
from tests.fakes.processes import FakeReactor


class OwnSessionTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a child in a session of its own, and see the signals to its group."""
        self.reactor = FakeReactor()
        self.sent: list[tuple[int, int]] = []
        self.leads = True
        spawner = OwnSession(self.reactor, ("/usr/bin/setsid",), self.signal_group)
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


class EndGroupTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a group, and see the signals to it."""
        self.clock = Clock()
        self.sent: list[int] = []
        self.left = self.living = True
        self.refusal: type[OSError] = ProcessLookupError

    def signal_group(self, pid: int, number: int) -> None:
        """Take a signal as long as somebody is left."""
        self.assertEqual(pid, 77)
        if not self.left:
            raise self.refusal
        if number:
            self.sent.append(number)

    def end(self, *, asked: bool = False) -> Deferred[bool]:
        """End the group, with three seconds of grace."""
        return Deferred.fromCoroutine(
            end_group(
                self.clock,
                77,
                grace=3.0,
                asked=asked,
                signal_group=self.signal_group,
                anybody=lambda pid: self.living,
            )
        )

    def test_nobody_is_left(self) -> None:
        """An empty group is found empty at once."""
        self.left = False
        self.assertTrue(self.successResultOf(self.end()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_dead(self) -> None:
        """Others that are dead, and not reaped by init yet, are not waited for."""
        self.living = False
        self.assertTrue(self.successResultOf(self.end()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_others_that_obey(self) -> None:
        """Others get an INT and are waited for, and nothing is sent after they went."""
        ending = self.end()
        self.assertEqual(self.sent, [2])
        self.clock.pump([0.05] * 20)
        self.assertNoResult(ending)
        self.left = False
        self.clock.advance(0.05)
        self.assertTrue(self.successResultOf(ending))
        self.assertEqual(self.sent, [2])

    def test_others_that_do_not_obey(self) -> None:
        """Others that outlive the grace are killed; those that outlive that are told of."""
        ending = self.end()
        self.clock.pump([0.05] * 58)
        self.assertEqual(self.sent, [2])
        self.clock.pump([0.05] * 4)
        self.assertEqual(self.sent, [2, 9])
        self.assertNoResult(ending)
        self.clock.pump([0.05] * 22)
        self.assertFalse(self.successResultOf(ending))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_second_int(self) -> None:
        """Others that had their INT with the leader get no second one, which may mean abort."""
        ending = self.end(asked=True)
        self.clock.pump([0.05] * 62)
        self.assertEqual(self.sent, [9])
        self.left = False
        self.clock.advance(0.05)
        self.assertTrue(self.successResultOf(ending))

    def test_others_of_somebody_else(self) -> None:
        """A group that we may not signal is not waited for."""
        self.left, self.refusal = False, PermissionError
        self.assertFalse(self.successResultOf(self.end()))
