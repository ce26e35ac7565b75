"""What the program sounds like."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS, sample_format
from rakkr.tone import numbered
from rakkr.tone.sources import UnknownDevice, open_source, tone_hertz, tone_peaks

_FLOAT = sample_format("FLOAT_LE")


def heard(device: str, rate: int, channels: int, frames: int | None = None) -> np.ndarray:
    """Get a second of a source as floats."""
    data = open_source(device, _FLOAT, rate, channels).block(0, frames or rate)
    return np.frombuffer(data, "<f4").reshape(-1, channels)


class SourceTests(SynchronousTestCase):
    def test_every_channel_has_its_tone(self) -> None:
        """Each of 32 channels carries its own frequency at its own peak."""
        second = heard("hw:CARD=Desk,DEV=0", 48000, 32)
        spectrum = np.abs(np.fft.rfft(second, axis=0))
        self.assertEqual(spectrum.argmax(axis=0).tolist(), tone_hertz(440, 48000, 32))
        np.testing.assert_allclose(np.abs(second).max(axis=0), tone_peaks(32), rtol=1e-3)
        self.assertEqual(second[0].tolist(), [0.0] * 32)

    @given(st.integers(2000, 192000), st.integers(1, 256))
    def test_no_tone_above_what_the_rate_carries(self, rate: int, channels: int) -> None:
        """No channel's frequency passes half the rate."""
        self.assertTrue(all(0 < hertz < rate / 2 for hertz in tone_hertz(440, rate, channels)))

    @settings(max_examples=20)
    @given(st.sampled_from(["tone", "silence", "speech", "tone:1000"]), st.integers(0, 10**6))
    def test_blocks_join_without_a_seam(self, device: str, first: int) -> None:
        """However the samples are cut into blocks, the signal is the same."""
        whole = open_source(device, _FLOAT, 8000, 2).block(first, 40)
        source = open_source(device, _FLOAT, 8000, 2)
        parts = source.block(first, 15) + source.block(first + 15, 25)
        a, b = np.frombuffer(whole, "<f4"), np.frombuffer(parts, "<f4")
        # The little noise under the voice is made block by block.
        np.testing.assert_allclose(a, b, atol=0.02 if device == "speech" else 1e-6)

    def test_every_format_has_the_same_loudness(self) -> None:
        """Each format delivers whole frames, and integers fill their own range."""
        for sample in FORMATS.values():
            block = open_source("tone", sample, 8000, 3).block(0, 100)
            self.assertEqual(len(block), 100 * sample.frame_bytes(3), sample.name)
        loud = np.frombuffer(open_source("tone", FORMATS["S24_LE"], 8000, 1).block(0, 8000), "<i4")
        self.assertAlmostEqual(loud.max() / 2**23, tone_peaks(1)[0], places=3)
        self.assertLess(loud.min(), 0)

    def test_silence_noise_and_speech(self) -> None:
        """Silence is exact, noise is at -20 dBFS in every channel, speech has pauses."""
        self.assertEqual(np.abs(heard("silence", 8000, 2)).max(), 0.0)
        noise = heard("noise", 48000, 2)
        np.testing.assert_allclose(noise.std(axis=0), 0.1, rtol=0.05)
        self.assertLess(abs(np.corrcoef(noise.T)[0, 1]), 0.05)
        voice = heard("speech", 8000, 1, 4 * 8000)
        self.assertGreater(voice[:8000].std(), 10 * voice[21000:25000].std())
        self.assertLess(np.abs(voice).max(), 1.0)

    def test_numbered(self) -> None:
        """The numbered device numbers its frames."""
        for device in ("numbered", "numbered:-3600"):
            data = open_source(device, FORMATS["S16_LE"], 8000, 2).block(5, 3)
            self.assertEqual(numbered.decode(data, FORMATS["S16_LE"], 2).tolist(), [5, 6, 7])

    def test_unknown_device(self) -> None:
        """A device that does not exist is refused with the ones that do."""
        for name in ("nothing", "tone:loud", "silence:3", "numbered:soon", ""):
            with self.assertRaisesRegex(UnknownDevice, "tone:HERTZ"):
                open_source(name, _FLOAT, 8000, 1)
