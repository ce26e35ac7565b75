"""Programs in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.wording import one_line, signal_name, summary


class WordingTests(SynchronousTestCase):
    def test_signals(self) -> None:
        """Every signal can be said, the real-time ones and unknown ones too."""
        self.assertEqual(signal_name(9), "9 (SIGKILL)")
        for number in range(200):
            self.assertTrue(signal_name(number).startswith(str(number)))
        self.assertEqual(signal_name(40), "40")

    @given(st.text())
    def test_always_one_line(self, text: str) -> None:
        """Whatever a program says becomes one printable line."""
        for line in (one_line(text), summary(text)):
            self.assertTrue(line.isprintable())
            self.assertLessEqual(len(summary(text * 100)), 1000)

    def test_summary(self) -> None:
        """Repetitions and lines that are not wanted are left out, and the end is kept."""
        said = "a  b\n\na b\nchatter\nc\n"
        self.assertEqual(summary(said), "a b; chatter; c")
        self.assertEqual(summary(said, lambda line: line == "chatter"), "a b; c")
        self.assertTrue(summary("x" * 2000 + "\nend").endswith("end"))
