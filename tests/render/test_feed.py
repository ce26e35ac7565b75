"""The feeder: bytes of files and of silence, to a pipe."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.render import feed

SILENCE = b"\x01\x02\x03"
CONTENT = bytes(range(251)) * 40


class FeedTests(SynchronousTestCase):
    """Exactly the bytes of the pieces come out, in their order."""

    def setUp(self):
        """Have a file with known bytes, blocks of a few of them, and a place for the output."""
        self.folder = Path(mkdtemp())
        self.addCleanup(rmtree, self.folder)
        self.path = self.folder / "a"
        self.path.write_bytes(CONTENT)
        self.patch(feed, "BLOCK_BYTES", 100)

    def piece(self, offset, size, path=None):
        """Order a piece of the file."""
        return {
            "path": os.fsencode(path or self.path).decode("latin-1"),
            "offset": offset,
            "bytes": size,
        }

    def fed(self, *pieces):
        """Return what comes out."""
        out = self.folder / "out"
        with out.open("wb") as file:
            feed.feed({"silence": SILENCE.hex(), "pieces": pieces}, file.fileno())
        return out.read_bytes()

    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 9000), st.integers(0, 1000))))
    def test_any_pieces(self, wanted):
        """Whatever the order, lengths around a block among them, it is all there."""
        pieces, expected = [], b""
        for silent, offset, size in wanted:
            if silent:
                pieces.append({"bytes": 3 * size})
                expected += SILENCE * size
            else:
                pieces.append(self.piece(offset, size))
                expected += CONTENT[offset : offset + size]
        self.assertEqual(self.fed(*pieces), expected)

    def test_blocks(self):
        """A piece may be a little shorter, or a little longer, than blocks are."""
        for size in (1, 99, 100, 101, 199, 200, 201):
            self.assertEqual(self.fed(self.piece(7, size)), CONTENT[7 : 7 + size])
        for samples in (1, 32, 33, 34, 66, 67):
            self.assertEqual(self.fed({"bytes": 3 * samples}), SILENCE * samples)

    def test_to_the_end(self):
        """A piece may end with its file, but not behind it."""
        end = len(CONTENT)
        self.assertEqual(self.fed(self.piece(end - 150, 150)), CONTENT[-150:])
        with self.assertRaisesRegex(feed.Short, f"{self.path} ends 1 bytes before"):
            self.fed(self.piece(end - 150, 151))

    def test_partial_writes(self):
        """A pipe that takes a little at a time gets everything once."""
        taken = []

        def some(_out, block):
            taken.append(bytes(block[:7]))
            return len(taken[-1])

        self.patch(feed, "os", SimpleNamespace(write=some, fsdecode=os.fsdecode))
        feed.feed({"silence": "00", "pieces": [self.piece(3, 250)]}, 1)
        self.assertEqual(b"".join(taken), CONTENT[3:253])


class MainTests(SynchronousTestCase):
    """The exit code and one sentence tell how it ended."""

    def ended(self, orders, error=None):
        """Run it on these orders; return its exit code and what it said."""
        stderr = io.StringIO()
        stdin = SimpleNamespace(buffer=io.BytesIO(json.dumps(orders).encode()))

        def leave(code):
            raise SystemExit(code)

        self.patch(feed, "sys", SimpleNamespace(stdin=stdin, stderr=stderr, exit=leave))

        def write(_out, block):
            if error is not None:
                raise error
            return len(block)

        self.patch(feed, "os", SimpleNamespace(write=write, fsdecode=os.fsdecode))
        code = self.assertRaises(SystemExit, feed.main).code
        return code, stderr.getvalue()

    def test_good(self):
        """All was written: nothing is said."""
        self.assertEqual(self.ended({"silence": "00", "pieces": [{"bytes": 5}]}), (0, ""))

    def test_nobody_reads(self):
        """A closed pipe is ffmpeg's affair, and has a code of its own."""
        orders = {"silence": "00", "pieces": [{"bytes": 5}]}
        self.assertEqual(self.ended(orders, BrokenPipeError()), (feed.NOBODY_READS, ""))

    def test_missing(self):
        """A file that is gone is named."""
        piece = {"path": "/no/such/file", "offset": 0, "bytes": 1}
        self.assertEqual(
            self.ended({"silence": "00", "pieces": [piece]}),
            (1, "/no/such/file: No such file or directory\n"),
        )

    def test_short(self):
        """A file that is too short is named."""
        piece = {"path": "/dev/null", "offset": 0, "bytes": 7}
        self.assertEqual(
            self.ended({"silence": "00", "pieces": [piece]}),
            (1, "/dev/null ends 7 bytes before its piece does\n"),
        )

    def test_bad_disk(self):
        """An error of the system is told in its words."""
        orders = {"silence": "00", "pieces": [{"bytes": 5}]}
        self.assertEqual(self.ended(orders, OSError(5, "Input/output error"))[0], 1)
