"""Where the controller is, and whether a token may travel there."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlencode, urlsplit

import attrs

from rakkr.controller.errors import ControllerError

_API = "/api/v1"


class BadAddress(ControllerError, ValueError):
    """The controller's URL cannot be used; the message says why in one sentence."""


@attrs.frozen
class ControllerAddress:
    """
    The base of every URL that the agent asks for; made by :meth:`parse`.

    :ivar base: the controller's own base URL with ``/api/v1``, without a slash at its end.
    """

    base: str

    @classmethod
    def parse(cls, url: str, *, allow_insecure: bool = False) -> ControllerAddress:
        """
        Check a controller's base URL, and keep the path that a reverse proxy may have given it.

        :param allow_insecure: whether plain http may be used to a machine that is not this one.
        :raises BadAddress: for anything but an http or https URL of a host, for credentials, a
            query or a fragment in it, and for plain http that leaves this machine.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise BadAddress(f"The controller URL {url!r} cannot be read: {error}.") from None
        if parts.scheme not in {"http", "https"}:
            raise BadAddress(f"The controller URL {url!r} must begin with https:// (or http://).")
        if not parts.hostname or any(mark <= " " or mark > "~" for mark in parts.netloc):
            raise BadAddress(f"The controller URL {url!r} names no host.")
        if port == 0:
            raise BadAddress(f"The controller URL {url!r} has port 0, where nothing can listen.")
        if "@" in parts.netloc:
            raise BadAddress("The controller URL must hold no user name: use a controller token.")
        if parts.query or parts.fragment:
            raise BadAddress(f"The controller URL {url!r} must end with its path.")
        if parts.scheme == "http" and not (allow_insecure or _is_this_machine(parts.hostname)):
            raise BadAddress(
                f"The controller URL {url!r} would send the token unencrypted to another machine: "
                "use https, or allow an insecure controller on purpose."
            )
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
        return cls(f"{parts.scheme}://{parts.netloc}{path}{_API}")

    @property
    def secure(self) -> bool:
        """Whether what is sent there is encrypted."""
        return self.base.startswith("https://")

    def join(self, *segments: str, **query: str | int | None) -> str:
        """
        Make the URL of an endpoint.

        :param segments: parts of the path; whatever they hold, each stays one part.
        :param query: parameters in the order of the query; None leaves one out.
        :raises BadAddress: for a segment that would name another path (empty, ``.``, ``..``).
        """
        for segment in segments:
            if segment in {"", ".", ".."}:
                raise BadAddress(f"The id {segment!r} cannot stand in a URL.")
        quoted = (quote(each, safe="", errors="replace") for each in segments)
        given = {name: value for name, value in query.items() if value is not None}
        return "/".join((self.base, *quoted)) + (f"?{urlencode(given)}" if given else "")


def _is_this_machine(host: str) -> bool:
    """Decide by the address itself: a name that begins with ``127.`` can be anybody's."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
