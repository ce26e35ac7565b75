"""The one resource of the controller: it finds the route, checks the token, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.http import Request as HTTPRequest
from twisted.web.http import datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from rakkr.solo.admission import Refused
from rakkr.solo.agent_routes import AgentRoutes
from rakkr.solo.controller import SoloController
from rakkr.solo.download import Download
from rakkr.solo.exchange import Answer, Call, Head, Route, UnknownRoute, refusal
from rakkr.solo.operator_routes import OperatorRoutes
from rakkr.solo.tokens import bearer, same

KEEP_ALIVE_SECONDS = 5
_PIECE = 1 << 16
_BROKEN = Answer(500, b'{"error": "Internal Server Error"}')


@attrs.frozen
class Visit:
    """A request that found its route and may use it; its body goes to ``call.body``."""

    route: Route
    call: Call


class SoloResource(Resource):
    """
    Everything below the root.

    :class:`rakkr.solo.request.SoloRequest` calls :meth:`begin` when only the head has come; with
    any other request it is called once the whole request is there.
    """

    log = Logger()
    isLeaf = True  # noqa: N815

    def __init__(self, controller: SoloController) -> None:
        super().__init__()
        self._controller = controller
        self._routes = [*AgentRoutes(controller).table(), *OperatorRoutes(controller).table()]

    def begin(self, head: Head, length: int | None) -> Visit:
        """
        Let a request in by its head.

        :param length: the declared length of the body, None when it was not declared.
        :raises Refused: for an unknown route, a wrong token, or an upload that has no place.
        """
        segments = head.segments()
        for route in self._routes:
            params = route.match(head.method, segments)
            if params is not None:
                call = Call(head, params)
                self._authorise(route, call)
                call.body = route.receive(call, length)
                return Visit(route, call)
        raise UnknownRoute

    def _authorise(self, route: Route, call: Call) -> None:
        if route.access == "open":
            return
        token = bearer(call.header("authorization"))
        if token is None:
            raise Refused(401, "A bearer token is required")
        if route.access == "operator":
            if not same(token, self._controller.operator_token):
                raise Refused(401, "This token is not the operator's")
            return
        node_id = self._controller.node_of(token)
        if node_id is None:
            raise Refused(401, "Invalid node credential")
        if call.params.get("nodeId", node_id) != node_id:
            raise Refused(403, "This credential belongs to another node")
        call.node_id = node_id

    def failed(self) -> Answer:
        """The answer to a request on which we ourselves broke; called in ``except``."""
        self.log.failure("a request could not be answered")
        return _BROKEN

    def render(self, request: Request) -> Any:
        """Answer a request whose body is whole."""
        visit: Visit | None = getattr(request, "visit", None)
        early: Answer | None = getattr(request, "refusal", None)
        if early is not None:
            return self._reply(request, early)
        try:
            if visit is None:
                visit = self._late(request)
            answer = visit.route.handler(visit.call)
        except Refused as refused:
            return self._reply(request, refusal(refused))
        except Exception:  # noqa: BLE001 - the top of a request
            return self._reply(request, self.failed())
        if isinstance(answer, Answer):
            return self._reply(request, answer)
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        waiting: Deferred[Answer] = Deferred.fromCoroutine(answer)  # type: ignore[arg-type]
        waiting.addErrback(self._caught)
        waiting.addCallback(lambda given: None if gone else self._reply(request, given))
        return NOT_DONE_YET

    def _caught(self, failure: Any) -> Answer:
        if failure.check(Refused):
            return refusal(failure.value)
        self.log.failure("a request could not be answered", failure)
        return _BROKEN

    def _late(self, request: Request) -> Visit:
        """Admission and body of a request that came as a whole."""
        content = request.content
        assert content is not None
        length = content.seek(0, 2)
        content.seek(0)
        visit = self.begin(head_of(request, request.method, request.uri), length)
        try:
            while piece := content.read(_PIECE):
                visit.call.body.write(piece)
        except Refused:
            visit.call.body.abandon()
            raise
        return visit

    def _reply(self, request: Request, answer: Answer) -> int:
        """Send an answer to the end of it."""
        self.write_head(request, answer)
        if answer.file is not None:
            Download(request, answer.file).start()
            return NOT_DONE_YET
        request.write(answer.body)
        request.finish()
        return NOT_DONE_YET

    def write_head(self, request: HTTPRequest, answer: Answer) -> None:
        """Set the status and the headers of an answer, except the length of a file."""
        request.setResponseCode(answer.status)
        request.setHeader(b"date", datetimeToString(self._controller.now()))
        request.setHeader(b"keep-alive", b"timeout=%d" % KEEP_ALIVE_SECONDS)
        if answer.status == 204:  # noqa: PLR2004
            return
        request.setHeader(b"content-type", answer.content_type.encode("ascii"))
        if answer.file is None:
            request.setHeader(b"content-length", b"%d" % len(answer.body))
        for header, value in answer.headers.items():
            request.setHeader(header.encode("ascii"), value.encode("latin-1"))
        if answer.file_name is not None:
            name = answer.file_name.encode("ascii", "replace").replace(b'"', b"_")
            request.setHeader(b"content-disposition", b'attachment; filename="%s"' % name)


def head_of(request: HTTPRequest, method: bytes, uri: bytes) -> Head:
    """The head of a request, of which only the headers need be there."""
    headers: Mapping[str, str] = {
        name.decode("latin-1").lower(): values[0].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    return Head.read(method, uri, headers)
