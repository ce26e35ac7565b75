"""What a capture program says, in a file that survives the agent."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from rakkr.capture.dropouts import Dropouts, find_dropouts, is_dropout
from rakkr.capture.wrong_rate import WrongRate, find_wrong_rate

_MOST_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 20
_MOST_BLOCKS: Final = 8
_KEPT_CHARACTERS: Final = 8192


class Messages:
    """
    A file for a program's stderr: read as it grows, counted, and kept short.

    A pipe would kill the program when the agent dies.  The descriptor appends, so the file can be
    cut while the program writes.  Its methods block for as long as the disk takes.

    Making it raises FileExistsError when the file exists: it may be another capture's.

    :ivar path: the file.
    :ivar descriptor: to be handed to the program.
    :ivar dropouts: the gaps that it reported so far.
    :ivar wrong_rate: the rate that it delivers, if it is another than asked for.
    :ivar text: the end of everything else that it said.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.path = path
        self.descriptor = os.open(path, flags, 0o644)
        self.dropouts = Dropouts()
        self.wrong_rate: WrongRate | None = None
        self.text = ""
        self._at = 0
        self._rest = b""

    def read(self, *, last: bool = False) -> None:
        """
        Take what was said since the last time; cut the file when it has become long.

        :param last: the program is gone, so a line without an end counts too.
        :raises OSError: when the file cannot be read or cut.
        """
        for _ in range(_MOST_BLOCKS):  # a program that floods its stderr must not keep us here
            block = os.pread(self.descriptor, _BLOCK_BYTES, self._at)
            self._at += len(block)
            self._take(block)
            if len(block) < _BLOCK_BYTES:
                break
        if last and self._rest:
            self._take(b"\n")
        if self._at > _MOST_BYTES:
            os.ftruncate(self.descriptor, 0)
            self._at = 0

    def close(self) -> None:
        """Let go of the file; it stays where it is."""
        os.close(self.descriptor)

    def remove(self) -> None:
        """Remove the file, which nobody needs after a good end; one that stays harms nobody."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _take(self, block: bytes) -> None:
        whole, newline, rest = (self._rest + block).rpartition(b"\n")
        self._rest = rest[-_KEPT_CHARACTERS:]
        if not newline:
            return
        text = whole.decode(errors="replace")
        self.dropouts += find_dropouts(text)
        self.wrong_rate = self.wrong_rate or find_wrong_rate(text)
        kept = [line for line in text.splitlines() if not is_dropout(line)]
        if kept:
            self.text = (self.text + "\n".join(kept) + "\n")[-_KEPT_CHARACTERS:]
