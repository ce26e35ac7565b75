"""Tests for ``rakkr.health.sqlite``."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health import database
from rakkr.health.event import HealthEvent, json_line
from rakkr.health.position import OLDEST, Position
from rakkr.health.record import deliverable
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store, Unreadable
from tests.health.bench import REFUSALS, Bench
from tests.health.test_conservation import Node, Steps, numbers


def record(number: int, *, size: int = 0) -> bytes:
    """An event as the reporter gives it to a log."""
    details = {"number": number, "padding": "x" * size}
    return json_line(HealthEvent(f"id{number}", "agent.x", "info", "t", details, "rec").as_wire())


class SqliteTests(SynchronousTestCase):
    """The log as a database."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "deep" / "events.sqlite3"

    def make(self, **limits: Any) -> SqliteLog:
        """The log of another run of the agent."""
        known = {"max_bytes": 0, "max_days": 0, "undelivered_max_bytes": 1 << 20, "delivers": True}
        log = SqliteLog(self.path, "node_1", **(known | limits))
        self.addCleanup(log.close)
        return log

    def ask(self, statement: str) -> list[Any]:
        """Ask the database past the log."""
        connection = sqlite3.connect(self.path)
        try:
            rows = connection.execute(statement).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows

    def numbers(self, log: SqliteLog, position: Position) -> list[int]:
        """What is read from a position on."""
        found = []
        while records := log.read(position, 50):
            found += [json.loads(each.line)["details"]["number"] for each in records]
            position = records[-1].behind
        return found

    def test_schema(self) -> None:
        """Table, columns and indexes are the contract's."""
        self.assertIsNone(self.make().append([record(1)]).why)
        columns = [row[1:4] for row in self.ask("PRAGMA table_info(agent_health_events)")]
        self.assertEqual(
            columns,
            [
                ("id", "TEXT", 1),
                ("node_id", "TEXT", 1),
                ("type", "TEXT", 1),
                ("severity", "TEXT", 1),
                ("opened_at", "TEXT", 1),
                ("recording_id", "TEXT", 0),
                ("schedule_id", "TEXT", 0),
                ("details_json", "TEXT", 1),
                ("created_at", "TEXT", 1),
            ],
        )
        names = {row[0] for row in self.ask("SELECT name FROM sqlite_master WHERE type='index'")}
        self.assertLessEqual(
            {"agent_health_events_opened_at_idx", "agent_health_events_type_severity_idx"}, names
        )
        self.assertEqual(self.ask("PRAGMA journal_mode"), [("wal",)])

    def test_row(self) -> None:
        """A row has what the event has; what it has not is null."""
        event = HealthEvent("i", "agent.x", "info", "2026-01-01T00:00:00.000Z", {"b": 1, "a": "ü"})
        self.make().append([json_line(event.as_wire())])
        (row,) = self.ask("SELECT * FROM agent_health_events")
        self.assertEqual(
            row[:8],
            (
                "i",
                "node_1",
                "agent.x",
                "info",
                "2026-01-01T00:00:00.000Z",
                None,
                None,
                '{"a":"ü","b":1}',
            ),
        )
        self.assertRegex(row[8], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")

    def test_round_trip(self) -> None:
        """What is read is what was stored."""
        log = self.make()
        log.append([record(1), record(2)])
        self.assertEqual(
            [each.line + b"\n" for each in log.read(OLDEST, 9)], [record(1), record(2)]
        )

    def test_odd_rows(self) -> None:
        """Whatever somebody else puts into the table, it holds up nothing."""
        log = self.make()
        log.append([record(1)])
        for number, details in enumerate(
            ["'{\"a\":NaN}'", '\'{"a":"\\ud800"}\'', "'{'", "x'ff'", "7", "CAST(x'ff' AS TEXT)"]
        ):
            self.ask(
                "INSERT INTO agent_health_events"
                " (id, node_id, type, severity, opened_at, details_json)"
                f" VALUES (x'0{number}', 'n', 'agent.x', 'info', 't', {details})"
            )
        log.append([record(2)])
        wires = [deliverable(each.line) for each in log.read(OLDEST, 9)]
        self.assertEqual(
            [wire["details"] for wire in wires[1:3] if wire], [{"a": None}, {"a": "\ufffd"}]
        )
        assert wires[-1] is not None
        self.assertEqual(wires[-1]["id"], "id2")

    def test_locked(self) -> None:
        """While another program locks the database, nothing is stored, and it is not damaged."""
        self.patch(database, "BUSY_SECONDS", 0.01)
        log, later = self.make(), self.make()
        log.append([record(1)])
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        for each in (log, later):
            appended = each.append([record(2)])
            self.assertEqual(
                (appended.stored, appended.why, appended.set_aside), (0, "database is locked", None)
            )
        self.assertEqual(self.numbers(log, OLDEST), [1])
        self.assertRaises(Unreadable, later.begin)
        other.close()
        self.assertEqual(later.append([record(2)]).stored, 1)
        self.assertEqual(self.numbers(log, OLDEST), [1, 2])

    def test_no_id_twice(self) -> None:
        """An id that is there is neither stored again nor overwritten."""
        log = self.make()
        log.append([record(1)])
        self.assertEqual(log.append([record(1, size=9), record(2)]).stored, 2)
        self.assertEqual(self.numbers(log, OLDEST), [1, 2])
        self.assertEqual(json.loads(log.read(OLDEST, 1)[0].line)["details"]["padding"], "")

    def test_next_run(self) -> None:
        """Another run goes on where the last one had saved."""
        log = self.make()
        log.append([record(number) for number in range(9)])
        log.passed(log.read(log.begin(), 4)[-1].behind)
        log.close()
        again = self.make()
        self.assertEqual(self.numbers(again, again.begin()), [4, 5, 6, 7, 8])

    def test_vacuum_by_hand(self) -> None:
        """A VACUUM, which may number the rows anew, is survived."""
        log = self.make()
        log.append([record(number) for number in range(9)])
        position = log.read(log.begin(), 4)[-1].behind
        log.passed(position)
        log.close()
        self.ask("DELETE FROM agent_health_events WHERE rowid < 3")
        self.ask("UPDATE agent_health_events SET rowid = rowid - 2")
        again = self.make()
        self.assertEqual(self.numbers(again, again.begin()), [4, 5, 6, 7, 8])

    def test_somebody_elses(self) -> None:
        """A database of the reference agent's was sent by that: only what follows is ours."""
        theirs = self.make(delivers=False)
        theirs.append([record(1), record(2)])
        theirs.close()
        self.ask("PRAGMA user_version=0")
        log = self.make()
        log.append([record(3)])
        self.assertEqual(self.numbers(log, log.begin()), [3])

    def test_damaged(self) -> None:
        """A damaged database is set aside, and a new one begun, from which everything is sent."""
        log = self.make()
        log.append([record(1)])
        log.passed(log.read(log.begin(), 9)[-1].behind)
        log.close()
        self.path.write_bytes(b"this is no database" * 1000)
        again = self.make()
        appended = again.append([record(2)])
        self.assertEqual(
            (appended.stored, appended.set_aside),
            (0, self.path.with_name("events.sqlite3.damaged.1")),
        )
        self.assertEqual(again.append([record(2)]).stored, 1)
        self.assertEqual(self.numbers(again, again.begin()), [2])

    def test_damaged_when_read(self) -> None:
        """The same when the damage is found while reading; the next one gets another name."""
        for number in (1, 2):
            log = self.make()
            log.close()
            self.path.parent.mkdir(exist_ok=True)
            self.path.write_bytes(b"this is no database" * 1000)
            with self.assertRaises(Unreadable) as raised:
                log.read(OLDEST, 1)
            aside = self.path.with_name(f"events.sqlite3.damaged.{number}")
            self.assertEqual(raised.exception.set_aside, aside)
            self.assertTrue(aside.exists())
            self.assertEqual(log.read(OLDEST, 1), [])
            log.close()

    def test_taken_away(self) -> None:
        """When somebody deletes the database, another is begun."""
        log = self.make()
        log.append([record(1)])
        position = log.read(log.begin(), 9)[-1].behind
        for each in self.path.parent.glob("events.sqlite3*"):
            if "cursor" not in each.name and "lock" not in each.name:
                each.unlink()
        log.append([record(2)])
        self.assertEqual(self.numbers(log, position), [2])
        self.assertEqual(self.ask("SELECT id FROM agent_health_events"), [("id2",)])

    def test_cannot(self) -> None:
        """A database that cannot be written says why, and raises nothing."""
        self.path.mkdir(parents=True)
        appended = self.make().append([record(1)])
        self.assertEqual(appended.stored, 0)
        self.assertIn("unable to open", appended.why or "")
        self.assertIsNone(appended.set_aside)
        self.assertRaises(Unreadable, self.make().read, OLDEST, 1)

    def fill(self, log: SqliteLog, first: int, count: int) -> int:
        """Store events of two kilobytes; returns how many were given up."""
        return sum(
            log.append([record(number, size=2000)]).given_up
            for number in range(first, first + count)
        )

    def test_bounded_by_size(self) -> None:
        """Delivered events are deleted when they take too much, and undelivered ones are not."""
        log = self.make(max_bytes=500_000, undelivered_max_bytes=1 << 30)
        self.assertEqual(self.fill(log, 0, 1010), 0)
        self.assertEqual(len(self.numbers(log, OLDEST)), 1010)
        log.passed(log.read(log.begin(), 950)[-1].behind)
        self.fill(log, 1010, 101)
        left = self.numbers(log, OLDEST)
        self.assertEqual(left[-161:], list(range(950, 1111)))
        self.assertLess(self.path.stat().st_size, 1_000_000)

    def test_given_up(self) -> None:
        """Undelivered events are given up beyond their limit, the oldest first, and counted."""
        log = self.make(max_bytes=200_000, undelivered_max_bytes=1_000_000)
        given_up = self.fill(log, 0, 1515)
        self.assertGreater(given_up, 0)
        left = self.numbers(log, log.begin())
        self.assertEqual(left, list(range(given_up, 1515)))

    def test_bounded_by_age(self) -> None:
        """Delivered events of many days ago are deleted; the newest stays, whatever its age."""
        log = self.make(max_days=90)
        log.append([record(number) for number in range(5)])
        log.passed(log.read(log.begin(), 3)[-1].behind)
        self.ask("UPDATE agent_health_events SET created_at = datetime('now', '-91 days')")
        log.append([record(number) for number in range(5, 110)])
        log.append([record(110)])
        self.assertEqual(self.numbers(log, OLDEST)[:3], [2, 3, 4])
        self.assertEqual(self.numbers(log, log.begin())[:2], [3, 4])

    def test_newest_stays(self) -> None:
        """The newest event is never deleted: from its number the next ones are counted on."""
        log = self.make(max_days=1, delivers=False)
        log.append([record(number) for number in range(5)])
        self.ask("UPDATE agent_health_events SET created_at = datetime('now', '-2 days')")
        self.assertEqual(log._clean(log._database()), 0)
        self.assertEqual(self.numbers(log, OLDEST), [4])

    def test_one_delivers(self) -> None:
        """Of two processes one delivers."""
        first, second = self.make(), self.make()
        self.assertTrue(first.claim())
        self.assertFalse(second.claim())
        first.close()
        self.assertTrue(second.claim())

    def test_two_write(self) -> None:
        """Two processes that write into one database lose nothing of each other."""
        first, second = self.make(), self.make()
        for number in range(0, 20, 2):
            first.append([record(number)])
            second.append([record(number + 1)])
        self.assertEqual(self.numbers(first, first.begin()), list(range(20)))


class SqliteBench(Bench):
    """A node whose log is a database."""

    def store(self) -> Store:
        return SqliteLog(self.path, "node_1", 0, 0, 1 << 20, True)


class SqliteNodeTests(SynchronousTestCase):
    """The whole way, from whoever emits to the controller."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("emit"), st.integers(1, 70)),
            st.tuples(st.just("wait"), st.integers(1, 20)),
            st.tuples(st.just("answer"), st.integers(0, len(REFUSALS))),
            st.tuples(st.sampled_from(["kill", "stop"]), st.just(0)),
        ),
        max_size=15,
    )

    @settings(max_examples=15)
    @given(steps)
    def test_at_least_once_in_order(self, steps: Steps) -> None:
        """Outages, refusals and kills: nothing that was stored is missing."""
        directory = Path(tempfile.mkdtemp())
        try:
            bench = SqliteBench(directory)
            node = Node(bench)
            for step in [*steps, ("answer", 0), ("kill", 0), ("wait", 60)]:
                node.do(*step)
            first = list(dict.fromkeys(numbers(bench.taken)))
            self.assertEqual(first, sorted(first))
            reached = set(first) | set(numbers(bench.refused))
            self.assertEqual(set(range(1, node.emitted + 1)) - reached - node.may_be_lost, set())
            node.reporter.stopService()
            bench.pass_time(1)
        finally:
            shutil.rmtree(directory)
