"""Bodies: small ones that are sent, and answers that are read within a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer


class AnswerTooLong(Exception):
    """An answer was longer than anything that the controller has to say."""


@implementer(IBodyProducer)
class BytesBody:
    """A body that is there already, written in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Write it all."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing: everything was written."""

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing: everything was written."""

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing: everything was written."""


def read_answer(
    response: IResponse, limit: int, touched: Callable[[], None], *, partial: bool
) -> Deferred[bytes]:
    """
    Read an answer's body to its end.

    Cancelling closes the connection, which ``readBody`` of Twisted does not do.

    :param limit: bytes after which it fails with :class:`AnswerTooLong`, the connection closed.
    :param touched: called whenever bytes arrive.
    :param partial: whether what arrived before the connection broke will do.
    """
    collector = _Collector(limit, touched, partial=partial)
    response.deliverBody(collector)
    return collector.done


class _Collector(Protocol):
    def __init__(self, limit: int, touched: Callable[[], None], *, partial: bool) -> None:
        self._limit = limit
        self._touched = touched
        self._partial = partial
        self._kept = bytearray()
        self._over = False
        self.done: Deferred[bytes] = Deferred(self._give_up)

    def _give_up(self, _: Any = None) -> None:
        self._over = True
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self._over:
            return
        self._touched()
        self._kept += data
        if len(self._kept) > self._limit:
            self._give_up()
            self.done.errback(AnswerTooLong(f"its answer is longer than {self._limit} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        if self._over:
            return
        self._over = True
        if self._partial or reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._kept))
        else:
            self.done.errback(reason)
