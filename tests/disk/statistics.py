"""A file system of any size, for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import attrs

from rakkr.disk.space import Statistics, StatVfs


@attrs.frozen
class _Answer:
    f_frsize: int
    f_blocks: int
    f_bavail: int


class Disk:
    """
    Answers like ``os.statvfs``.

    :ivar free: bytes; a change is seen by the next look.
    :ivar error: what is raised instead.
    :ivar missing: directories that are not there.
    :ivar asked: the paths that were asked for.
    """

    def __init__(self, free: int, total: int = 10**12) -> None:
        self.free = free
        self.total = total
        self.error: OSError | None = None
        self.missing: set[Path] = set()
        self.asked: list[Path] = []

    def __call__(self, path: Path) -> Statistics:
        """Say how full it is."""
        self.asked.append(path)
        if self.error is not None:
            raise self.error
        if path in self.missing:
            raise FileNotFoundError(str(path))
        return _Answer(1, self.total, self.free)


_CHECK: StatVfs = Disk(0)
