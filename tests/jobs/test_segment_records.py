"""Tests for ``rakkr.jobs.segment_records``."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import UnknownFormat, sample_format
from tests.jobs.remembering import sealed


class SealedTests(SynchronousTestCase):
    """Segments that grow no more."""

    def test_audio(self) -> None:
        """It says where its samples lie."""
        path = Path("/captures/rec_1.3.raw.wav")
        self.assertEqual(
            sealed(3, 7).audio,
            CapturedAudio(path, 80, sample_format("S16_LE"), 48_000, 2, 7, wav=True),
        )

    def test_nothing(self) -> None:
        """One that left nothing usable has no audio."""
        nothing = sealed(1, 0, path=None, format="")
        self.assertIsNone(nothing.audio)
        self.assertEqual(nothing.size, 0)

    def test_size(self) -> None:
        """Its file ends behind the last whole frame; a sample of S24_LE takes four bytes."""
        self.assertEqual(sealed(1, 10).size, 80 + 10 * 2 * 2)
        self.assertEqual(sealed(1, 10, format="S24_LE", channels=3).size, 80 + 10 * 3 * 4)
        self.assertEqual(sealed(1, 10, format="S24_3LE").size, 80 + 10 * 2 * 3)

    def test_format(self) -> None:
        """A format that cannot be sized is refused when it is written, not when it is read."""
        self.assertRaises(UnknownFormat, sealed, 1, format="S17_LE")
