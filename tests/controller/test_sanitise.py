"""The one sanitiser: nothing that it lets out can hurt a controller."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.sanitise import clean, encode, header_text

TEXT = st.text(st.characters(exclude_categories=()))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.binary()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(TEXT | st.integers(), inner)
    ),
    max_leaves=12,
)

PLAIN_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner), max_leaves=12
)


def nulls(value: Any) -> int:
    """Count the nulls inside objects and lists."""
    if isinstance(value, dict):
        value = list(value.values())
    return sum((each is None) + nulls(each) for each in value) if isinstance(value, list) else 0


class CleanTests(SynchronousTestCase):
    """What leaves for the controller."""

    @given(VALUES)
    def test_everything_can_be_sent(self, value: object) -> None:
        """Whatever goes in, JSON in valid UTF-8 without NUL or null members comes out."""
        text = encode(value).decode()
        read = json.loads(text)
        self.assertEqual(nulls(read), 0)
        self.assertNotIn("\\u0000", text)
        self.assertNotIn("\0", text)

    @given(st.dictionaries(st.text("abc"), PLAIN_VALUES))
    def test_nulls_stay(self, value: dict[str, object]) -> None:
        """Where nulls may stay no member is lost, and nothing else changes."""
        kept = clean(value, nulls=True)
        self.assertEqual(kept.keys(), value.keys())
        self.assertEqual(clean(kept), clean(value))
        self.assertEqual(json.loads(encode(value, nulls=True)), kept)

    @given(VALUES)
    def test_once_is_enough(self, value: object) -> None:
        """Cleaning what is clean changes nothing."""
        once = clean(value)
        self.assertEqual(clean(once), once)

    @given(st.lists(st.integers() | st.text("abc")))
    def test_good_data_is_left_alone(self, items: list[Any]) -> None:
        """Ordinary data comes out as it was, in its order and of its types."""
        got = clean({"items": items})["items"]
        self.assertEqual([(type(each), each) for each in got], [(type(e), e) for e in items])

    def test_text(self) -> None:
        """NUL goes and a lone surrogate is replaced, in keys as well; a whole pair is kept."""
        self.assertEqual(clean({"a\0b\udcff": "\0x\ud800"}), {"ab\ufffd": "x\ufffd"})
        self.assertEqual(encode("\U0001f399"), '"\U0001f399"'.encode())

    def test_what_is_dropped(self) -> None:
        """None, NaN and infinities leave no member and no item behind."""
        bad = [None, float("nan"), float("inf"), -float("inf"), 1 << 1024]
        self.assertEqual(
            clean({"bad": bad, "none": None, "nan": bad[1], "x": 1}), {"bad": [], "x": 1}
        )
        self.assertEqual([clean(each) for each in bad], [None] * 5)
        self.assertEqual(clean({"a": bad}, nulls=True), {"a": [None] * 5})
        self.assertEqual(clean((1 << 1023) - 1), (1 << 1023) - 1)

    def test_numbers(self) -> None:
        """Whole numbers stay whole, also another library's; True is no 1."""
        got = clean([np.int64(3), np.float32(0.5), True, 2, np.float64("nan")])
        self.assertEqual(json.dumps(got), "[3, 0.5, true, 2]")
        self.assertEqual(json.dumps(clean([np.float64(1) > 0, np.bool_(0)])), "[true, false]")

    def test_moments(self) -> None:
        """Every moment is UTC with milliseconds and a trailing Z."""
        moment = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
        for each in (
            moment,
            moment.astimezone(timezone(timedelta(hours=2))),
            moment.replace(tzinfo=None),
        ):
            self.assertEqual(clean(each), "2026-01-02T03:04:05.679Z")

    def test_strangers(self) -> None:
        """What JSON does not know becomes text rather than an error."""
        self.assertEqual(clean({"path": ValueError("no\0")}), {"path": "no"})
        self.assertEqual(clean(b"\xff\0a"), "\ufffda")


class HeaderTests(SynchronousTestCase):
    """Text that goes into a header."""

    @given(TEXT, st.integers(0, 50))
    def test_any_text_fits(self, text: str, limit: int) -> None:
        """One line of printable ASCII comes out, within the limit; again changes nothing."""
        got = header_text(text, limit)
        self.assertLessEqual(len(got), limit)
        self.assertTrue(all(" " <= each <= "~" for each in got))
        self.assertEqual(got, got.strip())
        self.assertEqual(header_text(got, limit), got)

    def test_examples(self) -> None:
        """Lines become one, accents go, the limit is one kilobyte."""
        self.assertEqual(header_text("arecord:\r\n  busy\tDevice é 录"), "arecord: busy Device e ?")
        self.assertEqual(len(header_text("x" * 2000)), 1000)
