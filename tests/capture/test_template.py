"""Argument templates."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.template import BadTemplate, expand, names_output


class ExpandTests(SynchronousTestCase):
    def test_values_stay_one_word(self) -> None:
        """A value with blanks, quotes or braces is one argument, as it is."""
        got = expand("-D {device} x{device}y", {"device": "my '{seconds}' card", "seconds": "5"})
        self.assertEqual(got, ("-D", "my '{seconds}' card", "xmy '{seconds}' cardy"))

    def test_quotes(self) -> None:
        """Quotes of the template hold words together."""
        self.assertEqual(expand("'a b' \"c {x}\" d\\ e", {"x": "1"}), ("a b", "c 1", "d e"))

    def test_unknown_braces_stay(self) -> None:
        """What is no placeholder of ours is passed on as it stands."""
        self.assertEqual(expand("{nothing} {} $HOME *", {}), ("{nothing}", "{}", "$HOME", "*"))

    def test_unbalanced_or_empty(self) -> None:
        """A quote without its partner, and no words at all, are refused by a sentence."""
        for bad in ("'a", 'b"', "", "  "):
            with self.assertRaisesRegex(BadTemplate, "capture args template"):
                expand(bad, {})

    @given(st.lists(st.text(min_size=1), min_size=1))
    def test_quoted_words_come_back(self, words: list[str]) -> None:
        """Whatever words a shell would quote arrive as they were."""
        self.assertEqual(expand(shlex.join(words), {}), tuple(words))

    def test_names_output(self) -> None:
        """A template owns its file when it names it by either word."""
        self.assertTrue(names_output("-o {output}"))
        self.assertTrue(names_output("-o{output_path}"))
        self.assertFalse(names_output("-t raw -"))
