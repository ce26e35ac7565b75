"""Tests for ``rakkr.meters.synthetic``."""

from __future__ import annotations

import io
import math
import wave

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.frame import SYNTHETIC_INTERFACE
from rakkr.meters.synthetic import RATE, synthetic_chunk, synthetic_frame
from tests.meters.frames import GOOD, frame

# metering.md section 10: rms, peak, zcr, crest, speech, like, noise, hum, static, broadband, SNR,
# intelligibility
GOLDEN = {
    (0, 1): (-34.1, -17.1, 0.14, 17.01, 0.74, True, 0.26, 0.09, 0.05, 0.18, 18.0, 0.55),
    (1, 2): (-30.2, -15.4, 0.10, 14.80, 0.80, True, 0.20, 0.02, 0.08, 0.14, 20.7, 0.63),
    (7, 2): (-49.1, -31.9, 0.14, 17.23, 0.27, False, 0.39, 0.05, 0.03, 0.27, 2.0, 0.07),
}
QUALITY = (
    *("zeroCrossingRate", "crestFactorDb", "speechScore", "speechLike", "noiseScore", "humScore"),
    *("staticScore", "broadbandNoiseScore", "estimatedSnrDb", "intelligibilityScore"),
)


def samples_of(chunk: bytes) -> np.ndarray:
    """The samples of a chunk, read by another program's rules."""
    with wave.open(io.BytesIO(chunk)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


class SyntheticTests(SynchronousTestCase):
    """Invented levels."""

    def test_golden(self) -> None:
        """Levels are those of the reference agent to the last printed digit."""
        for (tick, channel), expected in GOLDEN.items():
            sent = synthetic_frame(tick, 2, 0).as_wire("n")["levels"][channel - 1]
            quality = tuple(sent["quality"][name] for name in QUALITY)
            self.assertEqual((sent["rmsDbfs"], sent["peakDbfs"], *quality), expected)
            self.assertNotIn("channelCorrelation", sent["quality"])

    def test_marked(self) -> None:
        """An invented frame is of the invented interface, and no sample of it was measured."""
        made = synthetic_frame(1, 32, 7.0)
        self.assertEqual(made.interface_id, SYNTHETIC_INTERFACE)
        self.assertEqual((made.frames, len(made.levels), made.captured_at), (0, 32, 7.0))

    def test_bounds(self) -> None:
        """Over a long time no level leaves its range, and none ever clips."""
        for tick in range(200):
            for each in synthetic_frame(tick, 3, 0).levels:
                self.assertFalse(each.clipping)
                self.assertTrue(-54.1 <= each.rms_dbfs <= -29.9)
                self.assertLessEqual(each.peak_dbfs, -3)


class ChunkTests(SynchronousTestCase):
    """The invented tone."""

    def test_canonical(self) -> None:
        """A second is 16 000 samples behind a header of 44 bytes."""
        chunk = synthetic_chunk(synthetic_frame(0, 1, 0), 1.0)
        self.assertEqual(len(chunk), 44 + 32_000)
        self.assertEqual(chunk[36:44], b"data" + (32_000).to_bytes(4, "little"))
        self.assertEqual(len(samples_of(chunk)), 16_000)

    def test_tone(self) -> None:
        """It is 440 Hz, as loud as the loudest channel."""
        made = synthetic_frame(0, 1, 0)  # peak -17.1 dBFS
        samples = samples_of(synthetic_chunk(made, 1.0))
        amplitude = 10 ** (-17.1 / 20) * 32767
        for at in (0, 1, 9, 100, 15_999):
            exact = math.sin(2 * math.pi * 440 * at / 16_000) * amplitude
            self.assertLessEqual(abs(samples[at] - exact), 0.5001)

    def test_loudness(self) -> None:
        """It is never louder than a quarter of full scale, and never inaudible."""
        for peak, loudest in ((-11.9, 8192), (-12.2, 8043), (-33.9, 661), (-34.1, 655)):
            chunk = synthetic_chunk(frame({**GOOD, "peak_dbfs": peak}), 1.0)
            self.assertEqual(np.abs(samples_of(chunk)).max(), loudest)
        chunk = synthetic_chunk(synthetic_frame(0, 0, 0), 1.0)
        self.assertEqual(np.abs(samples_of(chunk)).max(), 655)

    def test_joins(self) -> None:
        """The chunk of two seconds is twice the chunk of one: nothing clicks where they join."""
        made = synthetic_frame(3, 1, 0)
        one, two = (samples_of(synthetic_chunk(made, seconds)) for seconds in (1.0, 2.0))
        self.assertEqual(two.tolist(), [*one, *one])
