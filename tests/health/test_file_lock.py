"""Tests for ``rakkr.health.file_lock``."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.file_lock import FileLock


class FileLockTests(SynchronousTestCase):
    """Locks on a file."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "deep" / "log.lock"

    def test_one_at_a_time(self) -> None:
        """Who is second gets nothing until the first lets go."""
        first, second = FileLock(self.path), FileLock(self.path)
        self.assertTrue(first.take())
        self.assertTrue(first.take())
        self.assertFalse(second.take())
        first.release()
        first.release()
        with second.held():
            self.assertFalse(first.take())
        self.assertTrue(first.take())
        first.release()

    def test_taken_away(self) -> None:
        """When somebody takes the file away, the lock is on the new one, and only one has it."""
        first, second = FileLock(self.path), FileLock(self.path)
        self.assertTrue(first.take())
        self.path.unlink()
        self.assertTrue(second.take())
        self.assertFalse(first.take())
        second.release()
        self.assertTrue(first.take())
        first.release()

    def test_read_only(self) -> None:
        """A lock whose file cannot be written, but is there, still locks."""
        with FileLock(self.path).held():
            pass
        opened = os.open

        def read_only(path: Path, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_RDWR:
                raise OSError("read-only file system")
            return opened(path, flags, mode)

        self.patch(os, "open", read_only)
        lock = FileLock(self.path)
        self.assertTrue(lock.take())
        lock.release()
        self.assertRaises(OSError, FileLock(self.directory / "other").take)
