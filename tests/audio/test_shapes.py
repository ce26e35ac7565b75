"""Rounding and levels."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.shapes import FLOOR_DBFS, dbfs, rounded, up


class RoundingTests(SynchronousTestCase):
    def test_half_away_from_zero(self) -> None:
        """A half goes away from zero, where Python's own goes to the even neighbour."""
        values = np.array([0.25, -0.25, 0.125, 2.5, -2.5, 0.5])
        self.assertEqual(rounded(values, 1), [0.3, -0.3, 0.1, 2.5, -2.5, 0.5])
        self.assertEqual(rounded(values, 0), [0, 0, 0, 3, -3, 1])

    def test_in_32_bits(self) -> None:
        """What is a half in 32 bits is one, although it is a little less in 64."""
        value = 0.05 - 1e-10
        self.assertEqual(rounded(np.array([value]), 1), [0.1])
        self.assertEqual(round(value, 1), 0.0)

    def test_no_negative_zero(self) -> None:
        """A level just below 0 dB is 0, without a sign."""
        self.assertEqual(math.copysign(1, rounded(np.array([-0.0003]), 1)[0]), 1)

    @given(st.floats(-200, 200), st.integers(0, 2))
    def test_near(self, value: float, decimals: int) -> None:
        """The result has so many decimals, and is no further away than half of the last one."""
        (found,) = rounded(np.array([value]), decimals)
        self.assertEqual(found, round(found, decimals))
        self.assertLessEqual(abs(found - value), 0.5 * 10.0**-decimals + 2e-5)


class LevelTests(SynchronousTestCase):
    def test_levels(self) -> None:
        """Full scale is 0 dB, silence and everything below it -160."""
        found = dbfs(np.array([1.0, 0.1, 1e-8, 1e-9, 0.0]))
        np.testing.assert_allclose(found, [0, -20, FLOOR_DBFS, FLOOR_DBFS, FLOOR_DBFS])

    def test_rise(self) -> None:
        """Scores rise from 0 to 1 between two values, and stay there."""
        self.assertEqual(up(np.array([1, 2, 3, 4, 5]), 2, 4).tolist(), [0, 0, 0.5, 1, 1])
