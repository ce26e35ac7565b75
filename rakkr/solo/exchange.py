"""A request as the routes see it, and what they answer: no web framework in here."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol
from urllib.parse import parse_qs, unquote

import attrs

from rakkr.solo.admission import Refused
from rakkr.solo.validation import Check, Invalid

JSON_LIMIT = 1 << 20
Access = Literal["node", "operator", "open"]


class BadPayload(Refused):
    """
    A body that breaks the rules of its route.

    :ivar issues: what is wrong, one by one.
    """

    def __init__(self, error: str, issues: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(400, error)
        self.issues = list(issues)


class UnknownRoute(Refused):
    """Nothing answers to this method and path."""

    def __init__(self) -> None:
        super().__init__(404, "404 Not Found")


@attrs.frozen
class Head:
    """
    The head of a request.

    :ivar path: before the question mark, as it was sent.
    :ivar headers: by lower-case name, the first value of each.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]

    @classmethod
    def read(cls, method: bytes, uri: bytes, headers: Mapping[str, str]) -> Head:
        """From what stands on the wire."""
        path, _, query = uri.decode("latin-1").partition("?")
        return cls(method.decode("latin-1"), path, parse_qs(query, keep_blank_values=True), headers)

    def segments(self) -> list[str]:
        """The parts of the path, decoded."""
        return [unquote(part) for part in self.path.split("/")[1:]]


class Sink(Protocol):
    """Where a body goes while it comes."""

    def write(self, piece: bytes) -> None:
        """Take some bytes; raises :class:`Refused` when it will take no more."""

    def abandon(self) -> None:
        """The rest will never come."""


class Buffer:
    """A small body in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = BytesIO()

    def write(self, piece: bytes) -> None:
        """Take some bytes."""
        if self._bytes.tell() + len(piece) > self._most:
            raise Refused(413, f"The body is larger than {self._most} bytes")
        self._bytes.write(piece)

    def abandon(self) -> None:
        """Nothing is left behind."""

    @property
    def content(self) -> bytes:
        """All of it."""
        return self._bytes.getvalue()


@attrs.define
class Call:
    """
    One request to one route.

    :ivar node_id: whose token it came with, empty on other routes.
    :ivar body: where the body went.
    """

    head: Head
    params: Mapping[str, str]
    node_id: str = ""
    body: Any = None

    def query(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.head.query.get(name)
        return values[0] if values else None

    def header(self, name: str) -> str | None:
        """A header, by lower-case name."""
        return self.head.headers.get(name)

    def json(self) -> Any:
        """The body as JSON; what is no JSON counts as an empty object, as the reference has it."""
        try:
            text = self.body.content.decode("utf-8-sig", "replace")
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return {}

    def checked(self, check: Check, error: str) -> Any:
        """
        The body as its table has it.

        :raises BadPayload: with every fault.
        """
        try:
            return check(self.json(), ())
        except Invalid as invalid:
            raise BadPayload(error, invalid.issues) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@attrs.frozen
class Answer:
    """
    What goes back: bytes, or a file that is streamed.

    :ivar headers: more of them, by lower-case name.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    file: Path | None = None
    file_name: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)


def data(status: int, value: Any) -> Answer:
    """The success envelope."""
    return Answer(status, json.dumps({"data": value}).encode("ascii"))


def refusal(refused: Refused) -> Answer:
    """The error envelope; a plain text where there is no route."""
    if isinstance(refused, UnknownRoute):
        return Answer(404, refused.error.encode("ascii"), "text/plain; charset=UTF-8")
    envelope: dict[str, Any] = {"error": refused.error}
    if isinstance(refused, BadPayload) and refused.issues:
        envelope["issues"] = refused.issues
    if refused.status == 503:  # noqa: PLR2004
        envelope["reason"] = "database_unavailable"
    return Answer(refused.status, json.dumps(envelope).encode("ascii"))


NOTHING = Answer(204)


Handler = Callable[[Call], "Answer | Awaitable[Answer]"]


@attrs.frozen
class Route:
    """
    One method of one path.

    :ivar pattern: the path; a part that begins with a colon is a parameter.
    :ivar receive: makes the sink of a body from (call, declared length); raises Refused.
    """

    method: str
    pattern: str
    handler: Handler
    access: Access = "node"
    receive: Callable[[Call, int | None], Sink] = lambda _call, _length: Buffer(JSON_LIMIT)

    def match(self, method: str, segments: Sequence[str]) -> dict[str, str] | None:
        """The parameters, or None where this is another route."""
        parts = self.pattern.split("/")[1:]
        if method != self.method or len(parts) != len(segments):
            return None
        params: dict[str, str] = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith(":") and segment:
                params[part[1:]] = segment
            elif part != segment:
                return None
        return params
