"""The node's bearer token, and where it is read again when the controller refuses it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from rakkr.controller.errors import TokenUnreadable
from rakkr.threads import InThread

_TOKEN = re.compile(r"[!-~]+")
_LONGEST_TOKEN = 8192


class TokenSource(Protocol):
    """Where the token comes from."""

    async def current(self) -> str:
        """
        Return the token to send.

        :raises TokenUnreadable: when there is none.
        """

    async def renew(self, refused: str) -> bool:
        """
        Look again, because the controller refused the token.

        :returns: whether there is another one now.
        :raises TokenUnreadable: when there is none any more.
        """


class TextToken:
    """A token that was given as a setting, and stays what it is."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    async def current(self) -> str:
        """Return the token, as :class:`TokenSource` says."""
        if self._text is None or not self._text.strip():
            raise TokenUnreadable("No controller token is set: give one, or a token file.")
        return _checked(self._text, "The controller token")

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - as TokenSource says
        """Say that a setting does not change while the agent runs."""
        return False


class FileToken:
    """
    A token in a file, which may be replaced at any time.

    It is read beside the reactor, because a file on a dead network mount would stop everything.
    """

    def __init__(self, path: Path, in_thread: InThread) -> None:
        self._path = path
        self._in_thread = in_thread
        self._token: str | None = None

    async def current(self) -> str:
        """Return the token, as :class:`TokenSource` says."""
        if self._token is None:
            self._token = await self._in_thread(self._read)
        return self._token

    async def renew(self, refused: str) -> bool:
        """Read the file again, as :class:`TokenSource` says."""
        if self._token == refused:
            self._token = None
        return await self.current() != refused

    def _read(self) -> str:
        what = f"The token file {self._path}"
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(_LONGEST_TOKEN)
        except OSError as error:
            raise TokenUnreadable(f"{what} cannot be read: {error.strerror or error}.") from error
        if not text.strip():
            raise TokenUnreadable(f"{what} is empty.")
        return _checked(text, what)


def _checked(text: str, what: str) -> str:
    """Strip a token, and refuse one that would break the header it is to stand in."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise TokenUnreadable(f"{what} is no token: it must be one word of printable ASCII.")
    return token
