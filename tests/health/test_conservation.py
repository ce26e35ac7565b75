"""Whatever happens, every event that was stored reaches the controller, in order."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.jsonl import JsonLines
from rakkr.health.position import Position
from rakkr.health.record import deliverable
from tests.health.bench import REFUSALS, Bench
from tests.health.breaking import Breaking, Crash

_ALL = 10_000


class StoreModelTests(SynchronousTestCase):
    """The files and the cursor alone."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 4)),
            st.tuples(st.just("deliver"), st.integers(1, 6)),
            st.tuples(st.just("save"), st.just(0)),
            st.tuples(st.just("crash"), st.integers(0, 6)),
        ),
        max_size=40,
    )

    @given(steps, st.integers(0, 3), st.sampled_from([1, 60, 150]), st.floats(0, 1))
    def test_nothing_is_lost(
        self, steps: list[tuple[str, int]], retained: int, max_bytes: int, torn: float
    ) -> None:
        """Appends, crashes in any call, rotations and restarts: all stored records, in order."""
        directory = Path(tempfile.mkdtemp())
        try:
            self.walk(directory, steps, (max_bytes, retained), torn)
        finally:
            shutil.rmtree(directory)

    def walk(
        self, directory: Path, steps: list[tuple[str, int]], limits: tuple[int, int], torn: float
    ) -> None:
        serial = 0
        stored: list[int] = []
        delivered: list[int] = []
        system = Breaking()
        system.torn = torn

        def new() -> tuple[JsonLines, Position]:
            store = JsonLines(directory / "log", *limits, 1 << 20, True, system)
            return store, store.begin()

        store, position = new()
        for what, number in [*steps, ("restart", 0), ("deliver", _ALL)]:
            try:
                if what == "append":
                    for _ in range(number):
                        serial += 1
                        line = json.dumps({"type": f"t{serial}", "severity": "info"}).encode()
                        appended = store.append([line + b"\n"])
                        self.assertEqual(appended.why, None)
                        stored.append(serial)
                elif what == "deliver":
                    while records := store.read(position, min(number, 50)):
                        for record in records:
                            wire = deliverable(record.line)
                            delivered += [int(wire["type"][1:])] if wire else []
                            position = record.behind
                        number -= len(records)
                        if number <= 0:
                            break
                elif what == "save":
                    store.passed(position)
                elif what == "crash":
                    system.crash_after = number
                else:
                    raise Crash
            except Crash:
                system.crash_after = None
                store, position = new()
        first = list(dict.fromkeys(delivered))
        self.assertEqual(first, sorted(first))
        self.assertEqual(set(stored) - set(first), set())
        store.passed(position)
        kept = [each.name for each in directory.iterdir() if "undelivered" in each.name]
        self.assertEqual(kept, [])


class ReporterModelTests(SynchronousTestCase):
    """The whole way, from whoever emits to the controller."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("emit"), st.integers(1, 70)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.tuples(st.sampled_from(["ok", *REFUSALS]), st.just(0)),
            st.tuples(st.just("kill"), st.just(0)),
            st.tuples(st.just("stop"), st.just(0)),
            st.tuples(st.just("crash"), st.integers(0, 9)),
            st.tuples(st.sampled_from(["full", "free"]), st.just(0)),
        ),
        max_size=25,
    )

    @given(steps, st.integers(0, 3), st.sampled_from([1, 400, 4000]))
    def test_at_least_once_in_order(
        self, steps: list[tuple[str, int]], retained: int, max_bytes: int
    ) -> None:
        """Outages, refusals, full disks, kills and crashes: nothing that was stored is missing."""
        directory = Path(tempfile.mkdtemp())
        try:
            self.walk(Bench(directory, max_bytes=max_bytes, retained=retained), steps)
        finally:
            shutil.rmtree(directory)

    def walk(self, bench: Bench, steps: list[tuple[str, int]]) -> None:
        emitted = 0
        may_be_lost: set[int] = set()

        def serials(events: list[dict[str, object]]) -> list[int]:
            own = [each for each in events if str(each["type"]).startswith("agent.n")]
            return [int(str(each["type"])[len("agent.n") :]) for each in own]

        def begin() -> None:
            nonlocal store, reporter
            store = bench.store()
            reporter = bench.reporter(store)
            reporter.startService()

        def lose() -> None:
            """The process is gone; what it had only in memory is, too."""
            held = [json.loads(each.line) for each in reporter._writer.unstored]
            may_be_lost.update(serials(held))
            bench.forget_calls()
            store.close()
            bench.system.crash_after = None
            bench.system.crashed = False
            begin()

        store = bench.store()
        reporter = bench.reporter(store)
        reporter.startService()
        for what, number in [*steps, ("free", 0), ("ok", 0), ("kill", 0), ("wait", 100)]:
            if what == "emit":
                for _ in range(number):
                    emitted += 1
                    reporter.emit(f"agent.n{emitted}", "info", {}, "rec_1")
            elif what == "wait":
                bench.pass_time(number)
            elif what in {"full", "free"}:
                bench.system.full = what == "full"
            elif what == "crash":
                bench.system.crash_after = number
            elif what == "kill":
                lose()
            elif what == "stop":
                stopped = reporter.stopService()
                bench.pass_time(30)
                self.successResultOf(stopped)
                lose()
            else:
                bench.mode = what
            bench.settle()
            if bench.system.crashed:
                self.flushLoggedErrors(Crash)
                lose()
        first = list(dict.fromkeys(serials(bench.taken)))
        reached = set(first) | set(serials(bench.refused))
        self.assertEqual(first, sorted(first))
        self.assertEqual(set(range(1, emitted + 1)) - reached - may_be_lost, set())
        stopped = reporter.stopService()
        bench.pass_time(1)
        self.successResultOf(stopped)
        self.assertEqual(bench.clock.getDelayedCalls(), [])
