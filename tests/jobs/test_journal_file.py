"""Tests for ``rakkr.jobs.journal_file``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.journal_file import JournalFile, NotWritten
from rakkr.jobs.journal_line import encode_line, read_lines
from tests.fakes.disk import failing_disk, outage

RECORDS = st.lists(
    st.binary(max_size=20).map(lambda text: text.replace(b"\n", b" ")), min_size=1, max_size=6
)
ON_DISK = ("rakkr.jobs.journal_file", "rakkr.durable")


def copies() -> tuple[Path, Path]:
    """Two files in directories that are not there yet."""
    directory = Path(tempfile.mkdtemp())
    return directory / "a" / "jobs" / "j.jsonl", directory / "b" / ".journal" / "j.jsonl"


def written(paths: tuple[Path, Path], *records: bytes) -> JournalFile:
    """A journal with these records on the disk."""
    file = JournalFile(paths)
    for record in records:
        file.append([record])
    return file


class AppendTests(SynchronousTestCase):
    """A journal whose disks are well."""

    def test_both(self) -> None:
        """Each record is a line in both copies, in directories that were not there."""
        paths = copies()
        file = written(paths, b"one", b"two")
        for path in paths:
            self.assertEqual(path.read_bytes(), encode_line(1, b"one") + encode_line(2, b"two"))
        self.assertEqual(file.records, (b"one", b"two"))
        self.assertTrue(file.durable)

    def test_several(self) -> None:
        """Several records at once are several lines."""
        paths = copies()
        JournalFile(paths).append([b"one", b"two"])
        self.assertEqual(JournalFile.load(paths).records, (b"one", b"two"))

    def test_goes_on(self) -> None:
        """A journal that was loaded is appended to."""
        paths = copies()
        written(paths, b"one")
        JournalFile.load(paths).append([b"two"])
        self.assertEqual(JournalFile.load(paths).records, (b"one", b"two"))
        self.assertEqual(paths[0].read_bytes(), paths[1].read_bytes())

    def test_synced(self) -> None:
        """Every append syncs both files, and the first one their directories as well."""
        paths = copies()
        file = JournalFile(paths)
        with (
            mock.patch("rakkr.jobs.journal_file.os.fdatasync") as content,
            mock.patch("rakkr.jobs.journal_file.sync_directory") as names,
        ):
            file.append([b"one"])
            self.assertEqual(content.call_count, 2)
            self.assertEqual([call.args[0] for call in names.mock_calls], [p.parent for p in paths])
            file.append([b"two"])
            self.assertEqual(content.call_count, 4)
            self.assertEqual(names.call_count, 2)

    def test_short_writes(self) -> None:
        """A disk that takes a byte at a time takes everything."""
        paths = copies()
        from os import pwrite

        with mock.patch(
            "rakkr.jobs.journal_file.os.pwrite", lambda fd, text, at: pwrite(fd, text[:1], at)
        ):
            written(paths, b"one")
            self.assertEqual(JournalFile.load(paths).records, (b"one",))

    def test_nothing(self) -> None:
        """Files that are not there are an empty journal, and reading makes none."""
        paths = copies()
        self.assertEqual(JournalFile.load(paths).records, ())
        self.assertFalse(paths[0].parent.exists())

    def test_remove(self) -> None:
        """Both copies go, also when one is gone already."""
        paths = copies()
        file = written(paths, b"one")
        paths[1].unlink()
        file.remove()
        self.assertFalse(paths[0].exists())


class DamageTests(SynchronousTestCase):
    """One of the copies is spoilt, and nothing is lost."""

    def survives(self, records: list[bytes], damage: Callable[[Path], None], which: int) -> None:
        """All records come back, and after one more both copies are whole again."""
        paths = copies()
        written(paths, *records)
        damage(paths[which])
        file = JournalFile.load(paths)
        self.assertEqual(file.records, tuple(records))
        self.assertTrue(file.durable)
        file.append([b"more"])
        for path in paths:
            found = read_lines(path.read_bytes())
            self.assertEqual((found.records, found.damaged), ((*records, b"more"), False))

    @given(RECORDS, st.booleans(), st.data())
    def test_cut_off(self, records: list[bytes], which: bool, data: st.DataObject) -> None:
        """A copy may be cut off at any byte."""

        def cut(path: Path) -> None:
            content = path.read_bytes()
            path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

        self.survives(records, cut, int(which))

    @given(RECORDS, st.booleans(), st.binary(max_size=40))
    def test_rubbish(self, records: list[bytes], which: bool, rubbish: bytes) -> None:
        """Anything may stand behind its last line."""
        self.survives(
            records, lambda path: _overwrite(path, path.read_bytes() + rubbish), int(which)
        )

    @given(RECORDS, st.booleans(), st.data())
    def test_flipped(self, records: list[bytes], which: bool, data: st.DataObject) -> None:
        """Any byte of it may have changed."""

        def flip(path: Path) -> None:
            content = bytearray(path.read_bytes())
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
            path.write_bytes(content)

        self.survives(records, flip, int(which))

    @given(RECORDS, st.booleans(), st.binary(max_size=40))
    def test_replaced(self, records: list[bytes], which: bool, other: bytes) -> None:
        """It may be another file altogether."""
        self.survives(records, lambda path: _overwrite(path, other), int(which))

    @given(RECORDS, st.booleans())
    def test_deleted(self, records: list[bytes], which: bool) -> None:
        """It may be gone, with its directory."""

        def delete(path: Path) -> None:
            path.unlink()
            path.parent.rmdir()

        self.survives(records, delete, int(which))

    def test_differ(self) -> None:
        """Of two good copies that differ the longer one counts, and the other is written anew."""
        paths = copies()
        written((paths[0], paths[0]), b"one", b"two")
        written((paths[1], paths[1]), b"one", b"other", b"three")
        file = JournalFile.load(paths)
        self.assertEqual(file.records, (b"one", b"other", b"three"))
        file.append([b"four"])
        self.assertEqual(paths[0].read_bytes(), paths[1].read_bytes())

    def test_under_us(self) -> None:
        """A copy that is cut or deleted while the agent lives is there again after one append."""
        paths = copies()
        file = written(paths, b"one", b"two")
        paths[0].unlink()
        paths[1].write_bytes(paths[1].read_bytes()[:5])
        file.append([b"three"])
        for path in paths:
            self.assertEqual(read_lines(path.read_bytes()).records, (b"one", b"two", b"three"))

    def test_unreadable(self) -> None:
        """A copy that cannot be read does no harm; that none can be is an error."""
        paths = copies()
        written(paths, b"one")
        paths[0].unlink()
        paths[0].mkdir()
        file = JournalFile.load(paths)
        self.assertEqual(file.records, (b"one",))
        self.assertEqual(set(file.append([b"two"])), {paths[0]})
        paths[1].unlink()
        self.assertRaises(OSError, JournalFile.load, paths)


class FullDiskTests(SynchronousTestCase):
    """Disks that take nothing for a while."""

    records = tuple(b"record %d" % number for number in range(5))

    def append_all(self, file: JournalFile, paths: tuple[Path, Path]) -> int:
        """Append one after another; what is on the disk is always a beginning of it."""
        refused = 0
        for number, record in enumerate(self.records, 1):
            try:
                file.append([record])
            except NotWritten:
                refused += 1
                self.assertFalse(file.durable)
            else:
                self.assertTrue(file.durable)
                self.assertEqual(JournalFile.load(paths).records, self.records[:number])
            on_disk = JournalFile.load(paths).records
            self.assertEqual(on_disk, self.records[: len(on_disk)])
        return refused

    def calls(self) -> int:
        """How often the disk is asked when nothing fails."""
        paths = copies()
        with failing_disk(*ON_DISK) as disk:
            self.append_all(JournalFile(paths), paths)
        return disk.calls

    def test_every_single_call(self) -> None:
        """Whichever one call fails, the other copy took the record, and both are whole after."""
        for failing in range(self.calls()):
            paths = copies()
            file = JournalFile(paths)
            with failing_disk(*ON_DISK, fails=outage(failing, 1)):
                self.assertEqual(self.append_all(file, paths), 0)
            self.assertEqual(file.append(), {})
            for path in paths:
                self.assertEqual(read_lines(path.read_bytes()).records, self.records)

    def test_every_outage(self) -> None:
        """From whichever call on and for however long: nothing is reordered, nothing is lost."""
        refused = 0
        for first in range(self.calls()):
            for length in (2, 3, 6, 9, 1000):
                paths = copies()
                file = JournalFile(paths)
                with failing_disk(*ON_DISK, fails=outage(first, length)):
                    refused += self.append_all(file, paths)
                self.assertEqual(file.append(), {})
                self.assertTrue(file.durable)
                for path in paths:
                    found = read_lines(path.read_bytes())
                    self.assertEqual((found.records, found.damaged), (self.records, False))
        self.assertGreater(refused, 100)  # else nothing was tried

    def test_one_copy(self) -> None:
        """A copy that cannot be written is named, and the other one counts."""
        paths = copies()
        paths[0].parent.parent.mkdir()
        paths[0].parent.write_text("no directory")
        file = JournalFile(paths)
        self.assertEqual(set(file.append([b"one"])), {paths[0]})
        self.assertEqual(JournalFile.load(paths).records, (b"one",))
        paths[0].parent.unlink()
        self.assertEqual(file.append([b"two"]), {})
        self.assertEqual(read_lines(paths[0].read_bytes()).records, (b"one", b"two"))

    def test_no_copy(self) -> None:
        """When no copy can be written, that is an error with the reason of each."""
        paths = copies()
        file = JournalFile(paths)
        with failing_disk(*ON_DISK, fails=lambda _: True):
            error = self.assertRaises(NotWritten, file.append, [b"one"])
        self.assertEqual(set(error.failed), set(paths))
        self.assertIn("No space left", str(error))


def _overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
