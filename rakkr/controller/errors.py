"""What can become of a call to the controller, by what the caller decides on."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


_POSTED = frozenset(
    {"node heartbeat", "meter frame", "node inventory", "health event", "monitor chunk"}
)


def _doing(label: str) -> str:
    """What was being done, in the words that the contract's events have for it."""
    if label in _POSTED:
        return f"post {label} to controller"
    return "fetch node config" if label == "node config request" else label


class ControllerError(Exception):
    """A call to the controller did not give what was asked for."""


class Unreachable(ControllerError):
    """
    The controller gave no answer, or no whole one: trying again later may help.

    :ivar reason: what happened, such as ``connection refused``.
    :ivar label: the call, such as ``node heartbeat``.
    """

    def __init__(self, reason: str, label: str = "request") -> None:
        self.reason = reason
        self.label = label
        super().__init__(f"{_doing(label)}: controller gave no answer: {reason}")


class Rejected(ControllerError):
    """
    The controller answered with a status that is not success.

    :ivar status: the HTTP status.
    :ivar body: the beginning of the answer's text.
    :ivar label: the call, such as ``node heartbeat``.
    """

    def __init__(self, status: int, body: str, label: str = "request") -> None:
        self.status = status
        self.body = body
        self.label = label
        super().__init__(f"controller rejected {label} with {status}: {body}")

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: 408, 425, 429 and every 5xx."""
        return self.status in _PASSING or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Unauthorised(Rejected):
    """
    Status 401, also with the token as it reads now.

    Never final: a controller whose database is away answers the same.
    """

    def __init__(self, body: str, label: str = "request") -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED.value, body, label)


class BadMessage(ControllerError):
    """The controller answered with success, and with something that cannot be read."""


class WrongReceipt(ControllerError):
    """
    The controller acknowledged an upload, but not of the bytes that were sent.

    :ivar sent_size: bytes that were sent.
    :ivar sent_checksum: ``sha256:<hex>`` of what was sent.
    :ivar size: bytes that the controller says it has.
    :ivar checksum: the checksum that the controller says it has.
    """

    def __init__(self, sent_size: int, sent_checksum: str, size: int, checksum: str) -> None:
        self.sent_size = sent_size
        self.sent_checksum = sent_checksum
        self.size = size
        self.checksum = checksum
        super().__init__(
            f"controller acknowledged {size} bytes with {checksum}, "
            f"but {sent_size} bytes with {sent_checksum} were sent"
        )


class UnsendableFile(ControllerError):
    """
    A file cannot be uploaded as it is: missing, empty, unreadable, or changing.

    :ivar path: the file.
    :ivar passing: whether the machine, not the file, is at fault, and may be well again soon.
    """

    def __init__(self, path: Path, why: str, *, passing: bool = False) -> None:
        self.path = path
        self.passing = passing
        super().__init__(f"{path} cannot be uploaded: {why}")


class TokenUnreadable(ControllerError):
    """There is no usable controller token; the message says where it was looked for."""


class BadTrust(ControllerError):
    """The CA bundle, the client certificate or its key cannot be used; the message says why."""
