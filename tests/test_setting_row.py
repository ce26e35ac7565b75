"""A table of settings is read in the right order, and says clearly what is wrong."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.setting import Switch, Text, Whole
from rakkr.setting_row import BadSetting, read_settings, setting, settings_of


@attrs.frozen(kw_only=True)
class Table:
    """A table as small as possible."""

    size: int = setting("Things", Whole(1, 9, "metres"), 3, "how big", also=("length",))
    bright: bool = setting("Things", Switch(), False, "light", env="LAMP")
    nickname: str | None = setting("Names", Text(optional=True), None, "a name", env=None)
    token: str | None = setting("Names", Text(optional=True, secret=True), None, "a secret")


ROWS = settings_of(Table)
_sizes = st.none() | st.integers(1, 9)


class RowTests(SynchronousTestCase):
    """The rows of a table."""

    def test_names(self) -> None:
        """Flag and variable follow from the name unless the row says otherwise."""
        size, bright, nickname, token = ROWS
        self.assertEqual(
            (size.flag, size.flags, size.env), ("--size", ("size", "length"), "RAKKR_SIZE")
        )
        self.assertEqual((bright.env, nickname.env, token.env), ("LAMP", None, "RAKKR_TOKEN"))

    def test_shown_default(self) -> None:
        """A default is shown as it would be typed."""
        self.assertEqual([row.shown_default for row in ROWS], ["3", "off", "none", "none"])

    @given(typed=_sizes, variable=_sizes)
    def test_precedence(self, typed: int | None, variable: int | None) -> None:
        """The command line beats the environment, and what neither gives is left to the default."""
        given_ = {"size": None if typed is None else str(typed)}
        environ = {} if variable is None else {"RAKKR_SIZE": str(variable)}
        wins = typed if typed is not None else variable
        self.assertEqual(
            read_settings(ROWS, given_, environ), {} if wins is None else {"size": wins}
        )

    def test_beaten_value_is_not_looked_at(self) -> None:
        """A bad variable does no harm where the command line gives the value."""
        self.assertEqual(read_settings(ROWS, {"size": "4"}, {"RAKKR_SIZE": "x"}), {"size": 4})

    def test_no_variable(self) -> None:
        """A setting without a variable is never read from the environment."""
        self.assertEqual(read_settings(ROWS, {}, {"RAKKR_NICKNAME": "x", "nickname": "x"}), {})

    def test_empty_variable(self) -> None:
        """A variable that is empty or blank counts as not given, whatever its kind."""
        empty = {"RAKKR_SIZE": "", "LAMP": " ", "RAKKR_TOKEN": "\t"}
        self.assertEqual(read_settings(ROWS, {}, empty), {})

    def test_empty_argument(self) -> None:
        """An empty argument takes away an optional text, and is refused for a number."""
        self.assertEqual(read_settings(ROWS, {"token": ""}, {"RAKKR_TOKEN": "t"}), {"token": None})
        error = self.assertRaises(BadSetting, read_settings, ROWS, {"size": ""}, {})
        self.assertIn("--size is empty", str(error))

    def test_sentence(self) -> None:
        """The sentence names the flag or variable that gave the value, the value and the range."""
        error = self.assertRaises(BadSetting, read_settings, ROWS, {"size": "10"}, {})
        expected = "is '10', but it must be a whole number from 1 to 9 (metres)."
        self.assertEqual(str(error), f"--size {expected}")
        error = self.assertRaises(BadSetting, read_settings, ROWS, {}, {"RAKKR_SIZE": "10"})
        self.assertEqual(str(error), f"RAKKR_SIZE {expected}")

    def test_sentence_stays_one_line(self) -> None:
        """A value with line breaks, or a very long one, cannot flood the sentence."""
        error = self.assertRaises(BadSetting, read_settings, ROWS, {"size": "a\n" * 900}, {})
        self.assertNotIn("\n", str(error))
        self.assertLess(len(str(error)), 300)

    def test_secrets_stay_secret(self) -> None:
        """A secret is shown neither in a sentence nor when the settings are printed."""
        error = self.assertRaises(BadSetting, read_settings, ROWS, {"token": "hush hush"}, {})
        self.assertNotIn("hush", str(error))
        self.assertNotIn("hush", repr(Table(token="hush")))
