"""What a file system says of itself, without any program."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from rakkr.system.df import Filled, share_used


@attrs.frozen(kw_only=True)
class FileSystem:
    """
    One look.

    :ivar place: the directory that was looked at: the nearest one that is there.
    :ivar device: by which two places on the same file system are known.
    :ivar inodes: of the file system; 0 where it does not count them.
    :ivar free_inodes: that we may still take.
    """

    place: Path
    device: int
    filled: Filled
    read_only: bool
    inodes: int
    free_inodes: int

    @property
    def inodes_used_percent(self) -> int:
        """The used part of the inodes in whole percent, rounded up; 0 where none are counted."""
        return share_used(self.inodes - self.free_inodes, self.free_inodes) if self.inodes else 0


def look_at(path: Path) -> FileSystem:
    """
    Ask the system; blocks for as long as the file system takes to answer.

    :param path: while it is not there, the directory counts in which it will be made.
    :raises OSError: when nobody answers.
    """
    for place in (path, *path.parents):
        try:
            device, found = place.stat().st_dev, os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        block = found.f_frsize
        return FileSystem(
            place=place,
            device=device,
            filled=Filled(
                total=found.f_blocks * block,
                free=found.f_bavail * block,
                used_percent=share_used(found.f_blocks - found.f_bfree, found.f_bavail),
            ),
            read_only=bool(found.f_flag & os.ST_RDONLY),
            inodes=found.f_files,
            free_inodes=min(found.f_files, found.f_favail),
        )
    raise FileNotFoundError(str(path))
