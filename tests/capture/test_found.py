"""Finding the program of a capture that another agent began."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.found import Found, find
from rakkr.capture.trace import Trace
from rakkr.process_identity import ProcessIdentity
from tests.test_process_identity import FakeProc

_BOOT = "c39645cf-2194-4e10-8f88-d4c5e6d12cbe"


class FindTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have the files of a capture, and a directory like ``/proc``."""
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.proc = FakeProc(self.directory / "proc")
        for name in ("take.raw.wav", "take.stderr.log"):
            (self.directory / name).touch()

    def trace(self, *, pid: int | None = None, boot: str = _BOOT) -> Trace:
        """Say what was written down."""
        return Trace(
            path=self.directory / "take.raw.wav",
            messages=self.directory / "take.stderr.log",
            leash=self.directory / "take.leash",
            exit=self.directory / "take.exit",
            owner="agent",
            format="S16_LE",
            rate=48000,
            channels=2,
            argv=("arecord",),
            device="hw:0",
            ends_itself=False,
            planned=1,
            wanted=1,
            boot_id=boot,
            identity=None if pid is None else ProcessIdentity(pid, 500, boot),
            spawned_at=1.0,
        )

    def writer(self, pid: int, name: str, group: int, flags: int = os.O_RDWR) -> None:
        """Have a process with one of the files open."""
        process = self.proc.process(pid, group=group)
        self.proc.opens(process, 1, self.directory / name, flags)

    def find(self, trace: Trace) -> Found | None:
        """Look for it."""
        return find(trace, self.proc.path)

    def test_the_one_that_was_written_down(self) -> None:
        """A process that was written down and lives is the one, and is asked as a group."""
        self.proc.process(7, group=7)
        self.writer(8, "take.stderr.log", group=7)
        identity = ProcessIdentity(7, 500, _BOOT)
        self.assertEqual(self.find(self.trace(pid=7)), Found(identity, 7))

    def test_none_was_written_down(self) -> None:
        """The leader of those who write the program's messages is the one."""
        self.writer(8, "take.stderr.log", group=9)
        self.writer(9, "take.stderr.log", group=9)
        self.assertEqual(self.find(self.trace()), Found(ProcessIdentity(9, 500, _BOOT), 9))

    def test_one_that_lost_its_shim(self) -> None:
        """A program whose shim is dead is the one itself; its group is known from the shim."""
        self.proc.process(7, group=7, state="Z")
        self.writer(8, "take.raw.wav", group=7)
        self.assertEqual(self.find(self.trace(pid=7)), Found(ProcessIdentity(8, 500, _BOOT), 7))

    def test_one_of_another_group(self) -> None:
        """A writer in a group that is not surely the capture's is asked alone."""
        self.writer(8, "take.raw.wav", group=5)
        for pid in (None, 7):
            found = self.find(self.trace(pid=pid))
            self.assertEqual(found, Found(ProcessIdentity(8, 500, _BOOT), 8))

    def test_nobody(self) -> None:
        """Who only reads the files does not capture."""
        self.writer(8, "take.raw.wav", group=8, flags=os.O_RDONLY)
        self.writer(9, "take.stderr.log", group=9, flags=os.O_RDONLY)
        self.assertIsNone(self.find(self.trace(pid=7)))
        self.assertIsNone(self.find(self.trace()))

    def test_another_boot(self) -> None:
        """After a boot nobody captures any more, whoever has the number or the file now."""
        self.proc.process(7)
        self.writer(8, "take.raw.wav", group=8)
        self.assertIsNone(self.find(self.trace(pid=7, boot="another")))
