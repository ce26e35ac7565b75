"""Tests for ``rakkr.health.writer``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.desk import HUNG_SECONDS, Desk
from rakkr.health.position import OLDEST, Position
from rakkr.health.problems import OpenProblems
from rakkr.health.store import Appended, Record, Store
from rakkr.health.writer import Writer
from tests.fakes.evidence import Noted
from tests.fakes.threads import FakeThreads


class ListStore:
    """
    A log that is a list.

    :ivar why: what keeps records out, while anything does.
    """

    path = Path("log")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.why: str | None = None
        self.most = 10_000
        self.given_up = 0
        self.set_aside: Path | None = None

    def append(self, lines: Sequence[bytes]) -> Appended:
        stored = [] if self.why else list(lines)[: self.most]
        self.lines += stored
        return Appended(len(stored), self.why, self.given_up, self.set_aside)

    def begin(self) -> Position:
        return OLDEST

    def read(self, after: Position, most: int) -> list[Record]:
        return []

    def passed(self, position: Position) -> None:
        pass

    def claim(self) -> bool:
        return True

    def close(self) -> None:
        pass


_check: type[Store] = ListStore


class WriterTests(SynchronousTestCase):
    """Events on their way into the log."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = ListStore()
        self.threads = FakeThreads()
        self.noted = Noted()
        self.told = 0
        self.writer = Writer(self.clock, Desk(self.threads), self.store, self.noted, self.tell)

    def tearDown(self) -> None:
        self.writer.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def tell(self) -> None:
        self.told += 1

    def test_in_order(self) -> None:
        """What waits is written when it may be, in order, and somebody is told."""
        self.writer.add(b"1")
        self.writer.add(b"2")
        self.assertEqual(self.store.lines, [])
        self.writer.open()
        self.writer.add(b"3")
        self.assertEqual(self.store.lines, [b"1", b"2", b"3"])
        self.assertEqual(self.told, 2)

    def test_never_blocks(self) -> None:
        """While a disk hangs, events only wait, and it is known after a while that it hangs."""
        self.threads.held = []
        self.writer.open()
        for number in range(5):
            self.writer.add(b"%d" % number)
        self.assertTrue(self.writer.busy)
        self.clock.advance(HUNG_SECONDS - 0.1)
        self.assertFalse(self.writer.hung)
        self.clock.advance(0.1)
        self.assertTrue(self.writer.hung)
        self.assertEqual(
            [each.line for each in self.writer.unstored], [b"0", b"1", b"2", b"3", b"4"]
        )
        self.threads.release()
        self.assertFalse(self.writer.hung)
        self.assertEqual(len(self.store.lines), 5)

    def test_one_failure_one_recovery(self) -> None:
        """A log that takes nothing is one event, and one more when it does, with counts."""
        self.writer.open()
        self.store.why = "No space left on device"
        self.writer.add(b"1")
        self.writer.add(b"2")
        self.clock.pump([1, 2, 4])
        self.assertTrue(self.writer.failing)
        self.assertEqual(self.noted.types(), ["agent.health_log.write_failed"])
        self.store.why = None
        self.clock.advance(30)
        self.assertEqual(self.store.lines, [b"1", b"2"])
        self.assertFalse(self.writer.failing)
        details = self.noted.details("agent.health_log.write_recovered")
        self.assertEqual(
            details, {"failureCount": 4, "lateCount": 2, "lostCount": 0, "path": "log"}
        )

    def test_over_a_restart(self) -> None:
        """A failure that an earlier agent reported is not reported again, and its end is, once."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for whys in (["full"], ["full", None], [None]):
            problems = OpenProblems(directory / "open.json", FakeThreads(), self.clock, "node")
            writer = Writer(
                self.clock, Desk(self.threads), self.store, self.noted, self.tell, problems
            )
            writer.open()
            for why in whys:
                self.store.why = why
                writer.add(b"1")
                self.clock.advance(30)
            writer.close()
        self.assertEqual(
            self.noted.types(),
            ["agent.health_log.write_failed", "agent.health_log.write_recovered"],
        )
        details = self.noted.details("agent.health_log.write_recovered")
        self.assertEqual((details["lateCount"], details["lostCount"]), (2, 0))

    def test_ended_by_an_earlier_agent(self) -> None:
        """A log that fails no more after a restart has nothing that was late."""
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "open.json"
        problems = OpenProblems(path, FakeThreads(), self.clock, "node")
        problems.put("agent.health_log.write_failed", "warning")
        writer = Writer(self.clock, Desk(self.threads), self.store, self.noted, self.tell, problems)
        self.assertFalse(writer.failing)
        writer.open()
        writer.add(b"1")
        writer.add(b"2")
        self.assertEqual(
            self.noted.details("agent.health_log.write_recovered"),
            {"failureCount": 1, "lateCount": 0, "lostCount": 0, "path": "log"},
        )
        self.assertEqual(problems.keys(), ())

    def test_lost_while_it_hangs(self) -> None:
        """What memory cannot hold while a disk hangs is told, with how much it was."""
        self.threads.held = []
        self.writer.open()
        for number in range(2003):
            self.writer.add(b"%d" % number)
        self.assertEqual(self.noted.types(), ["agent.health_log.write_failed"])
        self.threads.release()
        self.assertEqual(self.noted.details("agent.health_log.write_recovered")["lostCount"], 2)

    def test_pauses(self) -> None:
        """A log that fails is tried after a second, and then more and more rarely."""
        self.writer.open()
        self.store.why = "no"
        self.writer.add(b"1")
        tries = []
        for _ in range(12):
            (call,) = self.clock.getDelayedCalls()
            tries.append(call.getTime() - self.clock.seconds())
            self.clock.advance(tries[-1])
        self.assertEqual(tries[:6], [1, 2, 4, 8, 16, 30])
        self.assertEqual(tries[-1], 30)

    def test_some_of_them(self) -> None:
        """What was stored is not stored again."""
        self.store.most = 1
        for number in range(3):
            self.writer.add(b"%d" % number)
        self.writer.open()
        self.assertEqual(self.store.lines, [b"0", b"1", b"2"])

    def test_order_after_a_failure(self) -> None:
        """However many wait when the log works again, they are stored in order."""
        self.store.why = "no"
        self.writer.open()
        lines = [b"%d" % number for number in range(250)]
        for line in lines:
            self.writer.add(line)
        self.clock.advance(1)
        self.store.why = None
        self.clock.advance(30)
        self.assertEqual(self.store.lines, lines)

    def test_bounded_number(self) -> None:
        """Two thousand wait; the oldest is let go of for the next one, and counted."""
        self.store.why = "no"
        self.writer.open()
        for number in range(2000):
            self.writer.add(b"%d" % number)
        self.assertEqual(len(self.writer.unstored), 2000)
        self.writer.add(b"2000")
        self.assertEqual(len(self.writer.unstored), 2000)
        self.store.why = None
        self.clock.advance(30)
        self.assertEqual(self.store.lines[0], b"1")
        self.assertEqual(self.noted.details("agent.health_log.write_recovered")["lostCount"], 1)
        self.assertEqual(self.noted.details("agent.health_log.write_recovered")["lateCount"], 2000)

    def test_bounded_bytes(self) -> None:
        """Large events are let go of sooner; a single one is kept, however large it is."""
        big = b"x" * (3 << 20)
        self.writer.add(big)
        self.writer.add(big)
        self.assertEqual(len(self.writer.unstored), 1)
        self.writer.add(b"x" * (5 << 20))
        self.assertEqual(len(self.writer.unstored), 1)

    def test_after_the_end(self) -> None:
        """What is reported after the end is in the log of the program at least."""
        self.writer.open()
        self.writer.close()
        with capturedLogs() as logs:
            self.writer.add(b'{"type":"agent.late"}')
        self.assertIn("agent.late", logs[0]["line"])
        self.assertEqual(self.writer.unstored, ())

    def test_idle(self) -> None:
        """It is known when everything is written, or cannot be."""
        self.threads.held = []
        self.writer.open()
        self.successResultOf(self.writer.when_idle())
        self.writer.add(b"1")
        idle = self.writer.when_idle()
        self.assertNoResult(idle)
        self.store.why = "no"
        self.threads.release()
        self.successResultOf(idle)

    def test_said(self) -> None:
        """What was given up, and what was set aside, are events of their own."""
        self.store.given_up = 3
        self.store.set_aside = Path("log.damaged.1")
        self.writer.open()
        self.writer.add(b"1")
        self.assertEqual(
            self.noted.details("agent.health_outbox.dropped"), {"count": 3, "path": "log"}
        )
        self.assertEqual(
            self.noted.details("agent.health_log.set_aside")["setAside"], "log.damaged.1"
        )

    def test_a_store_that_raises(self) -> None:
        """A mistake in a store is a failing log, and no end of the evidence."""
        self.patch(self.store, "append", lambda lines: 1 // 0)
        self.writer.open()
        self.writer.add(b"1")
        self.assertTrue(self.writer.failing)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.writer.unstored), 1)
