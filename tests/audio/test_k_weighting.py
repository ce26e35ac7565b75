"""The K-weighting filter."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.k_weighting import KWeighting, coefficients
from tests.audio.test_resampling import RATES, noise, pieces


def sample_by_sample(wave, rate):
    """Filter as the standard draws it."""
    for b, a in coefficients(rate):
        first, second = np.zeros((2, wave.shape[1]))
        out = np.empty(wave.shape)
        for number, sample in enumerate(wave.astype(np.float64)):
            out[number] = b[0] * sample + first
            first = b[1] * sample - a[1] * out[number] + second
            second = b[2] * sample - a[2] * out[number]
        wave = out
    return wave


class KWeightingTests(SynchronousTestCase):
    def test_the_table(self) -> None:
        """At 48 kHz the filters are those of the tables 1 and 2 of BS.1770."""
        (shelf_b, shelf_a), (pass_b, pass_a) = coefficients(48000)
        for found, table in (
            (shelf_b, (1.53512485958697, -2.69169618940638, 1.19839281085285)),
            (shelf_a, (1.0, -1.69065929318241, 0.73248077421585)),
            (pass_b, (1.0, -2.0, 1.0)),
            (pass_a, (1.0, -1.99004745483398, 0.99007225036621)),
        ):
            np.testing.assert_allclose(found, table, atol=1e-8)

    @given(st.sampled_from(RATES), st.lists(st.integers(1, 1500), min_size=1, max_size=5))
    def test_runs_are_as_good_as_samples(self, rate: int, sizes: list[int]) -> None:
        """However a stream is cut, the output is that of the recursion, within -84 dBFS."""
        wave = noise(2500, 3) * 0.5 + np.float32(0.5)
        weighting = KWeighting(rate, 3)
        found = np.concatenate([weighting.block(block) for block in pieces(wave, sizes)])
        # The most that was seen is 3.6e-5, at 192 kHz.
        np.testing.assert_allclose(found, sample_by_sample(wave, rate), atol=6e-5)

    def test_forgotten(self) -> None:
        """After a gap nothing is left of what was before it."""
        weighting, wave = KWeighting(48000, 2), noise(700, 2)
        weighting.block(noise(300, 2, seed=8))
        weighting.forget()
        np.testing.assert_array_equal(weighting.block(wave), KWeighting(48000, 2).block(wave))
