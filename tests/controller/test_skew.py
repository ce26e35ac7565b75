"""The controller's clock against ours."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.skew import SkewEstimate, measure_skew


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


class EstimateTests(SynchronousTestCase):
    """What is believed of several measurements."""

    def test_one_odd_answer(self) -> None:
        """A single answer that is far off, late or early, changes little."""
        estimate = SkewEstimate()
        got = [estimate.measured(each) for each in (0.1, 0.2, 90.0, 0.3, 0.0, -90.0, 0.1)]
        self.assertTrue(all(abs(each) <= 0.3 for each in got), got)

    def test_first(self) -> None:
        """The first answer is believed at once."""
        self.assertEqual(SkewEstimate().measured(3600.0), 3600.0)

    def test_a_clock_is_set(self) -> None:
        """When a clock was really set, the second answer after it is believed."""
        estimate = SkewEstimate()
        got = [estimate.measured(each) for each in (0.0, 0.0, 60.0, 60.0)]
        self.assertEqual(got, [0.0, 0.0, 0.0, 60.0])

    def test_forgets(self) -> None:
        """After an outage only what comes then counts."""
        estimate = SkewEstimate()
        estimate.measured(60.0)
        estimate.measured(60.0)
        estimate.forget()
        self.assertEqual(estimate.measured(0.0), 0.0)
