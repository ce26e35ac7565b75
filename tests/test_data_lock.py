"""Tests for ``rakkr.data_lock``; that it ends with its process is tested in ``integration``."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from rakkr.data_lock import DataLock, InUse


class DataLockTests(SynchronousTestCase):
    """One agent for each directory."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp()) / "data" / "agent"

    def lock(self) -> DataLock:
        """A lock that is let go when the test is over."""
        lock = DataLock(self.directory)
        self.addCleanup(lock.release)
        return lock

    def test_acquire(self) -> None:
        """The lock makes its directory, and says in its file who has it."""
        lock = self.lock()
        lock.acquire()
        self.assertEqual(lock.path, self.directory / "agent.lock")
        self.assertEqual(lock.path.read_text(), f"{os.getpid()}\n")

    def test_in_use(self) -> None:
        """A second one is told who has the directory, and what to do."""
        self.lock().acquire()
        error = self.assertRaises(InUse, self.lock().acquire)
        for word in (f"process {os.getpid()}", str(self.directory), "--agent-state-file"):
            self.assertIn(word, str(error))

    def test_release(self) -> None:
        """After a release the next one has it, and the file is the same."""
        first, second = self.lock(), self.lock()
        first.acquire()
        before = first.path.stat().st_ino
        first.release()
        first.release()
        second.acquire()
        self.assertEqual(second.path.stat().st_ino, before)
        self.assertRaises(InUse, first.acquire)

    def test_twice(self) -> None:
        """Whoever has it may ask again."""
        lock = self.lock()
        lock.acquire()
        lock.acquire()
        lock.release()
        self.lock().acquire()

    def test_other_directory(self) -> None:
        """Another directory is another lock."""
        self.lock().acquire()
        other = DataLock(self.directory / "other")
        other.acquire()
        other.release()

    def test_longer_pid(self) -> None:
        """What an earlier holder wrote is gone, and an empty file names nobody."""
        lock = self.lock()
        self.directory.mkdir(parents=True)
        lock.path.write_text("99999999999\nand more")
        lock.acquire()
        self.assertEqual(lock.path.read_text(), f"{os.getpid()}\n")
        lock.path.write_text("")
        self.assertIn(
            "another agent (a process)", str(self.assertRaises(InUse, self.lock().acquire))
        )

    def test_no_lock(self) -> None:
        """A disk that knows no locks is an error, and the file does not stay open."""
        descriptors: list[int] = []

        def flock(descriptor: int, _: int) -> None:
            descriptors.append(descriptor)
            raise OSError(errno.ENOLCK, "No locks available")

        with mock.patch("rakkr.data_lock.fcntl.flock", flock):
            self.assertRaises(OSError, self.lock().acquire)
        self.assertRaises(OSError, os.fstat, descriptors[0])

    def test_no_directory(self) -> None:
        """So is a place that takes no directory."""
        self.directory.parent.mkdir()
        self.directory.write_text("a file")
        self.assertRaises(OSError, self.lock().acquire)

    def test_not_inherited(self) -> None:
        """A program that we start does not hold it."""
        lock = self.lock()
        lock.acquire()
        assert lock._descriptor is not None
        self.assertFalse(os.get_inheritable(lock._descriptor))
