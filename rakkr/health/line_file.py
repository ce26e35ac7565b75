"""One file of lines: a whole line is added in one write, and whole lines are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import attrs

from rakkr.health.position import HEAD_BYTES, Extent, fingerprint

_CHUNK_BYTES: Final = 64 << 10
LONGEST_BYTES: Final = 1 << 20  # a line that is longer is nobody's event
_MODE: Final = 0o640


class System(Protocol):
    """The calls that change files; ``os`` has them, and a test may break them."""

    @property
    def write(self) -> Callable[[int, bytes], int]:
        """``os.write``."""

    @property
    def rename(self) -> Callable[[Path, Path], None]:
        """``os.rename``."""

    @property
    def unlink(self) -> Callable[[Path], None]:
        """``os.unlink``."""


@attrs.frozen
class Line:
    """
    A line, without its end.

    :ivar behind: the offset of the next one.
    """

    content: bytes
    behind: int


def append_line(path: Path, line: bytes, system: System) -> None:
    """
    Add a line in a single write.

    A line that a crash left unfinished is ended first, so that it spoils only itself; one that the
    disk takes only a part of is taken back.

    :raises OSError: when the disk does not take it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        content = b"\n" + line if torn else line
        if system.write(descriptor, content) < len(content):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """
    Make what was added survive a power cut.

    :raises OSError: when the disk cannot.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def extent_of(path: Path) -> Extent:
    """
    Look at a file.

    :raises OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        return Extent(fingerprint(file.readline(HEAD_BYTES)), os.fstat(file.fileno()).st_size)


def read_lines(path: Path, offset: int, most: int, *, growing: bool) -> list[Line]:
    """
    Read some of the lines from an offset on; none when there are no more.

    :param growing: whether an unfinished last line may still be finished; else it is a line, too.
    :raises OSError: when the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read(_CHUNK_BYTES)
        if b"\n" not in content:
            content += file.read(LONGEST_BYTES - len(content))
    *whole, rest = content.split(b"\n")
    found = []
    for each in whole[:most]:
        offset += len(each) + 1
        found.append(Line(each, offset))
    if not whole and rest and (not growing or len(content) >= LONGEST_BYTES):
        found.append(Line(rest, offset + len(rest)))
    return found


def count_lines(path: Path, offset: int) -> int:
    """
    Count the lines from an offset on.

    :raises OSError: when the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))
