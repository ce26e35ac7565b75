"""Bearer tokens: how they are made, kept, read and compared."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from rakkr.durable import write_atomically

NODE_PREFIX = "rakkr_node_"
OPERATOR_PREFIX = "rakkr_op_"


def make_token(prefix: str, token_bytes: Callable[[int], bytes]) -> str:
    """A new token: the prefix and 32 random bytes in base64url."""
    secret = base64.urlsafe_b64encode(token_bytes(32)).rstrip(b"=")
    return prefix + secret.decode("ascii")


def token_file(path: Path, prefix: str, token_bytes: Callable[[int], bytes]) -> str:
    """
    The token in a file that only its owner can read; it is made when there is none.

    :raises OSError: when it can neither be read nor made.
    """
    try:
        token = path.read_text("ascii", "replace").strip()
    except FileNotFoundError:
        token = ""
    if not token:
        token = make_token(prefix, token_bytes)
        write_atomically(path, token.encode("ascii") + b"\n", mode=0o600)
    return token


def digest(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal: all that the database knows of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header: two words with a single space between them."""
    words = (header or "").split(" ")
    if len(words) < 2 or words[0].lower() != "bearer" or not words[1]:  # noqa: PLR2004
        return None
    return words[1]


def same(one: str, other: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
