"""
The lines of a journal's file: ``<CRC-32 in hex> <number> <record>`` and a line feed.

The checksum covers everything behind it, and lines are numbered from 1 without a hole.  So of a
file that was cut off, or spoilt anywhere, it can be told how far it is good.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

import attrs

_LINE: Final = re.compile(rb"([0-9a-f]{8}) (([1-9][0-9]*) ([^\n]*))\n")


@attrs.frozen
class Content:
    """
    The good part of a journal's file.

    :ivar records: its records, in order.
    :ivar length: bytes of the good part.
    :ivar damaged: whether something follows that is not good.
    """

    records: tuple[bytes, ...]
    length: int
    damaged: bool


def encode_line(number: int, record: bytes) -> bytes:
    """
    Write a record as a line.

    :param number: its place in the journal, from 1.
    :param record: one line of text without a line end.
    """
    body = b"%d %b" % (number, record)
    return b"%08x %b\n" % (zlib.crc32(body), body)


def read_lines(content: bytes) -> Content:
    """Take the lines up to the first one that is torn, spoilt, or out of turn."""
    records: list[bytes] = []
    length = 0
    while (line := _LINE.match(content, length)) is not None:
        checksum, body, number, record = line.groups()
        if int(checksum, 16) != zlib.crc32(body) or int(number) != len(records) + 1:
            break
        records.append(record)
        length = line.end()
    return Content(tuple(records), length, length < len(content))
