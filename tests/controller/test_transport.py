"""Tests for ``rakkr.controller.transport``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectingCancelledError, UserError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IAgent
from zope.interface import implementer
from zope.interface.verify import verifyClass

from rakkr.controller.errors import Unreachable
from rakkr.controller.token import TextToken
from rakkr.controller.transport import Call, Transport


@implementer(IAgent)
class ConnectingAgent:
    """An agent that is connecting, for ever; cancelled, it fails as Twisted's endpoints do."""

    def __init__(self) -> None:
        self.connecting: list[Deferred[Any]] = []

    def request(
        self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        trying: Deferred[Any] = Deferred(lambda d: d.errback(ConnectingCancelledError(None)))
        self.connecting.append(trying)
        return trying


verifyClass(IAgent, ConnectingAgent)


class TransportTests(SynchronousTestCase):
    """Errors that come out of a call."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.agent = ConnectingAgent()
        self.transport = Transport(
            self.clock, self.agent, self.agent, TextToken("x"), lambda: succeed(None)
        )

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ask(self) -> Deferred[Any]:
        """A call with ten seconds."""
        call = Call(
            label="node heartbeat",
            method="POST",
            url="http://127.0.0.1:1/",
            headers={},
            seconds=10.0,
        )
        return Deferred.fromCoroutine(self.transport.ask(call))

    def test_cancelled_while_connecting(self) -> None:
        """A call that is cancelled before it is connected is cancelled, and nothing else."""
        asking = self.ask()
        asking.cancel()
        self.failureResultOf(asking, CancelledError)

    def test_out_of_time_while_connecting(self) -> None:
        """A call that is still connecting when its time is over found the controller away."""
        asking = self.ask()
        self.clock.advance(9.9)
        self.assertNoResult(asking)
        self.clock.advance(0.2)
        self.failureResultOf(asking, Unreachable)

    def test_endpoint_failure(self) -> None:
        """Whatever else keeps an endpoint from connecting is no defect of ours."""
        asking = self.ask()
        self.agent.connecting[0].errback(UserError())
        self.failureResultOf(asking, Unreachable)
