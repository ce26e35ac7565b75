"""Tests for ``rakkr.health.jsonl``."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.jsonl import JsonLines
from rakkr.health.position import OLDEST, Position
from rakkr.health.store import Unreadable
from tests.health.breaking import Breaking


class JsonLinesTests(SynchronousTestCase):
    """The log as the contract has it."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "deep" / "events.jsonl"

    def older(self, age: int) -> Path:
        return Path(f"{self.path}.{age}")

    def write(self, lines: JsonLines, *numbers: int) -> None:
        """Append some lines, each in a call of its own."""
        for number in numbers:
            self.assertEqual(lines.append([b"%d\n" % number]).why, None)

    def test_appends(self) -> None:
        """Lines follow one another, in a directory that did not exist."""
        lines = JsonLines(self.path, 0, 3)
        self.assertEqual(lines.append([b"1\n", b"2\n"]).stored, 2)
        self.write(lines, 3)
        self.assertEqual(self.path.read_bytes(), b"1\n2\n3\n")

    def test_one_write_each(self) -> None:
        """Every record is one write, also when several are stored at once."""
        system = Breaking()
        writes: list[bytes] = []

        def write(descriptor: int, content: bytes) -> int:
            writes.append(content)
            return os.write(descriptor, content)

        self.patch(system, "write", write)
        JsonLines(self.path, 0, 3, system=system).append([b"1\n", b"2\n"])
        self.assertEqual(writes, [b"1\n", b"2\n"])

    def test_torn_tail(self) -> None:
        """A line that a crash cut off does not spoil the next one."""
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(b'{"a":')
        self.write(JsonLines(self.path, 0, 3), 2)
        self.assertEqual(self.path.read_bytes(), b'{"a":\n2\n')

    def test_limit(self) -> None:
        """Below the limit a file is appended to; at the limit it is put aside first."""
        lines = JsonLines(self.path, 5, 3)
        self.write(lines, 12, 3)
        self.assertFalse(self.older(1).exists())
        self.write(lines, 4)
        self.assertEqual(self.older(1).read_bytes(), b"12\n3\n")
        self.assertEqual(self.path.read_bytes(), b"4\n")

    def test_limit_within_an_append(self) -> None:
        """The limit counts before each record."""
        JsonLines(self.path, 2, 3).append([b"1\n", b"2\n", b"3\n"])
        self.assertEqual(self.older(2).read_bytes(), b"1\n")

    def test_retained(self) -> None:
        """Only so many older files are kept, the youngest as number 1."""
        self.write(JsonLines(self.path, 1, 2), *range(5))
        self.assertEqual(self.path.read_bytes(), b"4\n")
        self.assertEqual(self.older(1).read_bytes(), b"3\n")
        self.assertEqual(self.older(2).read_bytes(), b"2\n")
        self.assertFalse(self.older(3).exists())

    def test_none_retained(self) -> None:
        """With nothing retained, a full file is deleted."""
        self.write(JsonLines(self.path, 1, 0), 1, 2)
        self.assertEqual(self.path.read_bytes(), b"2\n")
        self.assertFalse(self.older(1).exists())

    def test_never(self) -> None:
        """A limit of 0 never rotates."""
        JsonLines(self.path, 0, 2).append([b"x" * 99 + b"\n"] * 100)
        self.assertEqual(self.path.stat().st_size, 10_000)

    def test_cannot(self) -> None:
        """A log that cannot be written says why, and raises nothing."""
        self.path.mkdir(parents=True)
        appended = JsonLines(self.path, 0, 3).append([b"1\n"])
        self.assertEqual(appended.stored, 0)
        self.assertIn("Is a directory", appended.why or "")
        inside_a_file = self.directory / "file"
        inside_a_file.write_bytes(b"")
        appended = JsonLines(inside_a_file / "log", 0, 3).append([b"1\n"])
        self.assertIsNotNone(appended.why)

    def test_some_of_them(self) -> None:
        """When the disk gets full in the middle, it is known how many there are."""
        system = Breaking()

        def write(descriptor: int, content: bytes) -> int:
            system.full = content == b"3\n"
            return Breaking.write(system, descriptor, content)

        self.patch(system, "write", write)
        appended = JsonLines(self.path, 0, 3, system=system).append([b"1\n", b"2\n", b"3\n"])
        self.assertEqual(appended.stored, 2)
        self.assertEqual(self.path.read_bytes(), b"1\n2\n")

    @given(st.lists(st.binary(min_size=1, max_size=9).map(lambda b: b.replace(b"\n", b"") + b"\n")))
    def test_order(self, written: list[bytes]) -> None:
        """Whatever is written, the files from oldest to youngest hold an unbroken tail of it."""
        path = Path(tempfile.mkdtemp(dir=self.directory)) / "log"
        JsonLines(path, 20, 3).append(written)
        files = [Path(f"{path}.{age}") for age in (3, 2, 1)] + [path]
        held = b"".join(file.read_bytes() for file in files if file.exists())
        self.assertTrue(b"".join(written).endswith(held))
        if written:
            self.assertTrue(held.endswith(written[-1]))


