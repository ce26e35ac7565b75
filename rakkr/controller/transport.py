"""
One request to the controller and its answer, whatever happens in between.

Every request has one budget from connecting to the last byte of the answer; when it is over, the
socket is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from rakkr.controller.bodies import BytesBody, read_answer
from rakkr.controller.budget import Budget, OutOfTime
from rakkr.controller.errors import ControllerError, Unreachable
from rakkr.controller.links import LinkEndpoints, LinkPool, StaleSocket
from rakkr.controller.reasons import NO_ANSWER, explain, root_causes, was_cancelled
from rakkr.controller.sanitise import header_text
from rakkr.controller.token import TokenSource
from rakkr.version import VERSION

_LONGEST_ANSWER = 4 << 20
# The controller closes idle sockets after five seconds; ours must not be the ones it closes.
_IDLE_SECONDS = 4
_IDLE_CONNECTIONS = 8
_UNAUTHORISED = 401
_SUCCESS = range(200, 300)

MakeBody = Callable[[Budget], Coroutine[Deferred[Any], Any, IBodyProducer]]


@attrs.frozen(kw_only=True)
class Timeouts:
    """
    How long things may take, in seconds.

    :ivar connect: until a TCP connection stands.
    :ivar call: a small call, from connecting to the end of its answer.
    :ivar claim: likewise a claim, whose lease runs already while its answer is on the way.
    :ivar job: likewise a call about one job: two must fit into its lease of 30 s.
    :ivar upload: a whole upload.
    :ivar stall: an upload in which not a byte moves.
    """

    connect: float = 10.0
    call: float = 15.0
    claim: float = 10.0
    job: float = 7.0
    upload: float = 3600.0
    stall: float = 60.0


@attrs.frozen(kw_only=True)
class Call:
    """
    One request.

    :ivar label: what it is, for sentences.
    :ivar seconds: its whole budget.
    :ivar stall: how long nothing may move, None where the budget is limit enough.
    :ivar make_body: makes its body, anew for each attempt.
    """

    method: str
    url: str
    label: str
    seconds: float
    stall: float | None = None
    headers: Mapping[str, str] = attrs.Factory(dict)
    make_body: MakeBody | None = None


@attrs.frozen(kw_only=True)
class Answer:
    """
    What came back.

    :ivar date: the ``Date`` header.
    :ivar round_trip: seconds from sending the request to the answer's headers.
    """

    status: int
    body: bytes
    date: str | None
    round_trip: float

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return self.status in _SUCCESS

    def without(self, secret: str) -> Answer:
        """Leave a secret out: some proxies' error pages show the request that they were sent."""
        return attrs.evolve(self, body=self.body.replace(secret.encode(), b"***"))


def bytes_body(content: bytes) -> MakeBody:
    """Make a body of bytes."""

    async def make(_: Budget) -> IBodyProducer:
        return BytesBody(content)

    return make


@implementer(IAgent)
class NodeAgent:
    """An agent whose every request says which node it is, and proves it."""

    def __init__(self, agent: IAgent, node_id: str, token: TokenSource) -> None:
        self._agent = agent
        self._token = token
        self._own = {
            "User-Agent": f"rakkr-recorder/{VERSION}",
            "x-rakkr-agent-id": header_text(node_id),
        }

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,  # noqa: N803 - Twisted's name
    ) -> Deferred[IResponse]:
        """Ask as any agent does."""
        return Deferred.fromCoroutine(self._ask(method, uri, headers, bodyProducer))

    async def _ask(
        self, method: bytes, uri: bytes, headers: Headers | None, body: IBodyProducer | None
    ) -> IResponse:
        signed = Headers() if headers is None else headers.copy()
        for name, value in self._own.items():
            signed.setRawHeaders(name, [value])
        signed.setRawHeaders("Authorization", [f"Bearer {await self._token.current()}"])
        return await self._agent.request(method, uri, signed, body)


