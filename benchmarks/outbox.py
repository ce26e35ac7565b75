"""What events cost: reporting one, and delivering a hundred thousand that have waited."""

from __future__ import annotations

import gc
import json
import random
import tempfile
import time
import tracemalloc
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from benchmarks.reacting import measured
from rakkr.clock import WallTime
from rakkr.health.jsonl import JsonLines
from rakkr.health.refused import DeadLetters
from rakkr.health.reporter import HealthReporter
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store

BACKLOG = 100_000
EMITTED = 5_000
_DETAILS = {"jobId": "job_1", "recordingId": "rec_1", "error": "connection refused", "attempt": 3}
_MIB = 1 << 20


class Taking:
    """
    A controller that takes everything, and counts.

    :ivar peak_bytes: the largest resident size that was seen meanwhile.
    """

    def __init__(self) -> None:
        self.count = 0
        self.peak_bytes = 0
        self._process = psutil.Process()

    async def post_health_event(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Take one."""
        self.count += 1
        if self.count % 1000 == 0:
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


def run() -> dict[str, Any]:
    """
    Measure with both logs; the controller is a counter, so that only this side is measured.

    :returns: for each log ``emit_us`` (what whoever reports an event waits, the median),
        ``stored_per_second``, ``delivered_per_second``, ``growth_mib`` (of the resident memory
        while the backlog is delivered) and ``traced_peak_mib`` (of Python's own objects).
    """
    return measured(_measure)


async def _measure(reactor: Any, result: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for kind in ("jsonl", "sqlite"):
            place = Path(directory) / kind
            if kind == "jsonl":
                store: Store = JsonLines(place / "log", _MIB, 3, 128 * _MIB, delivers=True)
            else:
                store = SqliteLog(place / "log", "node_1", 64 * _MIB, 90, 128 * _MIB, delivers=True)
            result[kind] = await _one(reactor, store, place)


async def _one(reactor: Any, store: Store, place: Path) -> dict[str, Any]:
    controller = Taking()
    reporter = HealthReporter(
        reactor,
        WallTime(time.time),
        "node_1",
        store,
        controller,
        "bench",
        in_thread=partial(deferToThreadPool, reactor, reactor.getThreadPool()),
        random=random.random,
        letters=DeadLetters(place / "refused"),
        events_per_second=1e6,
    )
    began = time.perf_counter()
    _fill(store)
    stored = time.perf_counter() - began
    gc.collect()
    before = psutil.Process().memory_info().rss
    tracemalloc.start()
    began = time.perf_counter()
    reporter.startService()
    while controller.count < BACKLOG:
        await deferLater(reactor, 0.05)
    delivered = time.perf_counter() - began
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    emitted = await _emit(reactor, reporter)
    await reporter.stopService()
    return {
        "emit_us": round(emitted * 1e6, 1),
        "stored_per_second": round(BACKLOG / stored),
        "delivered_per_second": round(BACKLOG / delivered),
        "growth_mib": round((controller.peak_bytes - before) / _MIB, 1),
        "traced_peak_mib": round(traced / _MIB, 2),
    }


def _fill(store: Store) -> None:
    """Put the backlog into the log, a hundred at a time as the reporter does."""
    for first in range(0, BACKLOG, 100):
        lines = []
        for number in range(first, first + 100):
            wire = {
                "details": _DETAILS,
                "id": f"event_{number}",
                "openedAt": "2026-01-01T00:00:00Z",
            }
            line = json.dumps({**wire, "severity": "info", "type": "agent.bench"})
            lines.append(line.encode() + b"\n")
        appended = store.append(lines)
        assert appended.why is None


async def _emit(reactor: Any, reporter: HealthReporter) -> float:
    """The median of what one event costs whoever reports it, in seconds."""
    taken = []
    for number in range(EMITTED):
        began = time.perf_counter()
        reporter.emit("agent.bench", "info", _DETAILS, "rec_1")
        taken.append(time.perf_counter() - began)
        if number % 100 == 0:
            await deferLater(reactor, 0.01)
    return sorted(taken)[len(taken) // 2]
