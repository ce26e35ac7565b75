"""The frames of a capture against the clock."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.pace import Pace, missing_frames


class DriftTests(SynchronousTestCase):
    def pace(self, seconds: float, looks: int, rate: float = 48000.0, began: float = 0.0) -> Pace:
        """Look at a device of that true rate, evenly, from a moment on."""
        pace = Pace(48000)
        for number in range(looks):
            elapsed = seconds * number / (looks - 1)
            pace.fed(began + elapsed, int(rate * elapsed))
        return pace

    def test_long_enough(self) -> None:
        """Drift is told after a minute and ten looks, and not before."""
        self.assertIsNone(Pace(48000).drift_ppm)
        self.assertIsNone(self.pace(59.9, 60).drift_ppm)
        self.assertIsNone(self.pace(60.0, 9).drift_ppm)
        self.assertLess(abs(self.pace(60.0, 10).drift_ppm or 99.0), 0.5)

    @given(st.floats(-500, 500), st.floats(0, 1e7), st.integers(61, 200_000))
    def test_any_drift(self, ppm: float, began: float, seconds: int) -> None:
        """However fast the device and however long the machine runs, the drift is found."""
        pace = self.pace(seconds, 100, 48000 * (1 + ppm / 1e6), began)
        found = pace.drift_ppm
        assert found is not None
        self.assertLess(abs(found - ppm), 1.0)

    @given(st.integers())
    def test_looks_that_come_late(self, seed: int) -> None:
        """Looks that come up to a block of samples late blur the drift, and no more than that."""
        pace, random = Pace(48000), Random(seed)
        for number in range(600):
            pace.fed(number + random.uniform(0, 0.125), number * 48000)
        found = pace.drift_ppm
        assert found is not None
        self.assertLess(abs(found), 6 * 0.0625 / 600 * 1e6)


class MissingTests(SynchronousTestCase):
    def test_more_than_half_a_second(self) -> None:
        """Half a second may be the time of a look; what is more was lost."""
        self.assertEqual(missing_frames(10.0, 480000 - 24000, 48000), 0)
        self.assertEqual(missing_frames(10.0, 480000 - 24100, 48000), 24100)

    @given(st.floats(0, 1e6), st.floats(-100, 100))
    def test_drift_is_not_loss(self, seconds: float, ppm: float) -> None:
        """A device that is as slow as a cheap quartz has lost nothing, however long it ran."""
        frames = int(seconds * 48000 * (1 + ppm / 1e6)) + 1
        self.assertEqual(missing_frames(seconds, frames, 48000), 0)

    @given(st.floats(0, 1e5), st.integers(0, 1 << 40), st.sampled_from([8000, 48000, 192000]))
    def test_never_negative(self, seconds: float, frames: int, rate: int) -> None:
        """A device that is ahead of the clock misses nothing."""
        missing = missing_frames(seconds, frames, rate)
        self.assertGreaterEqual(missing, 0)
        if missing:
            self.assertEqual(missing, round(seconds * rate) - frames)
