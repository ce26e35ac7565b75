"""
Requests whose fate is decided by their head.

Twisted hands a request over when its body is whole.  These are asked as soon as the head is there:
a body goes straight to where it belongs, and a refusal is sent while the other side still writes.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.server import Request, Site

from rakkr.solo.admission import Refused
from rakkr.solo.exchange import Answer, refusal
from rakkr.solo.resource import KEEP_ALIVE_SECONDS, SoloResource, Visit, head_of

DRAIN_BYTES = 64 << 20
DRAIN_SECONDS = 0.5
ABORT_SECONDS = 1.0
SMALL_BODY = 1 << 16
_TOO_SLOW = Answer(408, b"", "text/plain")


class SoloRequest(Request):
    """
    A request to a :class:`SoloSite`.

    :ivar visit: what its head was let in to.
    :ivar refusal: the answer that was decided before its body was whole.
    """

    log = Logger()
    visit: Visit | None = None
    refusal: Answer | None = None
    _early = False
    _drained = 0
    _whole = False
    _timer: IDelayedCall | None = None

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The head is there: decide."""
        super().gotLength(0)  # the body goes to the visit, none of it to Twisted's own buffer
        channel: Any = self.channel
        if length != 0:
            # The idle limit of a connection is far shorter than a device may stall in an upload.
            channel.setTimeout(None)
            self._set_timer(channel.site.request_seconds, self._too_slow)
        try:
            # The channel has told nobody yet what is asked for, but it does know.
            self.visit = self._resource.begin(
                head_of(self, channel._command, channel._path), length
            )
        except Refused as refused:
            self._refuse(refusal(refused), length)
        except Exception:  # noqa: BLE001 - an error here would kill the connection unanswered
            self._refuse(self._resource.failed(), length)

    @property
    def _resource(self) -> SoloResource:
        channel: Any = self.channel
        resource = channel.site.resource
        assert isinstance(resource, SoloResource)
        return resource

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Some of the body came."""
        if self._early:
            self._drained += len(data)
            if self._drained > DRAIN_BYTES:
                self._hang_up()
        elif self.refusal is None and self.visit is not None:
            try:
                self.visit.call.body.write(data)
            except Refused as refused:
                self._refuse(refusal(refused), None)
            except Exception:  # noqa: BLE001 - see gotLength
                self._refuse(self._resource.failed(), None)

    def _refuse(self, answer: Answer, length: int | None) -> None:
        """Answer with an error: at the end of a short body, at once where much is to come."""
        self.refusal = answer
        self._abandon()
        if length is None or length > SMALL_BODY:
            self._answer_early(answer)

    def _answer_early(self, answer: Answer) -> None:
        channel: Any = self.channel
        self._early = True
        self.method, self.uri = channel._command, channel._path
        self.clientproto = channel._version
        self.requestHeaders.removeHeader(b"expect")  # or the channel would ask for the body now
        channel.persistent = False
        self._resource.write_head(self, answer)
        self.responseHeaders.removeHeader(b"keep-alive")
        self.setHeader(b"connection", b"close")
        self.write(answer.body)
        self._set_timer(DRAIN_SECONDS, self._hang_up)

    def _too_slow(self) -> None:
        self._timer = None
        self.refusal = _TOO_SLOW
        self._abandon()
        self._answer_early(_TOO_SLOW)

    def _hang_up(self) -> None:
        """Close; a side that goes on writing instead of reading that is cut off."""
        channel: Any = self.channel
        if channel is None or self._drained < 0:
            return
        self._drained = -(1 << 62)
        self._set_timer(ABORT_SECONDS, channel.forceAbortClient)
        channel.loseConnection()

    def _set_timer(self, seconds: float, call: Any) -> None:
        self._stop_timer()
        channel: Any = self.channel
        self._timer = channel.callLater(seconds, call)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _abandon(self) -> None:
        if self.visit is not None:
            self.visit.call.body.abandon()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """The body is whole."""
        self._stop_timer()
        self._whole = True
        if self._early:
            self.finish()
        else:
            super().requestReceived(command, path, version)

    def finish(self) -> None:
        """The answer is whole; the connection waits a little for the next request."""
        channel: Any = self.channel
        super().finish()
        if channel.transport.connected and not channel.requests:
            channel.setTimeout(KEEP_ALIVE_SECONDS)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        """The other side is gone, in the middle of its body or of our answer."""
        self._stop_timer()
        # A body that is whole is stored all the same: its handler owns it now.
        if not self._whole:
            self._abandon()
        super().connectionLost(reason)


class SoloSite(Site):
    """
    Serves a :class:`SoloResource` over HTTP/1.1.

    :ivar request_seconds: how long a request may take to arrive.
    """

    requestFactory = SoloRequest  # noqa: N815

    def __init__(self, resource: SoloResource, *, request_seconds: float, reactor: Any) -> None:
        super().__init__(resource, timeout=60, reactor=reactor, parsePOSTFormSubmission=False)
        self.request_seconds = request_seconds

    def log(self, request: HTTPRequest) -> None:
        """Keep no line of each request: an agent makes many, and what matters is in the store."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """HTTP/1.1 only, whatever else Twisted could do here."""
        return [b"http/1.1"]
