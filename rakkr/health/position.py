"""How far the log was delivered: a place that is recognised by content, not by a file's name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import attrs

HEAD_BYTES: Final = 64 << 10  # the longest record: two may begin with the same long details
_VERSION: Final = 1


class BadCursor(Exception):
    """A stored position cannot be read; the message says why."""


@attrs.frozen
class Position:
    """
    A place between two records.

    :ivar source: the fingerprint of the file, or the number of the database; empty at the very
        beginning.
    :ivar offset: bytes from the beginning of the file, or the row that was delivered last.
    :ivar mark: the id of the event before it, where the store can look that up; else the
        fingerprint of the next older file.
    """

    source: str = ""
    offset: int = 0
    mark: str = ""

    def encode(self) -> bytes:
        """As it is written into the cursor's file."""
        return json.dumps({"version": _VERSION, **attrs.asdict(self)}).encode() + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> Position:
        """
        Read it back.

        :raises BadCursor: when it is anything but what :meth:`encode` wrote.
        """
        try:
            found = json.loads(content)
            source, offset, mark = found["source"], found["offset"], found["mark"]
            version = found["version"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadCursor(f"it is no position ({error})") from error
        if version != _VERSION:
            raise BadCursor(f"it has version {version}, and this program knows {_VERSION}")
        if not isinstance(source, str) or not isinstance(mark, str):
            raise BadCursor("its source or mark is no text")
        if type(offset) is not int or offset < 0:
            raise BadCursor(f"its offset is {offset}")
        return cls(source, offset, mark)


OLDEST: Final = Position()
"""Before everything that there is."""


@attrs.frozen
class Extent:
    """
    One file of the log.

    :ivar source: its fingerprint, None while it has no whole line.
    :ivar size: in bytes.
    """

    source: str | None
    size: int


def fingerprint(head: bytes) -> str | None:
    """
    Recognise a file by its first line, which no append changes.

    :param head: the first bytes of the file, at least HEAD_BYTES if it has as many.
    :returns: None while the first line is not whole: a crash may have cut it off.
    """
    line, newline, _ = head[:HEAD_BYTES].partition(b"\n")
    if not newline and len(line) < HEAD_BYTES:
        return None
    return hashlib.sha256(line).hexdigest()[:32]


def newest_source(files: Sequence[Extent]) -> str:
    """Give the fingerprint of the youngest file that has one, empty if none has; oldest first."""
    return next((each.source for each in reversed(files) if each.source is not None), "")


def locate(position: Position, files: Sequence[Extent]) -> tuple[int, int]:
    """
    Find a position again: the number of the file, and the offset in it.

    When somebody took the file away, it is behind the next older one; if that is gone, too, it is
    before everything: what we delete was delivered before, or was given up.  One beyond the end of
    its file is at its beginning: what it counted is not there any more.

    :param files: the oldest first; of two copies the younger one counts.
    """
    for index, file in reversed(list(enumerate(files))):
        if file.source is not None and file.source == position.source:
            return (index, position.offset) if position.offset <= file.size else (index, 0)
    for index, file in reversed(list(enumerate(files))):
        if file.source is not None and file.source == position.mark:
            return index + 1, 0
    return 0, 0


def has_passed(position: Position, files: Sequence[Extent], index: int) -> bool:
    """Whether a position is behind the last byte of a file."""
    at, offset = locate(position, files)
    return at > index or (at == index and offset >= files[index].size)