class Transport:
    """
    Sends calls, and gives answers of any status.

    :param agent: keeps and reuses connections; it may fail with :class:`StaleSocket`.
    :param fresh: makes a connection for each request.
    :param close: closes the kept connections.
    """

    def __init__(
        self,
        clock: IReactorTime,
        agent: IAgent,
        fresh: IAgent,
        token: TokenSource,
        close: Callable[[], Deferred[None]],
    ) -> None:
        self._clock = clock
        self._http = HTTPClient(agent)
        self._fresh = HTTPClient(fresh)
        self._token = token
        self.close = close

    async def ask(self, call: Call) -> Answer:
        """
        Send a request and read its whole answer.

        :raises Unreachable: when there is no whole answer in time.
        :raises ControllerError: what making the body or finding the token raised.
        """
        budget = Budget(self._clock, call.seconds, call.stall)
        try:
            return await budget.spend(self._authorised(call, budget))
        except OutOfTime as error:
            raise Unreachable(str(error), call.label) from error
        except NO_ANSWER as error:
            if was_cancelled(error):
                raise CancelledError from error
            for cause in root_causes(error):
                if isinstance(cause, ControllerError):  # of the body
                    raise cause from error
            raise Unreachable(explain(error), call.label) from error

    async def _authorised(self, call: Call, budget: Budget) -> Answer:
        sent = await self._token.current()
        answer = await self._resent(call, budget)
        if answer.status == _UNAUTHORISED and await self._token.renew(sent):
            sent = await self._token.current()
            answer = await self._resent(call, budget)
        return answer if answer.ok else answer.without(sent)

    async def _resent(self, call: Call, budget: Budget) -> Answer:
        """
        Send, and send once more over a new connection when a kept one had died meanwhile.

        That holds for a claim as well.  A kept socket that ends without a single byte of an answer
        was, but for a crash in that very moment, closed before the controller read the request.
        And where it did read it, the jobs it leased are lost with its answer whether we ask again
        or not: the second claim takes other jobs, and the leases of the first run out.
        """
        try:
            return await self._attempt(self._http, call, budget)
        except StaleSocket:
            return await self._attempt(self._fresh, call, budget)

    async def _attempt(self, http: HTTPClient, call: Call, budget: Budget) -> Answer:
        budget.doing = "no answer came"
        body = None if call.make_body is None else await call.make_body(budget)
        started = self._clock.seconds()
        try:
            response = await http.request(
                call.method,
                call.url,
                headers=Headers({name: [value] for name, value in call.headers.items()}),
                data=body,
                allow_redirects=False,
                unbuffered=True,
                reactor=self._clock,  # type: ignore[arg-type]  # it is asked for callLater only
            )
            budget.touch()
            budget.doing = "its answer did not go on"
            content = await read_answer(
                response, _LONGEST_ANSWER, budget.touch, partial=response.code not in _SUCCESS
            )
        finally:
            if body is not None:
                body.stopProducing()
        return Answer(
            status=response.code,
            body=content,
            date=next(iter(response.headers.getRawHeaders("Date") or ()), None),
            round_trip=self._clock.seconds() - started,
        )


def make_transport(
    reactor: Any,
    policy: IPolicyForHTTPS,
    token: TokenSource,
    *,
    node_id: str,
    connect_seconds: float,
    keep: bool = True,
) -> Transport:
    """
    Make a transport over real sockets.

    :param reactor: for TCP and time.
    :param policy: the TLS of its connections.
    :param keep: whether connections are kept and used again; only a benchmark says no.
    """
    endpoints = LinkEndpoints(reactor, policy, connect_seconds)
    pool, passing = LinkPool(reactor, persistent=keep), LinkPool(reactor, persistent=False)
    pool.cachedConnectionTimeout = _IDLE_SECONDS
    pool.maxPersistentPerHost = _IDLE_CONNECTIONS

    def agent_over(pool: LinkPool) -> IAgent:
        return NodeAgent(Agent.usingEndpointFactory(reactor, endpoints, pool), node_id, token)

    def close() -> Deferred[None]:
        idle = pool.closeCachedConnections()
        return gatherResults([idle, endpoints.close()]).addCallback(lambda _: None)

    return Transport(reactor, agent_over(pool), agent_over(passing), token, close)
