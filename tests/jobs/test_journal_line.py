"""Tests for ``rakkr.jobs.journal_line``."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.journal_line import encode_line, read_lines

RECORDS = st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b" ")), max_size=8)


def content_of(records: list[bytes]) -> bytes:
    """A file with these records."""
    return b"".join(encode_line(number, record) for number, record in enumerate(records, 1))


class LineTests(SynchronousTestCase):
    """How far a file is good."""

    def test_form(self) -> None:
        """A line is the checksum of what follows it, its number, and the record."""
        self.assertEqual(encode_line(3, b"{}"), b"%08x 3 {}\n" % zlib.crc32(b"3 {}"))

    @given(RECORDS)
    def test_whole(self, records: list[bytes]) -> None:
        """A whole file is good to its end."""
        content = content_of(records)
        found = read_lines(content)
        self.assertEqual(found.records, tuple(records))
        self.assertEqual((found.length, found.damaged), (len(content), False))

    @given(RECORDS, st.data())
    def test_cut_off(self, records: list[bytes], data: st.DataObject) -> None:
        """A file that was cut off anywhere is good up to the last whole line before."""
        content = content_of(records)
        cut = data.draw(st.integers(0, len(content)))
        found = read_lines(content[:cut])
        self.assertEqual(found.records, tuple(records[: len(found.records)]))
        self.assertEqual(found.length, len(content_of(records[: len(found.records)])))
        self.assertEqual(len(found.records), content[:cut].count(b"\n"))
        self.assertEqual(found.damaged, found.length < cut)

    @given(RECORDS, st.data())
    def test_spoilt(self, records: list[bytes], data: st.DataObject) -> None:
        """One byte that changed spoils its own line and all behind it, and none before."""
        content = content_of(records)
        if not content:
            return
        place = data.draw(st.integers(0, len(content) - 1))
        flipped = content[place] ^ data.draw(st.integers(1, 255))
        found = read_lines(content[:place] + bytes([flipped]) + content[place + 1 :])
        intact = content[:place].count(b"\n")
        self.assertEqual(found.records, tuple(records[:intact]))
        self.assertTrue(found.damaged)

    def test_out_of_turn(self) -> None:
        """A line that is good in itself ends the good part when its number does not follow."""
        one, two, three = (encode_line(number, b"x") for number in (1, 2, 3))
        self.assertEqual(read_lines(two).records, ())
        self.assertEqual(read_lines(one + three).records, (b"x",))
        self.assertEqual(read_lines(one + one).records, (b"x",))
        self.assertEqual(len(read_lines(one + two + three).records), 3)

    @given(st.binary(max_size=60))
    def test_rubbish(self, content: bytes) -> None:
        """What is no journal has no records, and reading it does not fail."""
        self.assertEqual(read_lines(content).records, ())
