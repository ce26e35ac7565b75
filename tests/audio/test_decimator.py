"""The low end of the spectrum at a low rate."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Block
from rakkr.audio.decimator import PORTION, Decimator
from tests.audio.signals import noise, tone

PORTIONS = 4


def low_of(block: Block, rate: int, portions: int = PORTIONS) -> Block:
    """Decimate as much of a block as makes whole portions."""
    decimator = Decimator(rate, block.shape[1], portions)
    step = portions * PORTION * decimator.factor
    found = []
    for start in range(0, len(block) - step + 1, step):
        decimator.block(block[start : start + step])
        found.append(decimator.take())
    return np.concatenate(found)


def gain(hertz: float, rate: int = 48_000) -> float:
    """How much of a tone is left, in dB."""
    low = low_of(tone(hertz, 2, rate=rate), rate)
    settled = low[200:]
    return float(20 * np.log10(settled.std() * 2**0.5 / 0.3))


class DecimatorTests(SynchronousTestCase):
    def test_rate(self) -> None:
        """The low rate is about 1000 frames in a second, whatever the rate is."""
        for rate in (8000, 11_025, 44_100, 48_000, 96_000, 192_000):
            decimator = Decimator(rate, 1, 1)
            self.assertTrue(660 < decimator.rate <= 1400, decimator.rate)
            self.assertEqual(decimator.rate * decimator.factor, rate)

    def test_kept(self) -> None:
        """Mains and six harmonics keep their level within 1.5 dB."""
        for rate in (44_100, 48_000, 192_000):
            for hertz in (50, 60, 100, 180, 240, 300):
                self.assertLess(abs(gain(hertz, rate)), 1.5, (rate, hertz))

    def test_folded(self) -> None:
        """Of tones that would fold onto the mains 60 dB are taken off, or more."""
        for hertz in (2940, 3060, 2950, 3050, 5940, 6060, 9050):
            self.assertLess(gain(hertz), -60, hertz)
        for hertz in (940, 950, 1050, 1060, 1940, 2050):  # folded by the second stage
            self.assertLess(gain(hertz), -45, hertz)

    @given(st.integers(0, 1000), st.integers(1, 40))
    def test_however_it_is_cut(self, seed: int, parts: int) -> None:
        """Blocks of any sizes give the same samples."""
        block = np.hstack([noise(0.4, seed=seed), noise(0.4, seed=seed + 1)])
        rate, portions = 48_000, 2
        whole = low_of(block, rate, portions)
        decimator = Decimator(rate, 2, portions)
        step = portions * PORTION * decimator.factor
        found = []
        for start in range(0, len(block) - step + 1, step):
            cuts = np.sort(np.random.default_rng(seed).integers(0, step, parts))
            for part in np.split(block[start : start + step], cuts):
                decimator.block(part)
            found.append(decimator.take())
        np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-6)
