"""Every kind of value takes what it promises to take, and refuses everything else."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.setting import (
    WORDS,
    Arguments,
    Decimal,
    Kind,
    LogLevel,
    OneOf,
    PathName,
    Switch,
    Text,
    Whole,
)

KINDS: list[Kind] = [
    Text(),
    Text(optional=True),
    Text(secret=True),
    PathName(),
    Whole(-5, 700),
    Decimal(-3.0, 3.0),
    OneOf(("left", "right")),
    LogLevel(),
    LogLevel(targets=True),
    Arguments(),
    Switch(),
]


class KindTests(SynchronousTestCase):
    """Reading values."""

    def refused(self, kind: Kind, *texts: str) -> None:
        """Assert that none of the texts is a value of the kind."""
        for text in texts:
            self.assertRaises(ValueError, kind.parse, text)

    @given(st.integers(-5, 700))
    def test_whole_inside(self, number: int) -> None:
        """Every whole number of the range is read, with or without blanks around it."""
        kind = Whole(-5, 700)
        self.assertEqual(kind.parse(str(number)), number)
        self.assertEqual(kind.parse(f" {number}\n"), number)

    @given(st.integers(max_value=-6) | st.integers(min_value=701))
    def test_whole_outside(self, number: int) -> None:
        """No whole number outside the range is read, however long it is."""
        self.refused(Whole(-5, 700), str(number))

    def test_whole_form(self) -> None:
        """A whole number is written with plain digits and nothing else."""
        self.assertEqual(Whole(0, 99).parse("+07"), 7)
        self.refused(Whole(0, 99), "", " ", "1.0", "1e1", "1_0", "٣", "0x1", "five", "- 1", "nan")
        self.refused(Whole(0, 99), "9" * 5000)

    @given(st.floats(-3.0, 3.0))
    def test_decimal_inside(self, number: float) -> None:
        """Every number of the range is read as Python writes it."""
        self.assertEqual(Decimal(-3.0, 3.0).parse(repr(number)), number)

    @given(st.floats(max_value=math.nextafter(-3.0, -9)) | st.floats(math.nextafter(3.0, 9)))
    def test_decimal_outside(self, number: float) -> None:
        """The range ends where it says, and infinity is outside of it."""
        self.refused(Decimal(-3.0, 3.0), repr(number))

    def test_decimal_form(self) -> None:
        """What is no finite number is refused."""
        kind = Decimal(-300.0, 3.0)
        self.assertEqual(
            [kind.parse(text) for text in ("-3", ".5", "2.", "-1.5e2")], [-3, 0.5, 2, -150]
        )
        self.refused(
            kind, "", "nan", "NaN", "inf", "-inf", "infinity", "1e999", "1_0", "1,5", "-", "."
        )

    @given(st.sampled_from(sorted(WORDS)), st.data())
    def test_switch_words(self, word: str, data: st.DataObject) -> None:
        """A switch reads its eight words in any mixture of upper and lower case."""
        capitals = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
        mixed = "".join(c.upper() if up else c for c, up in zip(word, capitals, strict=True))
        self.assertEqual(Switch().parse(mixed), word in {"1", "true", "yes", "on"})

    @given(st.text(max_size=6).filter(lambda text: text.strip().lower() not in WORDS))
    def test_switch_other_words(self, text: str) -> None:
        """A switch reads no other word."""
        self.refused(Switch(), text)

    def test_one_of(self) -> None:
        """A choice is read in any case and given in lower case."""
        kind = OneOf(("left", "right"))
        self.assertEqual((kind.parse("LEFT"), kind.parse(" right ")), ("left", "right"))
        self.refused(kind, "", "lef", "left,right")

    def test_log_level(self) -> None:
        """A level is one word, or the bare or most talkative one among directives."""
        expected = {
            "WARN": "warn",
            "trace": "debug",
            "off": "error",
            "warn,rakkr=debug": "warn",
            "hyper=error,rakkr=debug": "debug",
        }
        self.assertEqual({text: LogLevel().parse(text) for text in expected}, expected)
        self.refused(LogLevel(), "", "loud", "=info", "info,", "rakkr=")

    def test_log_targets(self) -> None:
        """Where targets may stand, a bare word that is no level is one, and counts as info."""
        expected = {
            "rakkr_agent": "info",
            "rakkr::jobs": "info",
            "warn,rakkr": "warn",
            "rakkr,hyper=error": "info",
            "rakkr,hyper=debug": "debug",
            "debug": "debug",
        }
        kind = LogLevel(targets=True)
        self.assertEqual({text: kind.parse(text) for text in expected}, expected)
        self.refused(kind, "", "two words", "=info", "info,", "rakkr=", "rakkr=loud")

    def test_arguments(self) -> None:
        """Arguments are kept as they were written, if their quotes are closed; blank is none."""
        for text in ('-D "{device}" -r 8', "''", "it\\'s"):
            self.assertEqual(Arguments().parse(text), text)
        self.assertIsNone(Arguments().parse(" "))
        self.refused(Arguments(), '-D "{device}', "it's", "a\\", "a\nb")

    @given(st.text(st.characters(exclude_categories=["Cc"]), min_size=1).filter(str.strip))
    def test_text(self, text: str) -> None:
        """A text without control characters is kept as it was written."""
        self.assertEqual(Text().parse(text), text)

    def test_text_form(self) -> None:
        """No control character comes in, and no empty text where there must be one."""
        self.refused(Text(), "", "  ", "a\nb", "a\0b", "\x7f")
        self.assertIsNone(Text(optional=True).parse(" "))
        self.refused(Text(optional=True), "a\tb")

    def test_secret_form(self) -> None:
        """A secret can be sent in a header: visible ASCII; blanks around it were never meant."""
        self.assertEqual(Text(secret=True).parse(" a!~\n"), "a!~")
        self.refused(Text(secret=True), "", "a b", "é", "\udc80", "a\r\nX: y")

    def test_path(self) -> None:
        """A path is kept as it was written; one that no file system can hold is refused."""
        self.assertEqual(PathName().parse("a b/~c"), Path("a b/~c"))
        self.assertIsNone(PathName(optional=True).parse(""))
        self.refused(PathName(), "", " ", "a\0b")

    @given(st.sampled_from(KINDS), st.text())
    def test_refusal_is_a_value_error(self, kind: Kind, text: str) -> None:
        """No text makes reading a value fail in another way than by refusal."""
        with contextlib.suppress(ValueError):
            kind.parse(text)
