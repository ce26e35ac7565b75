"""What a program says, in a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.dropouts import Dropouts
from rakkr.capture.stderr import Messages
from rakkr.capture.wrong_rate import WrongRate


class MessagesTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have the file, and a second descriptor as the program has it."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "a.stderr.log"
        self.messages = Messages(self.path)
        self.program = os.dup(self.messages.descriptor)
        self.addCleanup(os.close, self.program)
        self.addCleanup(self.messages.close)

    def test_lines_count_when_they_are_whole(self) -> None:
        """A line that arrives in two pieces is one line."""
        os.write(self.program, b"overrun!!! (at le")
        self.messages.read()
        self.assertEqual(self.messages.dropouts, Dropouts())
        os.write(self.program, b"ast 2.5 ms long)\nread error\n")
        self.messages.read()
        self.assertEqual(self.messages.dropouts, Dropouts(1, 2.5))
        self.assertEqual(self.messages.text, "read error\n")

    def test_the_last_line_needs_no_end(self) -> None:
        """When the program is gone, a line that it did not finish counts."""
        os.write(self.program, b"killed in mid")
        self.messages.read(last=True)
        self.assertEqual(self.messages.text, "killed in mid\n")

    def test_the_file_is_new(self) -> None:
        """A file of another capture is not taken over."""
        with self.assertRaises(FileExistsError):
            Messages(self.path)

    def test_another_rate_is_heard(self) -> None:
        """A device that delivers another rate is known by both rates, once its line is whole."""
        line = b"Warning: rate is not accurate (requested = 44100Hz, got = 48000Hz)"
        os.write(self.program, line)
        self.messages.read()
        self.assertIsNone(self.messages.wrong_rate)
        os.write(self.program, b"\n         please, try the plug plugin (-Dplug:hw:0)\n")
        self.messages.read()
        self.assertEqual(self.messages.wrong_rate, WrongRate(44100, 48000))

    def test_a_flood_is_counted_and_cut(self) -> None:
        """Tens of thousands of lines are counted, and the file stays short while it is written."""
        line = b"overrun!!! (at least 1.0 ms long)\n"
        for _ in range(4):
            os.write(self.program, line * 40_000)
            self.messages.read()
            self.assertEqual(self.path.stat().st_size, 0)
        self.assertEqual(self.messages.dropouts, Dropouts(160_000, 160_000.0))
        os.write(self.program, b"read error\n")
        self.assertEqual(self.path.read_bytes(), b"read error\n")
        self.messages.read()
        self.assertEqual(self.messages.text, "read error\n")

    def test_what_is_kept_is_bounded(self) -> None:
        """Of long messages the end is kept."""
        os.write(self.program, b"x" * 100_000 + b"\nthe end\n")
        self.messages.read()
        self.assertLessEqual(len(self.messages.text), 8192)
        self.assertTrue(self.messages.text.endswith("the end\n"))

    @given(st.lists(st.binary(max_size=30), max_size=10))
    def test_any_bytes(self, pieces: list[bytes]) -> None:
        """No bytes at all can break the reading."""
        for piece in pieces:
            os.write(self.program, piece)
            self.messages.read()
        self.messages.read(last=True)

    def test_remove(self) -> None:
        """The file can be removed, twice too."""
        self.messages.remove()
        self.messages.remove()
        self.assertFalse(self.path.exists())
