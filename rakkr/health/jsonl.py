"""The local health log: JSON lines that rotate by size."""

from __future__ import annotations

import os
from pathlib import Path

import attrs


@attrs.define
class JsonLines:
    """
    An append-only log of lines.

    :ivar path: the active file; older ones are ``<path>.1`` (the youngest) and so on.
    :ivar max_bytes: the active file is put aside before an append once it is this long; 0: never.
    :ivar retained: how many older files are kept; 0 deletes instead of rotating.
    """

    path: Path
    max_bytes: int
    retained: int

    def append(self, line: bytes) -> None:
        """
        Add one line in a single write.

        A line that a crash left unfinished is ended first, so that it spoils only itself.

        :raises OSError: when the disk does not take it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.max_bytes and self._size() >= self.max_bytes:
            self._rotate()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, b"\n" + line if torn else line)
        finally:
            os.close(descriptor)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _older(self, age: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{age}")

    def _rotate(self) -> None:
        if not self.retained:
            self.path.unlink()
            return
        for age in range(self.retained - 1, 0, -1):
            if self._older(age).exists():
                self._older(age).replace(self._older(age + 1))
        self.path.replace(self._older(1))
