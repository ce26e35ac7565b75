"""
The one sanitiser for everything that leaves for the controller.

A NUL or half a surrogate pair in one string can take a whole fleet's controller down, ``NaN`` is no
JSON, and a ``null`` where a member may only be absent is refused.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from numbers import Integral, Real
from typing import Any

from rakkr.stamps import format_stamp

_DROPPED = object()
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK = re.compile(r"\s+")
_UNPRINTABLE = re.compile(r"[^ -~]")
# An integer beyond the largest double reads as infinity in JavaScript.
_MOST_BITS = 1023


def clean(value: object, *, nulls: bool = False) -> Any:
    """
    Turn a value into plain JSON data that the controller can store.

    * text: NUL is dropped, a lone surrogate becomes U+FFFD; so in keys;
    * None, NaN and infinities: the member or item is dropped, or None where ``nulls`` may stay
      (alone, they become None);
    * moments: UTC with milliseconds and ``Z`` (one without a zone is taken as UTC);
    * tuples, sets and other iterables become lists, mappings become dicts, numbers of other
      libraries Python's own;
    * anything else becomes its text.

    Cleaning twice changes nothing more.

    :param nulls: only for the details of events, in which null says "not known" (health-events 1).
    """
    cleaned = _clean(value, None if nulls else _DROPPED)
    return None if cleaned is _DROPPED else cleaned


def encode(value: object, *, nulls: bool = False) -> bytes:
    """Clean a value, see :func:`clean`, and write it as compact JSON in UTF-8."""
    text = json.dumps(
        clean(value, nulls=nulls), allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode()


def header_text(text: str, limit: int = 1000) -> str:
    """
    Make text fit for a header: one line, printable ASCII, at most ``limit`` characters.

    Letters lose their accents, and what has no ASCII at all becomes ``?``.
    """
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in parts if not unicodedata.combining(each))
    return _UNPRINTABLE.sub("?", _BLANK.sub(" ", bare)).strip()[:limit].rstrip()


def _clean(value: object, nothing: object) -> Any:
    """:param nothing: what becomes of None, and of numbers that are none."""
    if value is None or isinstance(value, bool):
        return nothing if value is None else value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Real):
        return _number(value, nothing)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _clean(value.item(), nothing)  # numpy's bool is no Real
    if isinstance(value, date):
        return _moment(value)
    return _collection(value, nothing)


def _number(value: Real, nothing: object) -> Any:
    if isinstance(value, Integral):
        whole = int(value)
        return whole if whole.bit_length() <= _MOST_BITS else nothing
    number = float(value)
    return number if math.isfinite(number) else nothing


def _collection(value: object, nothing: object) -> Any:
    if isinstance(value, bytes | bytearray):
        return _text(value.decode(errors="replace"))
    if isinstance(value, Mapping):
        members = ((_text(str(key)), _clean(each, nothing)) for key, each in value.items())
        return {key: each for key, each in members if each is not _DROPPED}
    if isinstance(value, Iterable):
        items = (_clean(each, nothing) for each in value)
        return [each for each in items if each is not _DROPPED]
    return _text(str(value))


def _text(text: str) -> str:
    return _SURROGATE.sub("\ufffd", str.__str__(text).replace("\0", ""))


def _moment(moment: date) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return format_stamp(aware.timestamp())
    except (OverflowError, ValueError):  # at the ends of the calendar
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
