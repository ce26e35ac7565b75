"""Tests for ``rakkr.health.detail``."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.detail import (
    NUMBER,
    SWITCH,
    TEXT,
    WHOLE,
    Each,
    Kind,
    OneOf,
    OrNull,
    Record,
    details,
)

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


def wrong(kind: Kind, value: object) -> list[str]:
    """What is wrong with a value that is called ``x``."""
    return list(kind.faults("x", value))


class DetailTests(SynchronousTestCase):
    """Kinds of values, on both sides of what each allows."""

    def test_plain(self) -> None:
        """A kind takes its own and nothing else."""
        fits: dict[Kind, list[object]] = {
            TEXT: ["", "a"],
            WHOLE: [0, -1, 10**20],
            NUMBER: [0, 0.5, -1e300],
            SWITCH: [True, False],
        }
        fits_not: dict[Kind, list[object]] = {
            TEXT: [None, 1, b"a", True],
            WHOLE: [None, 1.0, "1", True],
            NUMBER: [None, "1", False, math.nan, math.inf],
            SWITCH: [None, 0, 1, "true"],
        }
        for kind, values in fits.items():
            for value in values:
                self.assertEqual(wrong(kind, value), [], value)
        for kind, values in fits_not.items():
            for value in values:
                self.assertEqual(len(wrong(kind, value)), 1, value)

    def test_one_of(self) -> None:
        """A value is one of those with its type: a number is no truth value."""
        self.assertEqual(wrong(OneOf((False, "a")), False), [])
        self.assertEqual(wrong(OneOf((False, "a")), "a"), [])
        for value in (0, True, "b", None, ["a"]):
            self.assertEqual(len(wrong(OneOf((False, "a")), value)), 1, value)

    def test_null(self) -> None:
        """What may be null may be, and is judged where it is not."""
        self.assertEqual(wrong(OrNull(TEXT), None), [])
        self.assertEqual(wrong(OrNull(TEXT), "a"), [])
        self.assertEqual(wrong(OrNull(TEXT), 1), ["x is 1, but it must be text"])

    def test_list(self) -> None:
        """Each of a list is judged, and a text is no list of letters."""
        self.assertEqual(wrong(Each(TEXT), []), [])
        self.assertEqual(wrong(Each(TEXT), ("a", "b")), [])
        self.assertEqual(wrong(Each(TEXT), ["a", 1]), ["x[1] is 1, but it must be text"])
        self.assertEqual(len(wrong(Each(TEXT), "ab")), 1)

    def test_record(self) -> None:
        """A member that is missing, unknown or wrong is named."""
        kind = Record(details(a=TEXT, b=WHOLE), details(c=TEXT))
        self.assertEqual(wrong(kind, {"a": "", "b": 1}), [])
        self.assertEqual(wrong(kind, {"a": "", "b": 1, "c": ""}), [])
        self.assertEqual(
            wrong(kind, {"b": "1", "d": 1}),
            [
                "x has no a",
                "x.b is '1', but it must be whole number",
                "x has 'd', which no row of the catalogue has",
            ],
        )
        self.assertEqual(len(wrong(kind, ["a"])), 1)

    @given(ANYTHING)
    def test_anything(self, value: object) -> None:
        """Whatever it is, judging it never fails, and ends in short sentences."""
        inner = Record(details(a=Each(OrNull(NUMBER))), details(b=OneOf((1,))))
        for kind in (TEXT, WHOLE, SWITCH, Each(inner), OrNull(inner), Record({}, {"a": inner})):
            for sentence in wrong(kind, value):
                self.assertLess(len(sentence.splitlines()), 2)
