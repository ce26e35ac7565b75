"""Why a request got no answer, in a few words that a technician can use."""

from __future__ import annotations

from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionAborted,
    ConnectionClosed,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,  # noqa: A004 - Twisted's own
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    UserError,
)
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from twisted.web._newclient import ParseError
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)

from rakkr.controller.bodies import AnswerTooLong
from rakkr.controller.links import StaleSocket
from rakkr.controller.trust import CertificateRefused

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (
        ConnectionRefusedError,
        "connection refused; is the controller running, and is the port right?",
    ),
    (DNSLookupError, "its host name cannot be resolved"),
    (TCPTimedOutError, "connecting timed out"),
    (ConnectTimeoutError, "connecting timed out"),
    (NoRouteError, "there is no route to its network"),
    (StaleSocket, "it closed a kept connection without an answer"),
    (ConnectionDone, "it closed the connection before its answer was whole"),
    (ConnectionAborted, "the connection was aborted"),
    (ConnectionLost, "the connection was reset"),
)
_TLS_WORDS = (
    ("certificate required", "it requires a client certificate"),
    ("bad certificate", "it refused our client certificate"),
    ("unknown ca", "it does not trust the CA of our client certificate"),
    ("certificate expired", "it says that our client certificate has expired"),
    ("handshake failure", "it refused the TLS handshake; it may require a client certificate"),
    ("wrong version number", "it does not speak TLS on this port"),
    ("unsupported protocol", "it speaks no TLS version that is safe (1.2 or later)"),
    ("protocol version", "it speaks no TLS version that is safe (1.2 or later)"),
)


#: Everything that an HTTP client raises when there is no whole answer.
NO_ANSWER: tuple[type[BaseException], ...] = (
    AnswerTooLong,
    CertificateRefused,
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    OSError,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    SSL.Error,
    StaleSocket,
    UserError,
)


def root_causes(error: BaseException) -> list[BaseException]:
    """Unwrap what HTTP clients wrap: the errors at the bottom, in order, each once."""
    inside = getattr(error, "reasons", None)
    if not inside:
        return [error]
    found: list[BaseException] = []
    for failure in inside:
        for each in root_causes(failure.value):
            if type(each) not in {type(known) for known in found}:
                found.append(each)
    return found


def was_cancelled(error: BaseException) -> bool:
    """Whether it was us who gave up."""
    ours = (CancelledError, ConnectingCancelledError)
    return any(isinstance(each, ours) for each in root_causes(error))


def explain(error: BaseException) -> str:
    """Say in a few words why there was no answer."""
    causes = [each for each in root_causes(error) if not isinstance(each, ResponseFailed)]
    # A truncated answer is two causes, the end of the connection and the lack of data: one will do.
    telling = [each for each in causes if not type(each).__name__.startswith("_")] or causes
    return "; ".join(dict.fromkeys(_say(each) for each in telling)) or str(error)


def _say(error: BaseException) -> str:
    if isinstance(error, SSL.Error):
        return _say_tls(error)
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, UserError | ConnectError) and getattr(error, "osError", None):
        return str(error.osError)
    if isinstance(error, ParseError):
        return "its answer is no HTTP"
    return str(error) or type(error).__name__


def _say_tls(error: SSL.Error) -> str:
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    text = ", ".join(str(each[-1]) for each in entries) or str(error) or "unexpected end"
    for known, words in _TLS_WORDS:
        if known in text:
            return words
    return f"TLS failed: {text}"
