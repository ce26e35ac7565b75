"""Tests for ``rakkr.health.cursor``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.cursor import Cursor
from rakkr.health.position import OLDEST, Position


class CursorTests(SynchronousTestCase):
    """The place on the disk."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.cursor = Cursor(self.directory / "log.cursor")

    def test_kept(self) -> None:
        """What was saved is loaded, also by another run."""
        self.assertIsNone(self.cursor.load())
        self.cursor.save(Position("a", 7, "id"))
        self.assertEqual(Cursor(self.cursor.path).load(), Position("a", 7, "id"))

    def test_damaged(self) -> None:
        """A damaged one is the very beginning, and is complained about once."""
        self.cursor.path.write_bytes(b"\0" * 60)
        with capturedLogs() as logs:
            self.assertEqual(self.cursor.load(), OLDEST)
            self.assertEqual(self.cursor.load(), OLDEST)
        self.assertEqual(len(logs), 1)

    def test_unreadable(self) -> None:
        """One that cannot be read is as good as damaged, and is replaced by the next one."""
        self.cursor.path.mkdir()
        self.assertEqual(self.cursor.load(), OLDEST)
        self.cursor.path.rmdir()
        self.cursor.save(Position("a", 7))
        self.assertEqual(self.cursor.path.stat().st_mode & 0o777, 0o644)
