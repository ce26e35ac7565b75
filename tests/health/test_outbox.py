"""Tests for ``rakkr.health.outbox``."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.outbox import AT_ONCE
from rakkr.health.position import Position
from rakkr.health.reporter import HealthReporter
from rakkr.health.store import Record, Unreadable
from tests.health.bench import Bench


def saved(bench: Bench) -> Position:
    """The place on the disk."""
    return Position.decode(Path(f"{bench.path}.cursor").read_bytes())


class OutboxTests(SynchronousTestCase):
    """From the log to the controller."""

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        self.bench = Bench(directory)
        self.running: list[HealthReporter] = []

    def tearDown(self) -> None:
        for reporter in self.running:
            stopped = reporter.stopService()
            self.bench.pass_time(40)
            self.successResultOf(stopped)
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])

    def start(self) -> HealthReporter:
        """An agent's reporter, running."""
        reporter = self.bench.reporter()
        self.running.append(reporter)
        reporter.startService()
        self.bench.settle()
        return reporter

    def stop(self, reporter: HealthReporter) -> None:
        """End it as an agent ends."""
        self.running.remove(reporter)
        stopped = reporter.stopService()
        self.bench.settle()
        self.successResultOf(stopped)

    def kill(self, reporter: HealthReporter) -> None:
        """End it as SIGKILL does."""
        self.running.remove(reporter)
        self.bench.forget_calls()
        reporter._store.close()

    def emit(self, reporter: HealthReporter, *numbers: int) -> None:
        for number in numbers:
            reporter.emit(f"agent.n{number}", "info", {})

    def expected(self, *numbers: int) -> list[str]:
        return [f"agent.n{number}" for number in numbers]

    def test_at_once(self) -> None:
        """In good times an event is sent as soon as it is stored."""
        self.emit(self.start(), 1)
        self.bench.settle()
        self.assertEqual(self.bench.types(), self.expected(1))

    def test_next_run(self) -> None:
        """What one run could not deliver, the next one does, with its own times, in order."""
        self.bench.mode = "away"
        first = self.start()
        self.emit(first, *range(120))
        self.bench.pass_time(60)
        self.kill(first)
        self.bench.mode = "ok"
        second = self.start()
        self.emit(second, 120)
        self.bench.pass_time(60)
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        self.assertEqual(own, self.expected(*range(121)))
        self.assertEqual(self.bench.taken[0]["id"].split("-")[-2:], ["run1", "1"])

    def test_outage_over_a_restart(self) -> None:
        """An outage is told once, and its end, though the agent is started again meanwhile."""
        self.bench.mode = "away"
        first = self.start()
        self.emit(first, 1)
        self.bench.pass_time(60)
        self.kill(first)
        second = self.start()
        self.bench.pass_time(60)
        self.stop(second)
        self.start()
        self.bench.mode = "ok"
        self.bench.pass_time(60)
        self.assertEqual(
            self.bench.types(),
            ["agent.n1", "agent.health_event.sync_failed", "agent.health_event.sync_recovered"],
        )
        self.assertEqual(self.bench.taken[-1]["details"]["error"], None)

    def test_few_repeats(self) -> None:
        """After a kill, fifty events at most are sent again."""
        self.bench.rate = 90.0
        first = self.start()
        self.emit(first, *range(130))
        self.bench.settle()
        self.assertEqual(len(self.bench.taken), 90)
        self.kill(first)
        self.bench.rate = 1000.0
        self.start()
        self.bench.pass_time(10)
        self.assertLessEqual(len(self.bench.taken), 130 + AT_ONCE)
        self.assertEqual(list(dict.fromkeys(self.bench.types())), self.expected(*range(130)))

    def test_no_repeats_of_a_quiet_agent(self) -> None:
        """When all is delivered, that is noted at once: a kill then repeats nothing."""
        first = self.start()
        self.emit(first, 1, 2)
        self.bench.settle()
        self.assertEqual(saved(self.bench).offset, self.bench.path.stat().st_size)
        self.kill(first)
        self.start()
        self.bench.pass_time(10)
        self.assertEqual(self.bench.types(), self.expected(1, 2))

    def test_saved_in_time(self) -> None:
        """While events wait, how many are delivered is noted within seconds."""
        self.bench.rate = 1.0
        reporter = self.start()
        self.emit(reporter, *range(40))
        self.bench.pass_time(7)
        self.assertEqual(len(self.bench.taken), 8)
        self.assertGreater(saved(self.bench).offset, 0)
        self.assertLess(saved(self.bench).offset, self.bench.path.stat().st_size)

    def test_nothing_to_save(self) -> None:
        """Nothing is written while nothing happens."""
        reporter = self.start()
        self.emit(reporter, 1)
        self.bench.settle()
        before = Path(f"{self.bench.path}.cursor").stat().st_ino
        self.bench.pass_time(60)
        self.assertEqual(Path(f"{self.bench.path}.cursor").stat().st_ino, before)

    def test_no_repeats_after_a_stop(self) -> None:
        """After an orderly end nothing is sent again."""
        first = self.start()
        self.emit(first, 1, 2)
        self.bench.settle()
        self.stop(first)
        self.start()
        self.bench.pass_time(10)
        self.assertEqual(self.bench.types(), self.expected(1, 2))

    def test_small_steps(self) -> None:
        """However many wait, only fifty are in memory."""
        reporter = self.start()
        read, lengths = reporter._store.read, []

        def watched(_: object, after: Position, most: int) -> list[Record]:
            found = read(after, most)
            lengths.append(len(found))
            return found

        self.patch(type(reporter._store), "read", watched)
        self.emit(reporter, *range(1000))
        self.bench.pass_time(5)
        self.assertEqual(len(self.bench.taken), 1000)
        self.assertEqual(max(lengths), AT_ONCE)
        self.assertEqual(len(reporter._writer.unstored), 0)

    def test_passed_over(self) -> None:
        """Records that are no events are counted, and hold up nothing."""
        first = self.start()
        self.stop(first)
        with self.bench.path.open("ab") as log:
            log.write(b'{"type":"agent.to')
        second = self.start()
        self.emit(second, 1)
        self.bench.settle()
        self.assertEqual(self.bench.types(), self.expected(1))
        assert second.outbox is not None
        self.assertEqual(second.outbox.passed_over, 1)

    def test_full_disk(self) -> None:
        """What the log does not take reaches the controller all the same, in order, and once."""
        reporter = self.start()
        self.bench.mode = "away"
        self.emit(reporter, 1)
        self.bench.settle()
        self.bench.system.full = True
        self.emit(reporter, 2, 3)
        self.bench.settle()
        self.bench.mode = "ok"
        self.bench.pass_time(60)
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        self.assertEqual(own, self.expected(1, 2, 3))
        self.bench.system.full = False
        self.emit(reporter, 4)
        self.bench.pass_time(60)
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        self.assertEqual(own, self.expected(1, 2, 3, 4))
        logged = [each["type"] for each in self.bench.logged() if ".n" in each["type"]]
        self.assertEqual(logged, self.expected(1, 2, 3, 4))

    def test_hung_disk(self) -> None:
        """A disk that hangs keeps the controller in the dark for ten seconds, not for ever."""
        reporter = self.start()
        self.bench.threads.held = []
        self.emit(reporter, 1)
        self.bench.pass_time(9)
        self.assertEqual(self.bench.taken, [])
        self.bench.pass_time(10)
        self.assertEqual(self.bench.types(), self.expected(1))
        self.bench.threads.release()
        self.bench.pass_time(20)
        self.assertEqual(self.bench.types(), self.expected(1))

    def test_hangs_while_reading(self) -> None:
        """The same when it begins to hang while the log is looked at."""
        reporter = self.start()
        self.bench.settle(4.9)
        self.bench.threads.held = []
        self.bench.settle(0.2)
        self.emit(reporter, 1)
        self.bench.pass_time(25)
        self.assertEqual(self.bench.types(), self.expected(1))
        self.bench.threads.release()
        self.bench.pass_time(20)
        self.assertEqual(self.bench.types(), self.expected(1))

    def test_unreadable(self) -> None:
        """Where there cannot be a log, events are delivered from memory."""
        self.bench.path.mkdir(parents=True)
        reporter = self.start()
        self.emit(reporter, 1, 2)
        self.bench.pass_time(10)
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        self.assertEqual(own, self.expected(1, 2))

    def test_another_process_delivers(self) -> None:
        """Of two processes with one log the first delivers, for both; then the second one does."""
        first, second = self.start(), self.start()
        self.emit(second, 1)
        self.emit(first, 2)
        self.bench.pass_time(6)
        self.assertEqual(self.bench.types(), self.expected(1, 2))
        self.stop(first)
        self.emit(second, 3)
        self.bench.pass_time(6)
        self.assertEqual(self.bench.types(), self.expected(1, 2, 3))

    def test_another_process_writes(self) -> None:
        """What another process writes into the log is seen within some seconds."""
        self.start()
        other = self.bench.store()
        wire = {"type": "agent.n1", "severity": "info", "details": {}}
        other.append([json.dumps(wire).encode() + b"\n"])
        self.bench.pass_time(5)
        self.assertEqual(self.bench.types(), self.expected(1))

    def test_given_up(self) -> None:
        """What had to be given up undelivered is one event that says how much."""
        self.bench.limits |= {"max_bytes": 2000, "retained": 1, "undelivered_max_bytes": 4000}
        self.bench.mode = "away"
        reporter = self.start()
        for number in range(100):
            self.emit(reporter, number)
            self.bench.settle()
        self.bench.mode = "ok"
        self.bench.pass_time(100)
        own = [each for each in self.bench.types() if each.startswith("agent.n")]
        dropped = [each for each in self.bench.taken if each["type"].endswith(".dropped")]
        given_up = sum(each["details"]["count"] for each in dropped)
        self.assertGreater(given_up, 0)
        first = min(int(each.removeprefix("agent.n")) for each in own[1:])
        self.assertEqual(own[-5:], self.expected(*range(95, 100)))
        # The one that was being sent when its file went was delivered all the same.
        self.assertLessEqual(abs(given_up - first), AT_ONCE)

    def test_cursor_cannot_be_written(self) -> None:
        """A place that cannot be noted holds up no delivery, and is tried now and then."""
        reporter = self.start()
        tries: list[Position] = []

        def fail(_: object, position: Position) -> None:
            tries.append(position)
            raise Unreadable("No space left on device")

        self.patch(type(reporter._store), "passed", fail)
        self.emit(reporter, *range(200))
        self.bench.settle()
        self.assertEqual(len(self.bench.taken), 200)
        self.assertEqual(len(tries), 1)
        self.bench.pass_time(20)
        self.assertLessEqual(len(tries), 5)

    def test_a_mistake_of_ours(self) -> None:
        """No error ends the outbox."""
        reporter = self.start()
        read = reporter._store.read
        self.patch(type(reporter._store), "read", lambda *_: 1 // 0)
        self.emit(reporter, 1)
        self.bench.settle()
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))
        self.patch(type(reporter._store), "read", lambda _, *arguments: read(*arguments))
        self.bench.pass_time(6)
        self.assertEqual(self.bench.types(), self.expected(1))