class DeliveringTests(SynchronousTestCase):
    """The log as what is delivered from."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "log"

    def make(self, *, max_bytes: int = 1, retained: int = 1, **more: Any) -> JsonLines:
        """The log of another run of the agent."""
        more = {"undelivered_max_bytes": 1 << 20, "delivers": True} | more
        return JsonLines(self.path, max_bytes, retained, **more)

    def append(self, log: JsonLines, *numbers: int) -> int:
        """Append records; returns how many older ones were given up."""
        appended = log.append([b"%d\n" % number for number in numbers])
        self.assertIsNone(appended.why)
        return appended.given_up

    def read(
        self, log: JsonLines, position: Position, times: int = 100
    ) -> tuple[list[int], Position]:
        """Read on."""
        found = []
        for _ in range(times):
            for record in log.read(position, 50):
                found.append(int(record.line))
                position = record.behind
        return found, position

    def kept(self) -> list[str]:
        """What is kept beside the ordinary files."""
        return sorted(each.name for each in self.directory.glob("*undelivered*"))

    def test_across_rotations(self) -> None:
        """What rotation would have deleted is read first, and deleted when it was delivered."""
        log = self.make()
        self.append(log, *range(6))
        self.assertEqual(self.kept(), [f"log.undelivered.{n}" for n in (1, 2, 3, 4)])
        found, position = self.read(log, log.begin())
        self.assertEqual(found, list(range(6)))
        log.passed(position)
        self.assertEqual(self.kept(), [])

    def test_delivered_is_not_kept(self) -> None:
        """In good times, rotation is what the contract says."""
        log = self.make()
        for number in range(5):
            self.append(log, number)
            _, position = self.read(log, log.begin())
            log.passed(position)
        self.assertEqual(self.kept(), [])

    def test_without_a_controller(self) -> None:
        """Where there has never been a controller, nothing is kept for one."""
        log = self.make(delivers=False)
        self.append(log, *range(5))
        self.assertEqual(
            sorted(each.name for each in self.directory.iterdir()), ["log", "log.1", "log.lock"]
        )

    def test_bounded(self) -> None:
        """What is kept for delivery is bounded; what is given up is counted."""
        log = self.make(undelivered_max_bytes=6)
        self.assertEqual(self.append(log, *range(10)), 5)
        self.assertEqual(len(self.kept()), 3)
        self.assertEqual(self.read(log, log.begin())[0], [5, 6, 7, 8, 9])

    def test_given_up_in_the_middle(self) -> None:
        """What was delivered of a file is not counted as given up."""
        log = self.make(max_bytes=8, undelivered_max_bytes=0)
        self.append(log, 0, 1, 2)
        _, position = self.read(log, log.begin(), times=1)
        log.passed(position)
        self.assertEqual(self.append(log, 3, 4, 5, 6, 7), 0)
        self.assertEqual(self.append(log, 8), 1)
        self.assertEqual(self.read(log, position)[0], [4, 5, 6, 7, 8])

    def test_next_run(self) -> None:
        """Another run goes on where the last one had saved, in whatever file that now is."""
        log = self.make(max_bytes=4, retained=3)
        self.append(log, 0, 1, 2, 3, 4)
        position = log.read(log.begin(), 1)[0].behind
        log.passed(position)
        self.append(log, 5, 6, 7)
        again = self.make(max_bytes=4, retained=3)
        self.assertEqual(again.begin(), position)
        self.assertEqual(self.read(again, again.begin())[0], [1, 2, 3, 4, 5, 6, 7])

    def test_somebody_elses_log(self) -> None:
        """A log without a cursor was sent by whoever wrote it: only what follows is ours."""
        self.path.write_bytes(b"1\n2\n")
        log = self.make(max_bytes=0)
        self.append(log, 3)
        self.assertEqual(self.read(log, log.begin())[0], [3])
        self.assertEqual(self.read(self.make(), log.begin())[0], [3])

    def test_somebody_elses_torn_log(self) -> None:
        """Its last line, which a crash cut off, spoils nothing."""
        self.path.write_bytes(b'1\n{"type":')
        log = self.make(max_bytes=0)
        self.append(log, 3)
        self.assertEqual([each.line for each in log.read(log.begin(), 9)], [b"", b"3"])

    def test_new_log(self) -> None:
        """Without a log and without a cursor, everything is sent from the first record on."""
        log = self.make()
        self.assertEqual(log.begin(), OLDEST)
        self.append(log, 1)
        self.assertEqual(self.read(log, log.begin())[0], [1])

    def test_damaged_cursor(self) -> None:
        """When the cursor is damaged, everything is sent again rather than nothing."""
        log = self.make(max_bytes=0)
        self.append(log, 1, 2)
        _, position = self.read(log, log.begin())
        log.passed(position)
        self.path.with_name("log.cursor").write_bytes(b"")
        again = self.make(max_bytes=0)
        self.assertEqual(self.read(again, again.begin())[0], [1, 2])

    def test_log_was_deleted(self) -> None:
        """When somebody deletes the log, what is written afterwards is sent from the beginning."""
        log = self.make(max_bytes=0)
        self.append(log, 1, 2)
        _, position = self.read(log, log.begin())
        log.passed(position)
        self.path.unlink()
        self.append(log, 3)
        self.assertEqual(self.read(log, position)[0], [3])

    def delivered(self, log: JsonLines, *numbers: int) -> Position:
        """Append, each record into a file of its own, deliver, and save."""
        self.append(log, *numbers)
        _, position = self.read(log, log.begin())
        log.passed(position)
        return position

    def test_active_file_was_taken_away(self) -> None:
        """When somebody takes the active file away, nothing of the older ones is sent again."""
        log = self.make(retained=3)
        position = self.delivered(log, 1, 2, 3)
        self.path.unlink()
        self.assertEqual(self.read(log, position)[0], [])
        self.append(log, 4)
        self.assertEqual(self.read(log, position)[0], [4])
        self.assertEqual(self.read(self.make(retained=3), log.begin())[0], [4])

    def test_copytruncate(self) -> None:
        """Rotation by logrotate's copytruncate, whatever it calls the copy, repeats nothing."""
        for copy in ("log-20261129", "log.1"):
            log = self.make(max_bytes=20, retained=3)
            position = self.delivered(log, *range(10, 23))
            os.replace(self.directory / "log.1", self.directory / "log.2")  # noqa: PTH105
            shutil.copy(self.path, self.directory / copy)
            self.assertEqual(self.read(log, position)[0], [])
            os.truncate(self.path, 0)
            self.assertEqual(self.read(log, position)[0], [])
            self.append(log, 23)
            self.assertEqual(self.read(log, position)[0], [23])
            for each in self.directory.iterdir():
                each.unlink()

    def test_copytruncate_of_undelivered(self) -> None:
        """What was not delivered yet is delivered from the copy."""
        log = self.make(max_bytes=0, retained=3)
        position = self.delivered(log, 1)
        self.append(log, 2)
        shutil.copy(self.path, self.directory / "log.1")
        os.truncate(self.path, 0)
        self.append(log, 3)
        self.assertEqual(self.read(log, position)[0], [2, 3])

    def test_directory_was_removed(self) -> None:
        """When somebody removes the directory, another is made, and one delivers from it."""
        self.path = self.directory / "deep" / "log"
        log = self.make(max_bytes=0)
        self.assertTrue(log.claim())
        position = self.delivered(log, 1)
        shutil.rmtree(self.path.parent)
        self.append(log, 2)
        self.assertEqual(self.read(log, position)[0], [2])
        self.assertTrue(log.claim())
        self.assertFalse(self.make().claim())
        log.close()

    def test_one_delivers(self) -> None:
        """Of two processes one delivers; when it has ended, the other one does."""
        first, second = self.make(), self.make()
        self.assertTrue(first.claim())
        self.assertTrue(first.claim())
        self.assertFalse(second.claim())
        first.close()
        self.assertTrue(second.claim())
        second.close()

    def test_two_write(self) -> None:
        """Two processes that write into one log lose nothing of each other."""
        first, second = self.make(), self.make()
        for number in range(0, 20, 2):
            self.append(first, number)
            self.append(second, number + 1)
        self.assertEqual(self.read(first, first.begin())[0], list(range(20)))

    def test_unreadable(self) -> None:
        """What cannot be read or written is one kind of error."""
        file = self.directory / "file"
        file.write_bytes(b"")
        log = JsonLines(file / "log", 0, 3, 0, True)
        for work in (log.begin, log.claim):
            self.assertRaises(Unreadable, work)
        self.assertRaises(Unreadable, log.read, OLDEST, 1)
        self.assertRaises(Unreadable, log.passed, OLDEST)

    def test_small_pieces(self) -> None:
        """No more is read than was asked for."""
        log = self.make(max_bytes=0)
        log.append([json.dumps(number).encode() + b"\n" for number in range(100)])
        self.assertEqual(len(log.read(OLDEST, 7)), 7)
