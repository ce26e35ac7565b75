"""Frames that carry their numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS, SampleFormat, sample_format
from rakkr.tone import numbered

formats = st.sampled_from(list(FORMATS.values()))


class NumberedTests(SynchronousTestCase):
    @given(formats, st.integers(1, 256), st.integers(0, 1 << 50), st.integers(0, 50))
    def test_round_trip(self, sample: SampleFormat, channels: int, first: int, frames: int) -> None:
        """In every format, width and place, each frame tells its own number."""
        data = numbered.encode(first, frames, sample, channels)
        self.assertEqual(len(data), frames * sample.frame_bytes(channels))
        expected = [
            each % numbered.modulus(sample, channels) for each in range(first, first + frames)
        ]
        self.assertEqual(numbered.decode(data, sample, channels).tolist(), expected)

    def test_range(self) -> None:
        """One 16-bit channel tells 65536 frames apart, two of 24 bits as many as ever needed."""
        self.assertEqual(numbered.modulus(sample_format("S16_LE"), 1), 1 << 16)
        self.assertEqual(numbered.modulus(sample_format("S24_3LE"), 2), 1 << 48)
        self.assertEqual(numbered.modulus(sample_format("FLOAT_LE"), 1), 1 << 24)

    def test_floats_stay_within_full_scale(self) -> None:
        """Float samples lie between -1 and 1, so no program clips them."""
        data = numbered.encode((1 << 24) - 2, 4, sample_format("FLOAT_LE"), 1)
        values = np.frombuffer(data, "<f4")
        self.assertTrue((np.abs(values) <= 1.0).all())

    def test_a_frame_made_of_two_is_refused(self) -> None:
        """Channels that were shifted against each other do not pass as a frame."""
        sample = sample_format("S16_LE")
        data = numbered.encode(0, 4, sample, 6)
        with self.assertRaises(numbered.ChannelsDisagree):
            numbered.decode(data[6:], sample, 6)

    def test_a_cut_frame_is_left_out(self) -> None:
        """Only whole frames are numbered."""
        sample = sample_format("S32_LE")
        data = numbered.encode(7, 3, sample, 2)
        self.assertEqual(numbered.decode(data[:-1], sample, 2).tolist(), [7, 8])
