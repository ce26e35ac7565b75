"""What the system says of a file system."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.df import Filled
from rakkr.system.file_system import FileSystem, look_at


class FileSystemTests(SynchronousTestCase):
    """The one that the temporary directory is on."""

    def test_not_there_yet(self) -> None:
        """A directory that is not there yet is on the disk of the one in which it will be made."""
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            (place / "file").touch()
            for path in (place, place / "a" / "b", place / "file" / "a"):
                self.assertEqual(look_at(path).device, place.stat().st_dev)
            self.assertEqual(look_at(place / "a" / "b").place, place)

    def test_figures(self) -> None:
        """Its figures are those of the system."""
        with tempfile.TemporaryDirectory() as name:
            found, real = look_at(Path(name)), os.statvfs(name)
        self.assertEqual(found.filled.total, real.f_blocks * real.f_frsize)
        self.assertTrue(0 <= found.filled.used_percent <= 100)
        self.assertFalse(found.read_only)

    def test_inodes(self) -> None:
        """The used part of the inodes is rounded up; a file system without a count is not full."""

        def used(inodes: int, free: int) -> int:
            return FileSystem(
                place=Path("/"), device=1, filled=Filled(1, 1, 0), read_only=False,
                inodes=inodes, free_inodes=free,
            ).inodes_used_percent  # fmt: skip

        self.assertEqual([used(0, 0), used(1000, 1000), used(1000, 999)], [0, 0, 1])
        self.assertEqual(used(1000, 0), 100)
