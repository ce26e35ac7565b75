"""Whatever happens, every event that was stored reaches the controller, in order."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.jsonl import JsonLines
from rakkr.health.record import deliverable
from tests.health.bench import REFUSALS, Bench
from tests.health.breaking import Breaking, Crash

Steps = list[tuple[str, int]]


class Files:
    """
    The files and the cursor, and who reads them.

    :ivar stored: the numbers of the records that the log said it has.
    :ivar delivered: those that were read, in order, again and again after crashes.
    """

    def __init__(self, directory: Path, max_bytes: int, retained: int, torn: float) -> None:
        self.directory = directory
        self.limits = (max_bytes, retained)
        self.system = Breaking()
        self.system.torn = torn
        self.serial = 0
        self.stored: list[int] = []
        self.delivered: list[int] = []
        self.restart(0)

    def do(self, what: str, number: int) -> None:
        """One step; a process that crashes in it is followed by another."""
        try:
            getattr(self, what)(number)
        except Crash:
            self.restart(0)

    def restart(self, _: int) -> None:
        self.system.crash_after = None
        self.store = JsonLines(self.directory / "log", *self.limits, 1 << 20, True, self.system)
        self.position = self.store.begin()

    def append(self, number: int) -> None:
        for _ in range(number):
            self.serial += 1
            wire = {"type": f"t{self.serial}", "severity": "info"}
            appended = self.store.append([json.dumps(wire).encode() + b"\n"])
            assert appended.why is None
            assert not appended.given_up
            self.stored.append(self.serial)

    def deliver(self, number: int) -> None:
        for _ in range(number):
            for record in self.store.read(self.position, 3):
                wire = deliverable(record.line)
                self.delivered += [int(wire["type"][1:])] if wire else []
                self.position = record.behind

    def save(self, _: int) -> None:
        self.store.passed(self.position)

    def crash(self, number: int) -> None:
        self.system.crash_after = number

    def copytruncate(self, _: int) -> None:
        """What an operator's logrotate does."""
        active = self.directory / "log"
        if active.exists():
            for age in range(9, 0, -1):
                if (older := self.directory / f"log.{age}").exists():
                    older.rename(self.directory / f"log.{age + 1}")
            shutil.copy(active, self.directory / "log.1")
            self.deliver(1)
            os.truncate(active, 0)


class FilesTests(SynchronousTestCase):
    """The files alone."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 4)),
            st.tuples(st.just("deliver"), st.integers(1, 3)),
            st.tuples(st.sampled_from(["save", "copytruncate"]), st.just(0)),
            st.tuples(st.just("crash"), st.integers(0, 6)),
        ),
        max_size=40,
    )

    @settings(deadline=None)
    @given(steps, st.integers(0, 3), st.sampled_from([1, 60, 150]), st.floats(0, 1))
    def test_nothing_is_lost(
        self, steps: Steps, retained: int, max_bytes: int, torn: float
    ) -> None:
        """Appends, crashes in any call, anybody's rotations, restarts: all records, in order."""
        directory = Path(tempfile.mkdtemp())
        try:
            files = Files(directory, max_bytes, retained, torn)
            for step in steps:
                files.do(*step)
            files.restart(0)
            files.deliver(1000)
            first = list(dict.fromkeys(files.delivered))
            self.assertEqual(first, sorted(first))
            self.assertEqual(set(files.stored) - set(first), set())
            files.save(0)
            self.assertEqual(list(directory.glob("*undelivered*")), [])
        finally:
            shutil.rmtree(directory)


class Node:
    """
    A node whose agent is killed and started again.

    :ivar emitted: how many events there were.
    :ivar may_be_lost: those that were in the memory of a process that was killed.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.emitted = 0
        self.may_be_lost: set[int] = set()
        self.start()

    def do(self, what: str, number: int) -> None:
        """One step; a process that crashes in it is followed by another."""
        getattr(self, what)(number)
        self.bench.settle()
        if self.bench.system.crashed:
            self.kill(0)

    def start(self) -> None:
        self.store = self.bench.store()
        self.reporter = self.bench.reporter(self.store)
        self.reporter.startService()

    def emit(self, number: int) -> None:
        for _ in range(number):
            self.emitted += 1
            self.reporter.emit(f"agent.n{self.emitted}", "info", {}, "rec_1")

    def wait(self, number: int) -> None:
        self.bench.pass_time(number)

    def full(self, number: int) -> None:
        self.bench.system.full = bool(number)

    def crash(self, number: int) -> None:
        self.bench.system.crash_after = number

    def answer(self, number: int) -> None:
        self.bench.mode = ["ok", *REFUSALS][number]

    def stop(self, _: int) -> None:
        stopped = self.reporter.stopService()
        self.bench.pass_time(30)
        stopped.addErrback(lambda failure: failure.trap(Crash))
        assert stopped.called
        self.kill(0)

    def kill(self, _: int) -> None:
        unstored = (json.loads(each.line) for each in self.reporter._writer.unstored)
        self.may_be_lost.update(numbers(unstored))
        self.bench.forget_calls()
        assert self.reporter.outbox is not None
        # Nobody may hear of it later, when what is left of this process is collected.
        self.reporter.outbox._running.addErrback(lambda failure: failure.trap(Crash))
        self.store.close()
        self.bench.system.crash_after = None
        self.bench.system.crashed = False
        self.start()


def numbers(events: Iterable[Mapping[str, Any]]) -> list[int]:
    """Which of the events that the test emitted these are."""
    types = [str(each["type"]) for each in events]
    return [int(each.removeprefix("agent.n")) for each in types if each.startswith("agent.n")]


class NodeTests(SynchronousTestCase):
    """The whole way, from whoever emits to the controller."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("emit"), st.integers(1, 70)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.tuples(st.just("answer"), st.integers(0, len(REFUSALS))),
            st.tuples(st.sampled_from(["kill", "stop"]), st.just(0)),
            st.tuples(st.just("crash"), st.integers(0, 9)),
            st.tuples(st.just("full"), st.integers(0, 1)),
        ),
        max_size=25,
    )

    @settings(max_examples=50, deadline=None)
    @given(steps, st.integers(0, 3), st.sampled_from([1, 400, 4000]))
    def test_at_least_once_in_order(self, steps: Steps, retained: int, max_bytes: int) -> None:
        """Outages, refusals, full disks, kills and crashes: nothing that was stored is missing."""
        directory = Path(tempfile.mkdtemp())
        try:
            bench = Bench(directory, max_bytes=max_bytes, retained=retained)
            node = Node(bench)
            for step in [*steps, ("full", 0), ("answer", 0), ("kill", 0), ("wait", 100)]:
                node.do(*step)
            self.flushLoggedErrors(Crash)
            first = list(dict.fromkeys(numbers(bench.taken)))
            reached = set(first) | set(numbers(bench.refused))
            self.assertEqual(first, sorted(first))
            missing = set(range(1, node.emitted + 1)) - reached
            self.assertEqual(missing - node.may_be_lost, set())
            node.reporter.stopService()
            bench.pass_time(1)
            self.assertEqual(bench.clock.getDelayedCalls(), [])
        finally:
            shutil.rmtree(directory)
