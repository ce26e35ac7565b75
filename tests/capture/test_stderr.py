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
        self.messages = Messages.create(self.path)
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
            Messages.create(self.path)

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

    def test_more_than_can_be_understood(self) -> None:
        """Of a flood the beginning and the end are understood, and what lies between is counted."""
        flood = b"overrun!!! (at least 1.0 ms long)\n" * 300_000
        os.write(self.program, b"first words\n" + flood + b"last words\n")
        self.messages.read()
        self.assertEqual(self.path.stat().st_size, 0)
        self.assertEqual(self.messages.text, "first words\nlast words\n")
        self.assertEqual(self.messages.dropouts.count + self.messages.unread, 300_000)
        self.assertGreater(self.messages.dropouts.count, 60_000)
        self.assertGreater(self.messages.unread, 100_000)

    def test_long(self) -> None:
        """A file of more than 1 MiB should be read now."""
        os.write(self.program, b"x" * (1 << 20))
        self.assertFalse(self.messages.long)
        os.write(self.program, b"\n")
        self.assertTrue(self.messages.long)
        self.messages.read()
        self.assertFalse(self.messages.long)

    def test_another_agent_goes_on(self) -> None:
        """An agent that goes on reads no line twice, and keeps what was counted."""
        line = b"overrun!!! (at least 2.0 ms long)\n"
        os.write(self.program, line)
        self.messages.read()
        os.write(self.program, line)
        second = Messages.reopen(self.path, self.messages.at, self.messages.dropouts)
        self.addCleanup(second.close)
        second.read()
        self.assertEqual(second.dropouts, Dropouts(2, 4.0))

    def test_another_agent_and_a_file_that_was_cut(self) -> None:
        """A file that is shorter than it was when it was last noted is all new."""
        os.write(self.program, b"new\n")
        second = Messages.reopen(self.path, 5, Dropouts())
        self.addCleanup(second.close)
        second.read()
        self.assertEqual(second.text, "new\n")

    def test_another_agent_and_no_file(self) -> None:
        """A file that somebody removed costs nothing but its words."""
        self.path.unlink()
        second = Messages.reopen(self.path, 5, Dropouts(1))
        self.addCleanup(second.close)
        second.read(last=True)
        self.assertEqual((second.text, second.dropouts), ("", Dropouts(1)))

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
