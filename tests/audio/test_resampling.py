"""Another sample rate, block by block."""

from __future__ import annotations

import numpy as np
import soxr
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.resampling import Resampler
from tests.audio.sounds import tone

RATES = (8000, 11025, 16000, 44100, 48000, 96000, 192000)


def noise(frames, channels=1, seed=7):
    """Make something in which every frame differs."""
    return np.random.default_rng(seed).uniform(-1, 1, (frames, channels)).astype(np.float32)


def pieces(wave, sizes):
    """Cut a wave into blocks of the given sizes, over and over."""
    first, number = 0, 0
    while first < len(wave):
        size = sizes[number % len(sizes)]
        yield wave[first : first + size]
        first, number = first + size, number + 1


class ResamplerTests(SynchronousTestCase):
    @given(st.sampled_from(RATES), st.lists(st.integers(1, 3000), min_size=1, max_size=5))
    def test_blocks_are_as_good_as_the_whole(self, rate: int, sizes: list[int]) -> None:
        """However a stream is cut, what comes out is what comes out of the whole at once."""
        wave = noise(rate // 8, 2)
        resampler = Resampler(rate, 16000, 2)
        out = [resampler.block(block) for block in pieces(wave, sizes)]
        out.append(resampler.flush())
        np.testing.assert_array_equal(np.concatenate(out), soxr.resample(wave, rate, 16000))

    def test_time_stays(self) -> None:
        """A click is heard at the second in which it was, at any rate: the delay is taken off."""
        for rate in RATES:
            click = np.zeros((2 * rate, 1), np.float32)
            click[rate] = 1.0
            resampler = Resampler(rate, 16000, 1)
            out = np.concatenate([resampler.block(click), resampler.flush()])
            self.assertEqual((len(out), int(np.argmax(out))), (32000, 16000), rate)

    def test_what_is_pending(self) -> None:
        """What came out and what is said to be pending are together as long as what went in."""
        for rate in RATES:
            resampler = Resampler(rate, 16000, 1)
            out = resampler.block(noise(rate))
            self.assertLessEqual(abs(len(out) + resampler.pending - 16000), 1, rate)

    def test_no_aliases(self) -> None:
        """A tone that the new rate cannot hold is gone, by 90 dB at least, instead of mirrored."""
        high = tone(48000, 2.0, 10_000.0)[:, None]
        out = Resampler(48000, 16000, 1).block(high)[8000:-2000]
        self.assertLess(np.abs(out).max(), 10.0 ** (-110.0 / 20.0))

    def test_anew(self) -> None:
        """After a flush the next stream is heard as if it were the first."""
        resampler, wave = Resampler(48000, 16000, 1), noise(20_000)
        resampler.block(noise(10_000, seed=8))
        resampler.flush()
        out = np.concatenate([resampler.block(wave), resampler.flush()])
        np.testing.assert_array_equal(out, soxr.resample(wave, 48000, 16000))
