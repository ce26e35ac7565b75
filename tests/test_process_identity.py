"""Which process is meant."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.process_identity import (
    ProcessIdentity,
    anybody_in,
    boot_id,
    holders,
    identify,
    lives,
)

_BOOT = "c39645cf-2194-4e10-8f88-d4c5e6d12cbe"


class FakeProc:
    """A directory like ``/proc``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kernel = path / "sys" / "kernel" / "random"
        kernel.mkdir(parents=True)
        (kernel / "boot_id").write_text(f"{_BOOT}\n", encoding="ascii")

    def process(
        self,
        pid: int,
        *,
        name: str = "prog",
        state: str = "S",
        parent: int = 1,
        group: int = 1,
        start: int = 500,
    ) -> Path:
        """Put a process there."""
        made = self.path / str(pid)
        (made / "fd").mkdir(parents=True)
        (made / "fdinfo").mkdir()
        numbers = f"{state} {parent} {group} {group} 0 -1 4194560 " + "0 " * 12 + f"{start} 9 9"
        (made / "stat").write_text(f"{pid} ({name}) {numbers}\n", encoding="utf-8")
        return made

    def opens(self, process: Path, number: int, path: Path, flags: int) -> None:
        """Have it a file open."""
        (process / "fd" / str(number)).symlink_to(path)
        (process / "fdinfo" / str(number)).write_text(f"pos:\t0\nflags:\t0{flags:o}\n", "ascii")


class IdentityTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a directory like ``/proc``."""
        self.proc = FakeProc(Path(self.enterContext(tempfile.TemporaryDirectory())) / "proc")

    def test_identify(self) -> None:
        """A process is known by its number, its start and the boot, whatever its name."""
        for pid, name in enumerate(("prog", "a b", ") S 1 (", "", "ü)"), 10):
            self.proc.process(pid, name=name, start=pid * 7)
            expected = ProcessIdentity(pid, pid * 7, _BOOT)
            self.assertEqual(identify(pid, self.proc.path), expected)

    @given(st.text(st.characters(exclude_characters="\0/", codec="utf-8"), max_size=15))
    def test_any_name(self, name: str) -> None:
        """No name can hide when a process began."""
        directory = tempfile.TemporaryDirectory()
        with directory as place:
            proc = FakeProc(Path(place) / "proc")
            proc.process(7, name=name, start=1234)
            found = identify(7, proc.path)
        self.assertEqual(found, ProcessIdentity(7, 1234, _BOOT))

    def test_nobody(self) -> None:
        """No process, a dead one, and a stat that makes no sense are nobody."""
        self.proc.process(2, state="Z")
        self.proc.process(3, state="X")
        for number, text in ((4, ""), (5, "5 (a) S 1"), (6, "6 (a) S " + "x " * 30)):
            (self.proc.process(number) / "stat").write_text(text, encoding="ascii")
        for pid in (1, 2, 3, 4, 5, 6):
            self.assertIsNone(identify(pid, self.proc.path), pid)

    def test_lives(self) -> None:
        """Only the very same process lives: not another one of its number, nor of another boot."""
        self.proc.process(7)
        identity = ProcessIdentity(7, 500, _BOOT)
        self.assertTrue(lives(identity, self.proc.path))
        for change in ({"pid": 8}, {"start_ticks": 501}, {"boot_id": "another"}):
            other = attrs.evolve(identity, **change)
            self.assertFalse(lives(other, self.proc.path))

    def test_an_unknown_boot(self) -> None:
        """Where the system does not name its boot, the name is empty."""
        self.assertEqual(boot_id(self.proc.path), _BOOT)
        self.assertEqual(boot_id(self.proc.path / "nowhere"), "")

    def test_anybody_in_a_group(self) -> None:
        """A group is empty when all that is left in it is dead."""
        self.proc.process(7, group=7, state="Z")
        self.proc.process(8, group=7, state="Z")
        self.assertFalse(anybody_in(7, self.proc.path))
        self.proc.process(9, group=7)
        self.assertTrue(anybody_in(7, self.proc.path))
        self.assertFalse(anybody_in(8, self.proc.path))

    def test_ourselves(self) -> None:
        """The real system knows this process."""
        me = identify(os.getpid())
        assert me is not None
        self.assertTrue(lives(me))
        self.assertTrue(me.boot_id)
        self.assertGreater(me.start_ticks, 0)
        self.assertTrue(anybody_in(os.getpgrp()))


class HolderTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a file, and a directory like ``/proc``."""
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.proc = FakeProc(self.directory / "proc")
        self.path = self.directory / "file"
        self.path.touch()

    def test_writers_only(self) -> None:
        """Who has the file open for writing holds it; a reader of it does not."""
        other = self.directory / "other"
        other.touch()
        for pid, path, flags in (
            (11, self.path, os.O_WRONLY | os.O_APPEND),
            (5, self.path, os.O_RDWR),
            (7, self.path, os.O_RDONLY),
            (8, other, os.O_RDWR),
        ):
            self.proc.opens(self.proc.process(pid), 3, path, flags)
        self.assertEqual(holders(self.path, self.proc.path), [5, 11])

    def test_not_our_children(self) -> None:
        """A child of ours holds what we held when it was born, until it is another program."""
        for pid, parent in ((5, os.getpid()), (6, 1)):
            process = self.proc.process(pid, parent=parent)
            self.proc.opens(process, 1, self.path, os.O_WRONLY)
        self.assertEqual(holders(self.path, self.proc.path), [6])

    def test_several_descriptors(self) -> None:
        """It is enough when one descriptor of several can write."""
        process = self.proc.process(5)
        self.proc.opens(process, 0, self.path, os.O_RDONLY)
        self.proc.opens(process, 1, self.path, os.O_RDWR)
        self.assertEqual(holders(self.path, self.proc.path), [5])

    def test_what_cannot_be_looked_into(self) -> None:
        """Processes of others, ones that went, and descriptors that were closed are passed over."""
        (self.proc.process(4) / "fd").rmdir()
        process = self.proc.process(5)
        (process / "fd" / "0").symlink_to(self.directory / "gone")
        (process / "fd" / "1").symlink_to(self.path)  # without an fdinfo
        self.assertEqual(holders(self.path, self.proc.path), [])

    def test_no_file(self) -> None:
        """A file that is not there has no holder."""
        self.assertEqual(holders(self.directory / "nowhere", self.proc.path), [])

    def test_not_ourselves(self) -> None:
        """This process does not count, though it has the file open."""
        with self.path.open("wb"):
            self.assertEqual(holders(self.path), [])
