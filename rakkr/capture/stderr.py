"""What a capture program says, in a file that survives the agent."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from rakkr.capture.dropouts import Dropouts, find_dropouts, is_dropout
from rakkr.capture.verdict import DISK_FULL
from rakkr.capture.wrong_rate import WrongRate, find_wrong_rate

MOST_BYTES: Final = 1 << 20
"""A file that is longer is cut."""
_BLOCK_BYTES: Final = 1 << 17
_READ_BYTES: Final = 1 << 21
"""So much is understood at a time."""
_COUNT_BYTES: Final = 1 << 26
_KEPT_CHARACTERS: Final = 8192
_APPEND: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Messages:
    """
    A file for a program's stderr: read as it grows, counted, and kept short.

    A pipe would kill the program when the agent dies.  The descriptor appends, so the file can be
    cut while the program writes.  A program may say more than can be understood in time: then the
    beginning and the end are, and the lines between are only counted.  Its methods block for as
    long as the disk takes.

    :ivar path: the file.
    :ivar descriptor: to be handed to the program.
    :ivar at: how far it was read, in bytes.
    :ivar dropouts: the gaps that it reported so far.
    :ivar unread: lines that were never looked at.
    :ivar wrong_rate: the rate that it delivers, if it is another than asked for.
    :ivar disk_full: whether it said that the disk is full.
    :ivar text: the end of everything else that it said.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.at = 0
        self.dropouts = Dropouts()
        self.unread = 0
        self.wrong_rate: WrongRate | None = None
        self.disk_full = False
        self.text = ""
        self._rest = b""
        self._headless = False

    @classmethod
    def create(cls, path: Path) -> Messages:
        """
        Make a new file.

        :raises FileExistsError: for one that exists: it may be another capture's.
        :raises OSError: when it cannot be made.
        """
        return cls(path, os.open(path, _APPEND | os.O_EXCL, 0o644))

    @classmethod
    def reopen(cls, path: Path, at: int, dropouts: Dropouts) -> Messages:
        """
        Go on where another agent stopped reading; a file that is gone is made anew.

        :raises OSError: when it cannot be opened.
        """
        messages = cls(path, os.open(path, _APPEND, 0o644))
        messages.dropouts = dropouts
        # A file that is shorter was cut since: what is there now is all new.
        messages.at = at if at <= messages._size() else 0
        return messages

    @property
    def long(self) -> bool:
        """Whether the file has become so long that it should be read and cut now."""
        return self._size() > MOST_BYTES

    def read(self, *, last: bool = False) -> None:
        """
        Take what was said since the last time; cut the file when it has become long.

        :param last: the program is gone, so a line without an end counts too.
        :raises OSError: when the file cannot be read or cut.
        """
        if self.descriptor < 0:
            return
        size = self._size()
        self._understand(min(size, self.at + _READ_BYTES))
        if self.at < size:
            self._count(size - _BLOCK_BYTES)
            self._understand(size)
        if last and self._rest:
            self._take(b"\n")
        if self.at > MOST_BYTES:
            self._understand(min(self._size(), self.at + _BLOCK_BYTES))  # what came meanwhile
            self._count(self._size())
            os.ftruncate(self.descriptor, 0)
            self.at = 0

    def close(self) -> None:
        """Let go of the file; it stays where it is, and nothing is read any more."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the file, which nobody needs after a good end; one that stays harms nobody."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def _understand(self, end: int) -> None:
        while self.at < end:
            block = os.pread(self.descriptor, min(_BLOCK_BYTES, end - self.at), self.at)
            if not block:
                break
            self.at += len(block)
            self._take(block)

    def _count(self, end: int) -> None:
        """Go on to a place in the file, and only count the lines before it."""
        if end <= self.at:
            return
        begin = max(self.at, end - _COUNT_BYTES)  # a sparse or endless file must not keep us here
        self._rest = b""
        while begin < end:
            block = os.pread(self.descriptor, min(_BLOCK_BYTES, end - begin), begin)
            if not block:
                break
            begin += len(block)
            self.unread += block.count(b"\n")
            self._headless = not block.endswith(b"\n")
        self.at = end

    def _take(self, block: bytes) -> None:
        if self._headless:  # its first line begins in what was not read
            _tail, newline, block = block.partition(b"\n")
            self._headless = not newline
            self.unread += len(newline)
        whole, newline, rest = (self._rest + block).rpartition(b"\n")
        self._rest = rest[-_KEPT_CHARACTERS:]
        if not newline:
            return
        text = whole.decode(errors="replace")
        self.dropouts += find_dropouts(text)
        self.wrong_rate = self.wrong_rate or find_wrong_rate(text)
        self.disk_full = self.disk_full or DISK_FULL.search(text) is not None
        kept = [line for line in text.splitlines() if not is_dropout(line)]
        if kept:
            self.text = (self.text + "\n".join(kept) + "\n")[-_KEPT_CHARACTERS:]
