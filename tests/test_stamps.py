"""Tests for ``rakkr.stamps``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.stamps import format_stamp, parse_stamp


class StampTests(SynchronousTestCase):
    """Moments as they stand on the wire."""

    def test_form(self) -> None:
        """A stamp has milliseconds, rounded, and ends in Z."""
        self.assertEqual(format_stamp(0), "1970-01-01T00:00:00.000Z")
        self.assertEqual(format_stamp(1_785_000_000.0126), "2026-07-25T17:20:00.013Z")
        self.assertEqual(format_stamp(0.9996), "1970-01-01T00:00:01.000Z")

    def test_other_forms(self) -> None:
        """Any zone is understood, and none is UTC."""
        for text in ("2026-07-25T17:20:00Z", "2026-07-25T19:20:00+02:00", "2026-07-25T17:20:00"):
            self.assertEqual(parse_stamp(text), 1_785_000_000.0)

    def test_nonsense(self) -> None:
        """What is no moment is refused."""
        self.assertRaises(ValueError, parse_stamp, "soon")

    @given(st.floats(0, 4e9, allow_nan=False))
    def test_round_trip(self, moment: float) -> None:
        """What was written is read back to the millisecond."""
        self.assertLessEqual(abs(parse_stamp(format_stamp(moment)) - moment), 0.000_51)
