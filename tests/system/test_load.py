"""The load, as the system says it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.load import Load, parse_loadavg


class LoadTests(SynchronousTestCase):
    """Its first number, by processor."""

    def test_first_number(self) -> None:
        """The average of one minute counts."""
        self.assertEqual(parse_loadavg("12.50 1.00 0.10 3/512 4711\n"), 12.5)
        self.assertEqual(parse_loadavg("0"), 0.0)

    def test_per_core(self) -> None:
        """It is shared among the processors; no processor at all counts as one."""
        self.assertEqual(Load(12.5, 4).per_core, 3.125)
        self.assertEqual(Load(2.0, 0).per_core, 2.0)

    def test_nonsense(self) -> None:
        """What is no number is refused, with what stood there."""
        for text in ("", "\n", "nan 0 0", "inf", "-1 0 0", "1e999", "load: 3", "1.5.2", "\0"):
            with self.assertRaisesRegex(ValueError, "does not begin with a number"):
                parse_loadavg(text)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever stands there, it is a finite number that is not negative, or refused."""
        try:
            value = parse_loadavg(text)
        except ValueError:
            return
        self.assertTrue(0 <= value < 1e10)
