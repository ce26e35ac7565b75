"""Tests for ``rakkr.jobs.naming``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.naming import direct_capture_name, safe_file_name, safe_stem, stem_of


class NamingTests(SynchronousTestCase):
    """Names that the controller chooses, on our file system."""

    def test_contract(self) -> None:
        """The contract's rule: last component, safe characters, no dots at the ends."""
        for wished, safe in (
            ("rec_1.flac", "rec_1.flac"),
            ("../../etc/passwd", "passwd"),
            ("C:\\talks\\Räume 1.wav", "R_ume_1.wav"),
            (".hidden.", "hidden"),
            ("..", "recording.wav"),
            ("a/", "recording.wav"),
            ("", "recording.wav"),
        ):
            self.assertEqual(safe_file_name(wished), safe, wished)

    def test_direct(self) -> None:
        """A one-shot capture's file is named after its recording."""
        self.assertEqual(direct_capture_name("rec 1.x", "mp3"), "rakkr-capture-rec_1_x.mp3")
        self.assertEqual(safe_stem(""), "recording")

    def test_stem(self) -> None:
        """Only the last extension goes."""
        self.assertEqual(stem_of("a.b.flac"), "a.b")

    @given(st.text())
    def test_stays_inside(self, wished: str) -> None:
        """Whatever is wished for, the name is one plain component that fits a file system."""
        safe = safe_file_name(wished)
        self.assertNotIn("/", safe)
        self.assertNotIn(safe, {"", ".", ".."})
        self.assertLess(len(safe.encode()), 230)
        self.assertEqual(safe_file_name(safe), safe)
