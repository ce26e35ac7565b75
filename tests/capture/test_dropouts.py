"""Gaps that capture programs report."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.dropouts import Dropouts, find_dropouts, is_dropout


class DropoutTests(SynchronousTestCase):
    def test_arecord(self) -> None:
        """Each overrun of arecord counts, with its length where it says one."""
        text = "overrun!!! (at least 1506.087 ms long)\nhello\noverrun!!! (at least 0.5 ms long)\n"
        self.assertEqual(find_dropouts(text), Dropouts(2, 1506.587))
        self.assertEqual(find_dropouts("overrun!!!\noverrun!!!\n").count, 2)

    def test_jack_capture(self) -> None:
        """The totals that jack_capture prints at its end count."""
        text = "encountered 3 jack x-runs\nfailed with a total of 2 overruns\n"
        self.assertEqual(find_dropouts(text).count, 5)

    def test_nothing(self) -> None:
        """Other messages are no gaps."""
        self.assertEqual(find_dropouts("read error: No such device\n"), Dropouts())
        self.assertFalse(is_dropout("audio open error"))

    def test_garbled_length(self) -> None:
        """A length that is no number still counts as a gap."""
        self.assertEqual(find_dropouts("overrun!!! (at least 1.2.3 ms long)"), Dropouts(1, 0.0))

    def test_addition(self) -> None:
        """Gaps add up."""
        self.assertEqual(Dropouts(1, 2.0) + Dropouts(3, 4.0), Dropouts(4, 6.0))
