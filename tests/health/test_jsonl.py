"""Tests for ``rakkr.health.jsonl``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.jsonl import JsonLines


class JsonLinesTests(SynchronousTestCase):
    """The local log."""

    def setUp(self) -> None:
        self.path = Path(tempfile.mkdtemp()) / "deep" / "events.jsonl"

    def older(self, age: int) -> Path:
        return Path(f"{self.path}.{age}")

    def test_appends(self) -> None:
        """Lines follow one another, in a directory that did not exist."""
        lines = JsonLines(self.path, 0, 3)
        lines.append(b"1\n")
        lines.append(b"2\n")
        self.assertEqual(self.path.read_bytes(), b"1\n2\n")

    def test_torn_tail(self) -> None:
        """A line that a crash cut off does not spoil the next one."""
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(b'{"a":')
        JsonLines(self.path, 0, 3).append(b"2\n")
        self.assertEqual(self.path.read_bytes(), b'{"a":\n2\n')

    def test_limit(self) -> None:
        """Below the limit a file is appended to; at the limit it is put aside first."""
        lines = JsonLines(self.path, 4, 3)
        lines.append(b"12\n")
        lines.append(b"3\n")
        self.assertFalse(self.older(1).exists())
        lines.append(b"4\n")
        self.assertEqual(self.older(1).read_bytes(), b"12\n3\n")
        self.assertEqual(self.path.read_bytes(), b"4\n")

    def test_retained(self) -> None:
        """Only so many older files are kept, the youngest as number 1."""
        lines = JsonLines(self.path, 1, 2)
        for number in range(5):
            lines.append(b"%d\n" % number)
        self.assertEqual(self.path.read_bytes(), b"4\n")
        self.assertEqual(self.older(1).read_bytes(), b"3\n")
        self.assertEqual(self.older(2).read_bytes(), b"2\n")
        self.assertFalse(self.older(3).exists())

    def test_none_retained(self) -> None:
        """With nothing retained, a full file is deleted."""
        lines = JsonLines(self.path, 1, 0)
        lines.append(b"1\n")
        lines.append(b"2\n")
        self.assertEqual(self.path.read_bytes(), b"2\n")
        self.assertFalse(self.older(1).exists())

    def test_never(self) -> None:
        """A limit of 0 never rotates."""
        lines = JsonLines(self.path, 0, 2)
        for _ in range(100):
            lines.append(b"x" * 99 + b"\n")
        self.assertEqual(self.path.stat().st_size, 10_000)

    @given(st.lists(st.binary(min_size=1, max_size=9).map(lambda b: b.replace(b"\n", b"") + b"\n")))
    def test_order(self, written: list[bytes]) -> None:
        """Whatever is written, the files from oldest to youngest hold an unbroken tail of it."""
        path = Path(tempfile.mkdtemp()) / "log"
        lines = JsonLines(path, 20, 3)
        for line in written:
            lines.append(line)
        files = [Path(f"{path}.{age}") for age in (3, 2, 1)] + [path]
        held = b"".join(file.read_bytes() for file in files if file.exists())
        self.assertTrue(b"".join(written).endswith(held))
        if written:
            self.assertTrue(held.endswith(written[-1]))
