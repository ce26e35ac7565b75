"""Processes that are not our children."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.internet.interfaces import IReadDescriptor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from rakkr.adopted_process import AdoptedProcess, adopt
from rakkr.ladder import Exit, Ladder
from rakkr.process_identity import ProcessIdentity
from tests.fakes.processes import FakeReactor, FakeWatcher

_PID, _START = 77, 500
_LADDER = Ladder("INT", grace=3.0, give_up=2.0)


class AdoptedProcessTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a process that lives, and see what it gets."""
        self.proc = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.proc / str(_PID)).mkdir()
        self.set_state("S")
        self.clock = FakeReactor()
        self.watcher = FakeWatcher()
        self.sent: list[tuple[str, int, int]] = []
        self.leads = True
        self.pidfds: list[int] = []

    def set_state(self, state: str, start: int = _START) -> None:
        """Let it be in this state."""
        numbers = " ".join(["0"] * 18)
        text = f"{_PID} (prog) {state} {numbers} {start} 0\n"
        (self.proc / str(_PID) / "stat").write_text(text, encoding="ascii")

    def open_pidfd(self, pid: int) -> int:
        """Give a descriptor that stands for it."""
        self.assertEqual(pid, _PID)
        self.pidfds.append(os.open(os.devnull, os.O_RDONLY))
        return self.pidfds[-1]

    def to_one(self, pid: int, number: int) -> None:
        """Take a signal to the process."""
        self.sent.append(("process", pid, number))

    def to_group(self, group: int, number: int) -> None:
        """Take a signal to the group."""
        if not self.leads:
            raise ProcessLookupError
        self.sent.append(("group", group, number))

    def adopt(self, *, watched: bool = True) -> AdoptedProcess:
        """Adopt it."""
        return adopt(
            ProcessIdentity(_PID, _START, ""),
            self.clock,
            _LADDER,
            group=_PID,
            watcher=self.watcher if watched else None,
            proc=self.proc,
            open_pidfd=self.open_pidfd,
            send=(self.to_one, self.to_group),
        )

    def gone(self, process: AdoptedProcess) -> None:
        """See that its end is known, and that nothing is left behind."""
        self.assertEqual(self.successResultOf(process.when_ended()), Exit(unknown=True))
        self.nothing_left()
        self.assertIsNone(process.pid)

    def nothing_left(self) -> None:
        """See that there is no timer, no reader, and no descriptor."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.watcher.getReaders(), [])
        for each in self.pidfds:
            self.assertRaises(OSError, os.fstat, each)

    def test_its_end_is_seen(self) -> None:
        """A process whose pidfd can be read is gone, and nobody knows how it ended."""
        process = self.adopt()
        self.assertEqual(process.pid, _PID)
        (death,) = self.watcher.getReaders()
        verifyObject(IReadDescriptor, death)
        self.assertEqual(death.fileno(), self.pidfds[0])
        self.assertNoResult(process.when_ended())
        death.doRead()
        self.gone(process)
        self.assertEqual(self.sent, [])

    def test_one_that_is_gone_already(self) -> None:
        """A process that is dead, or whose number is another's, has ended at once."""
        self.set_state("Z")
        self.gone(self.adopt())
        self.set_state("S", start=_START + 1)
        self.gone(self.adopt())
        self.assertEqual(self.pidfds, [])

    def test_one_that_goes_while_we_come(self) -> None:
        """A process that ends before its pidfd is open is not taken for another of its number."""

        def open_pidfd(pid: int) -> int:
            self.set_state("S", start=_START + 1)
            return AdoptedProcessTests.open_pidfd(self, pid)

        self.open_pidfd = open_pidfd  # type: ignore[method-assign]
        self.gone(self.adopt())
        self.assertEqual(len(self.pidfds), 1)

    def test_without_pidfds(self) -> None:
        """Where a pidfd cannot be had, the process is looked for, and its end is seen soon."""

        def refuse(pid: int) -> int:
            raise OSError(38, "Function not implemented")

        for watched in (True, False):
            self.set_state("S")
            self.open_pidfd = refuse  # type: ignore[method-assign]
            process = self.adopt(watched=watched)
            self.clock.pump([0.1] * 10)
            self.assertNoResult(process.when_ended())
            self.set_state("Z")
            self.clock.advance(0.2)
            self.gone(process)

    def test_the_ladder(self) -> None:
        """A stop asks the whole group, kills it after the grace, and gives up at last."""
        process = self.adopt()
        process.stop()
        process.stop()
        self.assertEqual(self.sent, [("group", _PID, 2)])
        self.clock.advance(2.99)
        self.assertEqual(len(self.sent), 1)
        self.clock.advance(0.01)
        self.assertEqual(self.sent[1:], [("group", _PID, 9)])
        self.clock.advance(1.99)
        self.assertNoResult(process.when_ended())
        self.clock.advance(0.01)
        self.assertTrue(self.successResultOf(process.when_ended()).abandoned)
        self.nothing_left()

    def test_one_that_leads_no_group(self) -> None:
        """A process without a group of its own gets the signal itself."""
        self.leads = False
        self.adopt().stop()
        self.assertEqual(self.sent, [("process", _PID, 2)])
        self.adopt().let_go()

    def test_no_signal_for_another(self) -> None:
        """When the number has become another's, nothing is sent to it."""
        process = self.adopt()
        self.set_state("S", start=_START + 1)
        process.stop()
        self.clock.advance(3.0)
        self.assertEqual(self.sent, [])
        self.watcher.getReaders()[0].doRead()
        self.gone(process)

    def test_let_go(self) -> None:
        """A process that is let go is neither watched nor killed any more."""
        process = self.adopt()
        process.stop()
        process.let_go()
        self.nothing_left()
        process.stop()
        left = self.adopt()
        left.let_go()
        left.stop()
        self.nothing_left()
        self.assertEqual(len(self.sent), 1)
        polled = self.adopt(watched=False)
        polled.let_go()
        self.nothing_left()
        self.assertIsNone(polled.exit)

    def test_a_sentence(self) -> None:
        """An end that nobody knows can be said in words, and is no good one."""
        self.assertEqual(str(Exit(unknown=True)), "it ended, and nobody knows how")
        self.assertFalse(Exit(unknown=True).ok)
