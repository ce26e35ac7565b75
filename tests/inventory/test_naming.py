"""Whatever a device calls itself, it can be said, or it is known that it cannot."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.naming import LONGEST_NAME, clipped, printable, sayable, token

ANY = st.text(st.characters())


class PrintableTests(SynchronousTestCase):
    def test_examples(self) -> None:
        """NUL and control characters go, blanks are spaces, half surrogates are replaced."""
        for text, expected in (
            ("Desk\0 32", "Desk 32"),
            ("\x1b[31mred", "[31mred"),
            (" a\tb\u00a0c\n", "a b c"),
            ("a\udcffb", "a\N{REPLACEMENT CHARACTER}b"),
            ("Küche 調", "Küche 調"),
            ("\0\x07", ""),
        ):
            self.assertEqual(printable(text), expected)

    @given(ANY)
    def test_any_text(self, text: str) -> None:
        """What comes out can be encoded and printed, and stays what it is."""
        found = printable(text)
        found.encode()
        self.assertTrue(found.isprintable())
        self.assertEqual(printable(found), found)


class ClippedTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """Letters beyond U+FFFF count twice, as a controller counts, and are never halved."""
        for text, most, expected in (
            ("abc", 3, "abc"),
            ("abcd", 3, "abc"),
            ("🎤🎤", 4, "🎤🎤"),
            ("🎤🎤", 3, "🎤"),
            ("ab cd", 3, "ab"),
        ):
            self.assertEqual(clipped(text, most), expected)

    @given(ANY.map(printable), st.integers(0, 9))
    def test_any_text(self, text: str, most: int) -> None:
        """What comes out is the beginning, and fits."""
        found = clipped(text, most)
        self.assertTrue(text.startswith(found))
        self.assertLessEqual(len(found.encode("utf-16-le")), 2 * most)


class SayableTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """A name may be as long as a controller bears, and not blank."""
        self.assertTrue(sayable("x" * LONGEST_NAME))
        self.assertFalse(sayable("x" * (LONGEST_NAME + 1)))
        self.assertFalse(sayable(""))
        self.assertTrue(sayable("🎤" * (LONGEST_NAME // 2)))
        self.assertFalse(sayable("🎤" * (LONGEST_NAME // 2 + 1)))

    def test_what_would_be_changed(self) -> None:
        """A name that a controller would hand back as another one cannot be said."""
        for name in ("a\0", " a", "a ", "a\udc80", "a\N{REPLACEMENT CHARACTER}", "a\tb"):
            self.assertFalse(sayable(name), ascii(name))
        for name in ("alsa_input.usb-X_Y-00.analog", "Mic 1", "Küche"):
            self.assertTrue(sayable(name), name)

    @given(ANY)
    def test_any_text(self, text: str) -> None:
        """What can be said goes through JSON and comes back the same."""
        if sayable(text):
            self.assertEqual(json.loads(json.dumps(text).encode()).strip(), text)


class TokenTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """A name of letters, digits, dots and dashes is its own token."""
        self.assertEqual(token("alsa_input.usb-X_Y-00"), "alsa_input.usb-X_Y-00")

    def test_others(self) -> None:
        """Two names that look alike without their odd letters have two tokens, always the same."""
        self.assertRegex(token("Mic 1"), r"^Mic_1-[0-9a-f]{8}$")
        self.assertEqual(len({token("Mic 1"), token("Mic/1"), token("Mic_1")}), 3)
        self.assertEqual(token("Mic 1"), token("Mic 1"))
