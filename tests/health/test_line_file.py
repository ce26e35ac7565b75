"""Tests for ``rakkr.health.line_file``."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.line_file import LONGEST_BYTES, append_line, count_lines, extent_of, read_lines
from tests.health.breaking import Breaking

LINES = st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=20)


class LineFileTests(SynchronousTestCase):
    """Lines in a file."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "log"

    def contents(self, offset: int, most: int = 100, *, growing: bool = True) -> list[bytes]:
        """What is read from an offset on."""
        found = read_lines(self.path, offset, most, growing=growing)
        return [line.content for line in found]

    def test_torn_tail(self) -> None:
        """A line that a crash cut off is ended by the next append, in the same write."""
        self.path.write_bytes(b'{"a":')
        append_line(self.path, b"2\n", os)
        self.assertEqual(self.path.read_bytes(), b'{"a":\n2\n')

    def test_partly_taken(self) -> None:
        """What a full disk took only a part of is taken back."""
        self.path.write_bytes(b"1\n")
        system = Breaking()
        self.patch(system, "write", lambda descriptor, data: os.write(descriptor, data[:2]))
        self.assertRaises(OSError, append_line, self.path, b"222\n", system)
        self.assertEqual(self.path.read_bytes(), b"1\n")

    def test_growing(self) -> None:
        """The unfinished last line of a file that grows is waited for; elsewhere it is a line."""
        self.path.write_bytes(b"1\n2")
        self.assertEqual(self.contents(0), [b"1"])
        self.assertEqual(self.contents(2), [])
        self.assertEqual(self.contents(0, growing=False), [b"1"])
        self.assertEqual(self.contents(2, growing=False), [b"2"])
        self.assertEqual(self.contents(3, growing=False), [])

    def test_long_lines(self) -> None:
        """A line longer than one read is read whole, up to a limit; beyond it, in pieces."""
        self.path.write_bytes(b"x" * 100_000 + b"\n1\n")
        self.assertEqual(self.contents(0), [b"x" * 100_000, b"1"])
        self.path.write_bytes(b"y" * (LONGEST_BYTES + 1) + b"\n1\n")
        self.assertEqual(len(self.contents(0)[0]), LONGEST_BYTES)
        self.assertEqual(self.contents(LONGEST_BYTES), [b"y", b"1"])

    def test_count(self) -> None:
        """Lines are counted from an offset on."""
        self.path.write_bytes(b"1\n22\n3\n")
        self.assertEqual([count_lines(self.path, offset) for offset in (0, 2, 5, 7)], [3, 2, 1, 0])

    def test_extent(self) -> None:
        """A file is known by its first line; one without a whole line is not known."""
        self.path.write_bytes(b"1")
        self.assertEqual((extent_of(self.path).source, extent_of(self.path).size), (None, 1))
        append_line(self.path, b"2\n", os)
        known = extent_of(self.path).source
        self.assertIsNotNone(known)
        append_line(self.path, b"3\n", os)
        self.assertEqual(extent_of(self.path).source, known)

    def test_same_beginning(self) -> None:
        """Two files whose first records begin with the same long details are told apart."""
        sources = set()
        for number in (1, 2):
            self.path.write_bytes(b'{"details":"%s","id":"%d"}\n' % (b"x" * 60_000, number))
            sources.add(extent_of(self.path).source)
        self.assertEqual(len(sources), 2)

    @given(LINES, st.integers(1, 5))
    def test_all_are_read(self, lines: list[bytes], most: int) -> None:
        """Whatever was written comes back, in pieces of any number."""
        self.path.unlink(missing_ok=True)
        for line in [b"first", *lines]:
            append_line(self.path, line + b"\n", os)
        offset, found = 0, []
        while some := read_lines(self.path, offset, most, growing=True):
            self.assertLessEqual(len(some), most)
            found += [line.content for line in some]
            offset = some[-1].behind
        self.assertEqual(found, [b"first", *lines])
