"""Tests for ``rakkr.health.position``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.position import (
    HEAD_BYTES,
    OLDEST,
    BadCursor,
    Extent,
    Position,
    fingerprint,
    has_passed,
    locate,
    newest_source,
)

FILES = [Extent("a", 10), Extent(None, 3), Extent("b", 20)]


class CursorTests(SynchronousTestCase):
    """Positions as they are kept."""

    @given(st.text(max_size=40), st.integers(0, 1 << 50), st.text(max_size=40))
    def test_round_trip(self, source: str, offset: int, mark: str) -> None:
        """What is written is read."""
        position = Position(source, offset, mark)
        self.assertEqual(Position.decode(position.encode()), position)

    @given(st.binary(max_size=200))
    def test_damage(self, content: bytes) -> None:
        """Anything else is a named error, and no other."""
        self.assertRaises(BadCursor, Position.decode, content)

    @given(st.integers(0, 60))
    def test_cut(self, length: int) -> None:
        """A file that was cut short is damaged."""
        whole = Position("abc", 17, "id").encode()
        self.assertRaises(BadCursor, Position.decode, whole[: min(length, len(whole) - 2)])

    def test_nonsense(self) -> None:
        """Members of the wrong kind, and versions to come, are refused."""
        for content in (
            b'{"version": 2, "source": "a", "offset": 1, "mark": ""}',
            b'{"version": 1, "source": 1, "offset": 1, "mark": ""}',
            b'{"version": 1, "source": "a", "offset": -1, "mark": ""}',
            b'{"version": 1, "source": "a", "offset": true, "mark": ""}',
            b'{"version": 1, "source": "a", "offset": 1.5, "mark": ""}',
            b"[]",
        ):
            self.assertRaises(BadCursor, Position.decode, content)


class FingerprintTests(SynchronousTestCase):
    """How a file is recognised."""

    def test_whole_first_line(self) -> None:
        """A file is recognised from the moment on at which its first line is whole."""
        self.assertIsNone(fingerprint(b""))
        self.assertIsNone(fingerprint(b'{"id":'))
        self.assertIsNotNone(fingerprint(b'{"id":\n'))

    @given(st.binary(min_size=1, max_size=60), st.binary(max_size=60))
    def test_appends(self, first: bytes, more: bytes) -> None:
        """No append changes it."""
        whole = first.replace(b"\n", b"") + b"\n"
        self.assertEqual(fingerprint(whole), fingerprint(whole + more))

    def test_long_first_line(self) -> None:
        """A first line that does not end within the head is recognised by the head."""
        head = b"x" * HEAD_BYTES
        self.assertIsNone(fingerprint(head[:-1]))
        self.assertEqual(fingerprint(head), fingerprint(head + b"y\n"))
        self.assertNotEqual(fingerprint(head), fingerprint(b"y" * HEAD_BYTES))


class LocateTests(SynchronousTestCase):
    """Positions among files that were renamed meanwhile."""

    def test_found(self) -> None:
        """A position is found in its file, wherever that is now."""
        self.assertEqual(locate(Position("b", 7), FILES), (2, 7))
        self.assertEqual(locate(Position("b", 7), FILES[2:]), (0, 7))

    def test_end(self) -> None:
        """The end of a file is a place; what is beyond it was there once, and is read anew."""
        self.assertEqual(locate(Position("b", 20), FILES), (2, 20))
        self.assertEqual(locate(Position("b", 21), FILES), (2, 0))

    def test_lost(self) -> None:
        """A position whose file is gone is before all others, and so is the very beginning."""
        self.assertEqual(locate(Position("gone", 7), FILES), (0, 0))
        self.assertEqual(locate(OLDEST, FILES), (0, 0))
        self.assertEqual(locate(Position("b", 7), []), (0, 0))

    def test_taken_away(self) -> None:
        """A position whose file somebody took away is behind the file before it."""
        self.assertEqual(locate(Position("gone", 7, "a"), FILES), (1, 0))
        self.assertEqual(locate(Position("gone", 7, "b"), FILES), (3, 0))
        self.assertTrue(has_passed(Position("gone", 7, "b"), FILES, 2))
        self.assertEqual(locate(Position("b", 7, "a"), FILES), (2, 7))

    def test_copy(self) -> None:
        """Of a file and a copy of it, the younger one counts."""
        self.assertEqual(locate(Position("a", 7), [FILES[0], FILES[2], FILES[0]]), (2, 7))

    def test_newest(self) -> None:
        """The youngest file that can be recognised."""
        self.assertEqual(
            [newest_source(FILES[:number]) for number in range(4)], ["", "a", "a", "b"]
        )

    def test_passed(self) -> None:
        """A file is passed when the position is at its end, or in a younger one."""
        self.assertFalse(has_passed(Position("a", 9), FILES, 0))
        self.assertTrue(has_passed(Position("a", 10), FILES, 0))
        self.assertFalse(has_passed(Position("a", 10), FILES, 1))
        self.assertTrue(has_passed(Position("b", 1), FILES, 1))
        self.assertFalse(has_passed(Position("gone", 10), FILES, 0))
