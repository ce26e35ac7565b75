"""Tests for ``rakkr.durable``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from rakkr.durable import reserve, write_atomically


class WriteAtomicallyTests(SynchronousTestCase):
    """Replacing files."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())

    def test_makes_directories(self) -> None:
        """The content is there, in directories that were not, with the mode that was asked for."""
        path = self.directory / "a" / "b"
        write_atomically(path, b"one", mode=0o600)
        self.assertEqual(path.read_bytes(), b"one")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_replaces(self) -> None:
        """A shorter content leaves nothing of the longer one, and nothing else lies about."""
        path = self.directory / "file"
        write_atomically(path, b"a long content")
        write_atomically(path, b"short")
        self.assertEqual(path.read_bytes(), b"short")
        self.assertEqual([path.name for path in self.directory.iterdir()], ["file"])

    def test_failure_keeps_the_old_file(self) -> None:
        """When the disk refuses the new content, the old one is still there, and no draft is."""
        path = self.directory / "file"
        write_atomically(path, b"old")
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            self.assertRaises(OSError, write_atomically, path, b"new")
        self.assertEqual(path.read_bytes(), b"old")
        self.assertEqual([path.name for path in self.directory.iterdir()], ["file"])


class ReserveTests(SynchronousTestCase):
    """Names that nobody else gets."""

    def test_never_twice(self) -> None:
        """Each asker gets a name of its own, and no file that exists is touched."""
        directory = Path(tempfile.mkdtemp()) / "new"
        wished = directory / "a.b.flac"
        self.assertEqual(reserve(wished), wished)
        wished.write_text("content")
        self.assertEqual(reserve(wished).name, "a.b.2.flac")
        self.assertEqual(reserve(wished).name, "a.b.3.flac")
        self.assertEqual(wished.read_text(), "content")
