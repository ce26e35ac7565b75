"""Numbers are read from texts, and rates are those that a device can have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.rates import STANDARD_RATES, numbers, rates_between, rates_in, rising


class RatesTests(SynchronousTestCase):
    def test_numbers(self) -> None:
        """Runs of digits are numbers, and those that are too long are none."""
        self.assertEqual(
            numbers("[44100 96000) x2 999999999 1000000000"), [44100, 96000, 2, 999999999]
        )

    def test_rates(self) -> None:
        """A rate is above nothing and below a million."""
        self.assertEqual(rates_in("0 1 999999 1000000"), [1, 999_999])

    def test_between(self) -> None:
        """A range has its ends, and the standard rates between them."""
        self.assertEqual(rates_between(44_100, 48_000), [44_100, 48_000])
        self.assertEqual(rates_between(40_000, 50_000), [40_000, 44_100, 48_000, 50_000])
        self.assertEqual(rising(rates_between(48_000, 48_000)), (48_000,))

    @given(st.integers(1, 999_999), st.integers(1, 999_999))
    def test_any_range(self, one: int, other: int) -> None:
        """No rate is outside its range, and no standard rate inside is missing."""
        low, high = sorted((one, other))
        found = rates_between(low, high)
        self.assertEqual((min(found), max(found)), (low, high))
        self.assertLessEqual({rate for rate in STANDARD_RATES if low <= rate <= high}, set(found))

    def test_rising(self) -> None:
        """Each rate is there once, rising; no rate at all is None."""
        self.assertEqual(rising([96_000, 44_100, 96_000]), (44_100, 96_000))
        self.assertIsNone(rising([0, 1_000_000]))
