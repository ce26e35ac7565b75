"""The controller's clock against ours."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.skew import measure_skew


class SkewTests(SynchronousTestCase):
    """The estimate, and when there is none."""

    @given(
        st.floats(1e9, 2e9),
        st.floats(-86400, 86400),
        st.floats(0, 8),
        st.floats(0, 1),
    )
    def test_error_is_bounded(self, sent: float, skew: float, trip: float, when: float) -> None:
        """The estimate is off by at most half a second and half the round trip."""
        answered = sent + trip * when
        date = formatdate(int(answered + skew), usegmt=True)
        got = measure_skew(date, sent + trip, trip)
        assert got is not None
        self.assertLessEqual(abs(got - skew), 0.5 + trip / 2 + 1e-3)

    def test_no_estimate(self) -> None:
        """No date, an unreadable one, or too slow an answer says nothing; just in time does."""
        date = "Tue, 15 Nov 1994 08:12:31 GMT"
        for bad in (None, "", "yesterday", "Tue, 99 Nov 1994 08:12:31 GMT"):
            self.assertIsNone(measure_skew(bad, 0.0, 0.1))
        self.assertIsNone(measure_skew(date, 0.0, 8.1))
        self.assertEqual(measure_skew(date, 784887151.0 + 4, 8.0), 0.5)
