"""Tests for ``rakkr.health.succession``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.event import HealthEvent, json_line
from rakkr.health.jsonl import JsonLines
from rakkr.health.reporter import HealthReporter
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store, Unreadable
from rakkr.health.succession import Succession
from tests.health.bench import Bench


class SuccessionTests(SynchronousTestCase):
    """From a database to lines of JSON, as after a change of the setting."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.bench = Bench(self.directory)
        self.running: list[HealthReporter] = []
        self.number = 0

    def tearDown(self) -> None:
        while self.running:
            self.end(kill=False)
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])

    def old(self) -> SqliteLog:
        """What was chosen before."""
        return SqliteLog(self.directory / "database", "node_1", 0, 0, 1 << 20, True)

    def fill(self, count: int, passed: int = 0) -> None:
        """Leave some events in the old log, of which some were delivered."""
        log = self.old()
        for _ in range(count):
            self.number += 1
            event = HealthEvent(f"old{self.number}", f"agent.n{self.number}", "info", "t", {})
            self.assertIsNone(log.append([json_line(event.as_wire())]).why)
        if passed:
            log.passed(log.read(log.begin(), passed)[-1].behind)
        log.close()

    def start(self, earlier: Store | None = None) -> HealthReporter:
        """An agent with both."""
        store = Succession(self.bench.store(), earlier or self.old())
        reporter = self.bench.reporter(store)
        self.running.append(reporter)
        reporter.startService()
        self.bench.settle()
        return reporter

    def emit(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.running[-1].emit(f"agent.n{self.number}", "info", {})
        self.bench.settle()

    def end(self, *, kill: bool) -> None:
        reporter = self.running.pop()
        if kill:
            self.bench.forget_calls()
            reporter._store.close()
            return
        stopped = reporter.stopService()
        self.bench.pass_time(30)
        self.successResultOf(stopped)

    def numbers(self) -> list[int]:
        """What arrived."""
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        return [int(each.removeprefix("agent.n")) for each in own]

    def test_old_first(self) -> None:
        """What the old one has is delivered first, what the new one has follows; nothing twice."""
        self.fill(120, passed=3)
        self.start()
        self.emit(5)
        self.bench.pass_time(20)
        self.emit(5)
        self.assertEqual(self.numbers(), list(range(4, 131)))
        self.assertEqual(len(self.bench.logged()), 10)
        self.end(kill=False)
        self.start()
        self.emit(1)
        self.bench.pass_time(20)
        self.assertEqual(self.numbers(), list(range(4, 132)))

    def test_killed_in_between(self) -> None:
        """The next agent goes on in the old one, and then in the new one."""
        self.fill(200)
        self.bench.rate = 60.0
        self.start()
        self.emit(100)
        self.bench.settle(0.5)
        self.assertLess(len(self.numbers()), 200)
        self.end(kill=True)
        self.start()
        self.bench.pass_time(20)
        self.assertEqual(list(dict.fromkeys(self.numbers())), list(range(1, 301)))
        self.assertLessEqual(len(self.numbers()), 350)

    def test_nothing_repeated_after_a_kill(self) -> None:
        """When both are delivered, a kill repeats nothing."""
        self.fill(5)
        self.start()
        self.end(kill=True)
        self.start()
        self.emit(5)
        self.end(kill=True)
        self.start()
        self.bench.pass_time(10)
        self.assertEqual(self.numbers(), list(range(1, 11)))

    def test_outage(self) -> None:
        """An outage meanwhile keeps the order, and what is reported is written at once."""
        self.fill(10)
        self.bench.mode = "away"
        self.start()
        self.emit(10)
        self.assertEqual(len(self.bench.logged()), 11)  # and that nothing is taken
        self.bench.mode = "ok"
        self.bench.pass_time(60)
        self.assertEqual(self.numbers(), list(range(1, 21)))

    def test_another_process_has_it(self) -> None:
        """The old one is left alone when another process delivers from it."""
        self.fill(5)
        other = self.old()
        self.assertTrue(other.claim())
        self.start()
        self.emit(3)
        self.bench.pass_time(10)
        self.assertEqual(self.numbers(), [6, 7, 8])
        other.close()

    def test_cannot_be_read(self) -> None:
        """An old one that cannot be read holds up nothing, and is left to the next start."""
        file = self.directory / "file"
        file.touch()
        self.fill(5)
        with capturedLogs() as logs:
            self.start(JsonLines(file / "log", 0, 3, 0, True))
        self.assertEqual(len([each for each in logs if "next start" in each["log_format"]]), 1)
        self.emit(3)
        self.bench.pass_time(10)
        self.assertEqual(self.numbers(), [6, 7, 8])
        self.end(kill=False)
        self.start()
        self.bench.pass_time(10)
        self.assertEqual(self.numbers(), [6, 7, 8, 1, 2, 3, 4, 5])

    def test_breaks_in_between(self) -> None:
        """One that can be read no more in the middle is left there; the new one is not repeated."""
        self.fill(60)
        self.start()
        self.emit(2)
        self.end(kill=False)
        self.fill(120)
        old = self.old()
        read, left = SqliteLog.read, [2]

        def broken(log: SqliteLog, *arguments: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Unreadable("input/output error")
            return read(log, *arguments)  # type: ignore[arg-type]

        self.patch(SqliteLog, "read", broken)
        self.start(old)
        self.bench.pass_time(10)
        self.assertEqual(self.numbers(), list(range(1, 163)))
        self.patch(SqliteLog, "read", read)
        self.end(kill=False)
        self.start()
        self.bench.pass_time(10)
        self.assertEqual(sorted(set(self.numbers())), list(range(1, 183)))
        self.assertLessEqual(len(self.numbers()), 182 + 50)
