"""Sample formats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS, UnknownFormat, sample_format


class SampleFormatTests(SynchronousTestCase):
    def test_every_name_in_any_case(self) -> None:
        """Every format is found by its ALSA name, in any case and with blanks around it."""
        for name, sample in FORMATS.items():
            self.assertIs(sample_format(f" {name.lower()} "), sample)

    def test_sizes(self) -> None:
        """24 bits lie in 4 bytes unless the name says 3, and a frame is as wide as its channels."""
        self.assertEqual(sample_format("S24_LE").container_bytes, 4)
        self.assertEqual(sample_format("S24_3LE").container_bytes, 3)
        self.assertEqual(sample_format("S24_3LE").frame_bytes(32), 96)
        self.assertEqual(sample_format("FLOAT64_LE").frame_bytes(1), 8)

    def test_other_names(self) -> None:
        """The names that other programs use for floats are understood."""
        self.assertEqual(sample_format("F32_LE").name, "FLOAT_LE")

    @given(st.text())
    def test_unknown_names_are_refused_with_the_known_ones(self, name: str) -> None:
        """A name that does not exist is refused by a sentence that lists those that do."""
        try:
            sample_format(name)
        except UnknownFormat as error:
            self.assertIn("S24_3LE", str(error))
