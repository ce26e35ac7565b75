"""Tests for ``rakkr.render.partial``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.render.partial import remove_partial


class PartialTests(SynchronousTestCase):
    """Half-made files."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def names(self) -> list[str]:
        """What is there."""
        return sorted(path.name for path in self.directory.iterdir())

    def test_only_what_is_half_made(self) -> None:
        """The half-made file goes with the name that it reserved; nothing with audio does."""
        files = {
            ".rec_1.flac.part": b"half",
            "rec_1.flac": b"",
            ".rec_2.flac.part": b"",
            "rec_2.flac": b"an older one",
            "rec_3.flac": b"",
            "rec_3.part": b"x",
            ".rec_4.raw.wav": b"x",
        }
        for name, content in files.items():
            (self.directory / name).write_bytes(content)
        remove_partial(self.directory)
        self.assertEqual(self.names(), [".rec_4.raw.wav", "rec_2.flac", "rec_3.flac", "rec_3.part"])

    def test_no_directory(self) -> None:
        """Where nothing was recorded yet there is nothing to remove."""
        remove_partial(self.directory / "captures")
        self.assertEqual(self.names(), [])
