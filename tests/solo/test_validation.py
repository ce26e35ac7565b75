"""Tests of the checks for what others sent."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo import schemas
from rakkr.solo.validation import (
    Check,
    Invalid,
    Member,
    flag,
    items,
    moment,
    needed,
    number,
    one_of,
    or_null,
    record,
    text,
    whole,
    zulu_moment,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


class CheckTests(SynchronousTestCase):
    def takes(self, check: Check, value: Any, kept: Any) -> None:
        got = check(value, ())
        self.assertEqual((type(got), got), (type(kept), kept))

    def refuses(self, check: Check, *values: Any) -> None:
        for value in values:
            with self.assertRaises(Invalid, msg=repr(value)):
                check(value, ())

    def test_text(self) -> None:
        """A text is trimmed before it is counted, as JavaScript counts."""
        self.takes(text(1, 3), " abc ", "abc")
        self.refuses(text(1, 3), "   ", "abcd", None, 1)
        self.takes(text(1, 2), "\U0001f600", "\U0001f600")
        self.refuses(text(1, 1), "\U0001f600")

    def test_whole(self) -> None:
        """A whole number may be written with a fraction of nothing, and is no text."""
        self.takes(whole(0, 5), 5.0, 5)
        self.refuses(whole(0, 5), -1, 6, 1.5, "1", None, True, float("nan"), float("inf"))

    def test_converted(self) -> None:
        """Where conversion is allowed, texts, null and truth are the numbers JavaScript sees."""
        for given_, kept in (("48000", 48000), (" 1e2 ", 100), (None, 0), ("", 0), (True, 1)):
            self.takes(whole(convert=True), given_, kept)
        self.refuses(whole(convert=True), "1.5", "x", [], {}, "0x", "1_0", "nan", "inf")

    def test_number(self) -> None:
        """Both limits belong to the range."""
        self.takes(number(-160, 24), -160, -160)
        self.takes(number(-160, 24), 24.0, 24.0)
        self.refuses(number(-160, 24), -160.1, 24.1, "0", False, None)

    def test_choices(self) -> None:
        """A choice is exact."""
        self.takes(one_of("a", "b"), "a", "a")
        self.refuses(one_of("a", "b"), "A", " a", None, ["a"])

    def test_flag_and_null(self) -> None:
        """Truth is no number, and null is only what says so."""
        self.takes(flag, False, False)
        self.refuses(flag, 0, "true", None)
        self.takes(or_null(flag), None, None)

    def test_moments(self) -> None:
        """Dates of any zone are read; the strict kind takes nothing but Z."""
        for value in ("2026-01-02T03:04:05+02:00", "2026-01-02", "Fri, 02 Jan 2026 03:04:05 GMT"):
            self.takes(moment, value, value)
            self.refuses(zulu_moment, value)
        self.takes(zulu_moment, "2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.1234567Z")
        self.refuses(moment, "yesterday", "2026-13-01", "", 0, None)
        self.refuses(zulu_moment, "2026-13-02T03:04:05Z", "2026-01-02T03:04:05z")

    def test_items(self) -> None:
        """A list that is too long is refused, or cut where that is the rule."""
        self.takes(items(flag, most=1), [True], [True])
        self.refuses(items(flag, most=1), [True, True], {}, None)
        self.takes(items(flag, most=1, cut=True), [True, "dropped"], [True])
        self.refuses(items(flag, most=2, least=1), [])

    def test_record(self) -> None:
        """Unknown members are dropped or refused, defaults are fresh, null is a value."""
        loose = record(
            {"a": needed(flag), "b": Member(flag), "c": Member(items(flag, most=1), default=list)}
        )
        self.takes(loose, {"a": True, "z": 1}, {"a": True, "c": []})
        self.assertIsNot(loose({"a": True}, ())["c"], loose({"a": True}, ())["c"])
        self.refuses(loose, {}, {"a": True, "b": None}, [], None)
        self.refuses(record({"a": Member(flag)}, strict=True), {"z": 1})

    def test_all_faults(self) -> None:
        """Every fault is told, with its place."""
        check = record({"levels": needed(items(record({"n": needed(whole())}), most=9))})
        with self.assertRaises(Invalid) as caught:
            check({"levels": [{"n": 1}, {"n": "x"}, {}]}, ())
        places = [issue["path"] for issue in caught.exception.issues]
        self.assertEqual(places, [["levels", 1, "n"], ["levels", 2, "n"]])

    @given(anything)
    def test_nothing_else_is_raised(self, value: Any) -> None:
        """Whatever JSON holds, a table takes it or tells what is wrong."""
        tables = (
            schemas.HEARTBEAT,
            schemas.INVENTORY,
            schemas.METER_FRAME,
            schemas.HEALTH_EVENT,
            schemas.NODE_CONFIG,
            schemas.ORDER,
            items(whole(convert=True), most=9),
        )
        for table in tables:
            for wrapped in (value, {"interfaces": value, "levels": value, "details": value}):
                try:
                    table(wrapped, ())
                except Invalid as invalid:
                    self.assertTrue(invalid.issues)
