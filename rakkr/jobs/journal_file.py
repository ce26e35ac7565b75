"""
A job's journal on the disk: two copies, so that damage to one of them loses nothing.

Everything here blocks for as long as a disk takes to sync, so it is called in a thread, and by one
caller at a time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import attrs

from rakkr.durable import sync_directory, write_atomically
from rakkr.jobs.journal_line import encode_line, read_lines

_MODE = 0o640


class NotWritten(Exception):
    """No copy took the lines; they are written with the next ones.  ``failed`` says why."""

    def __init__(self, failed: dict[Path, OSError]) -> None:
        super().__init__("; ".join(f"{path}: {error}" for path, error in failed.items()))
        self.failed = failed


@attrs.define
class _Copy:
    """
    One of the two files.

    :ivar length: bytes of it that are known to be good and on the disk; None when it must be
        written anew.
    """

    path: Path
    length: int | None = 0


class JournalFile:
    """An append-only list of records in two files with the same content."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """:param paths: of the copies, the preferred one first; none of them exists."""
        self._lines = bytearray()
        self._count = 0
        self._copies = [_Copy(path) for path in paths]

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Self:
        """
        Read what is there; nothing is changed before the first :meth:`append`.

        The copy with the longest good part counts; one that does not exist is an empty one.

        :raises OSError: when nothing good was found, and a copy cannot be read.
        """
        journal = cls(paths)
        contents: list[bytes | None] = []
        errors: list[OSError] = []
        for path in paths:
            try:
                contents.append(path.read_bytes() if path.exists() else b"")
            except OSError as error:
                contents.append(None)
                errors.append(error)
        good = [read_lines(content or b"") for content in contents]
        best = max(range(len(good)), key=lambda index: good[index].length)
        if errors and not good[best].records:
            raise errors[0]
        journal._count = len(good[best].records)
        journal._lines += (contents[best] or b"")[: good[best].length]
        for copy, content, found in zip(journal._copies, contents, good, strict=True):
            # Both may be good and differ, when each was the only one in reach for a while.
            same = content is not None and journal._lines.startswith(content[: found.length])
            copy.length = found.length if same else None
        return journal

    @property
    def records(self) -> tuple[bytes, ...]:
        """All records, those included that no disk has taken yet."""
        return read_lines(bytes(self._lines)).records

    @property
    def paths(self) -> tuple[Path, ...]:
        """Of the copies."""
        return tuple(copy.path for copy in self._copies)

    @property
    def durable(self) -> bool:
        """Whether at least one copy holds every record."""
        return any(copy.length == len(self._lines) for copy in self._copies)

    def append(self, records: Sequence[bytes] = ()) -> dict[Path, OSError]:
        """
        Write records, and whatever a copy lacks, and see that it is on the disk.

        :returns: what went wrong, by copy; at least one copy took everything.
        :raises NotWritten: when no copy did.
        """
        for record in records:
            self._count += 1
            self._lines += encode_line(self._count, record)
        failed: dict[Path, OSError] = {}
        for copy in self._copies:
            try:
                self._complete(copy)
            except OSError as error:
                failed[copy.path] = error
        if len(failed) == len(self._copies):
            raise NotWritten(failed)
        return failed

    def remove(self) -> None:
        """
        Delete both copies.

        :raises OSError: when one cannot be deleted.
        """
        for copy in self._copies:
            copy.path.unlink(missing_ok=True)

    def _complete(self, copy: _Copy) -> None:
        size = _size(copy.path)
        if copy.length is None or size < copy.length:  # spoilt, or cut by somebody under us
            write_atomically(copy.path, bytes(self._lines), mode=_MODE)
        elif size > copy.length or copy.length < len(self._lines):
            self._extend(copy.path, copy.length)
        copy.length = len(self._lines)

    def _extend(self, path: Path, length: int) -> None:
        """Put what is missing behind the good part, in place of whatever follows it."""
        if not length:
            path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            os.ftruncate(descriptor, length)
            _write_all(descriptor, memoryview(self._lines[length:]), length)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if not length:
            sync_directory(path.parent)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _write_all(descriptor: int, content: memoryview, offset: int) -> None:
    """Write everything at its place; a disk that is nearly full takes less at a time."""
    while content:
        written = os.pwrite(descriptor, content, offset)
        offset += written
        content = content[written:]
