"""Tests for ``rakkr.setting_channels``."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.setting_channels import ALL_CHANNELS, ChannelChoice, Channels

NUMBERS = st.sets(st.integers(1, 512), min_size=1)


class ChannelsTests(SynchronousTestCase):
    """Choosing channels in one line."""

    def test_lists(self) -> None:
        """Numbers and ranges are read in any order and with blanks, each channel once."""
        for text, chosen in (
            ("1", (1,)),
            ("512", (512,)),
            (" 7 , 2 - 4,3 ", (2, 3, 4, 7)),
            ("5-5", (5,)),
        ):
            self.assertEqual(Channels().parse(text).chosen, chosen)

    def test_refused(self) -> None:
        """What is no channel is refused, and so is a range that runs backwards."""
        for text in ("", "0", "513", "4-2", "1,", "1;2", "-3", "1-", "1.5", "both", "all,1", "٣"):
            self.assertRaises(ValueError, Channels().parse, text)

    @given(NUMBERS)
    def test_as_typed(self, numbers: set[int]) -> None:
        """A choice is shown as it can be typed."""
        choice = ChannelChoice(tuple(sorted(numbers)))
        self.assertEqual(Channels().parse(str(choice)), choice)

    def test_all(self) -> None:
        """The word "all" is every channel of whatever device there is."""
        choice = Channels().parse(" ALL ")
        self.assertEqual((choice, str(choice)), (ALL_CHANNELS, "all"))
        self.assertEqual(choice.of(3), (0, 1, 2))

    def test_of_a_device(self) -> None:
        """Of the chosen channels those count that the device has, by their place in a frame."""
        choice = Channels().parse("2-3,8")
        self.assertEqual(choice.of(8), (1, 2, 7))
        self.assertEqual(choice.of(7), (1, 2))
        self.assertEqual(choice.of(1), ())

    @given(st.text(st.sampled_from("0123456789,- al")))
    def test_refusal_is_a_value_error(self, text: str) -> None:
        """No text makes reading a choice fail in another way than by refusal."""
        with contextlib.suppress(ValueError):
            Channels().parse(text)
