"""How late a timer of the agent comes while it meters 64 channels, against an idle reactor."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

from functools import partial
from typing import Any

import numpy as np
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from benchmarks.reacting import measured
from rakkr.audio.pcm import sample_format
from rakkr.metering import find_model, make_analysis
from rakkr.meters.service import LOOK_SECONDS
from rakkr.settings import Settings

CHANNELS = 64
RATE = 48_000
SECONDS = 20
TIMER_SECONDS = 0.01


def run() -> dict[str, Any]:
    """
    Measure the lateness of a 10 ms timer, idle and then while everything is metered.

    Levels, quality, speech and live sound of 64 channels of S32_LE are made in a thread, a quarter
    of a second at a time, as the meters do.

    :returns: ``idle_p99_ms``, ``metering_p99_ms``, ``added_p99_ms``, and the worst of each.
    """
    return measured(_measure)


async def _measure(reactor: Any, result: dict[str, Any]) -> None:
    pool = ThreadPool(0, 4)
    pool.start()
    reactor.addSystemEventTrigger("during", "shutdown", pool.stop)
    idle = await _lateness(reactor)
    work = LoopingCall(_metering(reactor, pool))
    work.clock = reactor
    done = work.start(LOOK_SECONDS, now=True)
    await deferLater(reactor, 2.0)  # what is made once is made
    metering = await _lateness(reactor)
    work.stop()
    await done
    for name, late in (("idle", idle), ("metering", metering)):
        result[f"{name}_p99_ms"] = round(float(np.percentile(late, 99)) * 1000, 2)
        result[f"{name}_max_ms"] = round(float(late.max()) * 1000, 2)
    result["added_p99_ms"] = round(result["metering_p99_ms"] - result["idle_p99_ms"], 2)


def _metering(reactor: Any, pool: ThreadPool) -> Any:
    sample = sample_format("S32_LE")
    analysis = make_analysis(Settings(), find_model(), sample, RATE, CHANNELS)
    random = np.random.default_rng(1)
    frames = int(RATE * LOOK_SECONDS)
    shape = (frames, CHANNELS)
    data = (random.standard_normal(shape) * 2.0**27).astype("<i4").tobytes()
    looks = iter(range(1 << 30))

    async def look() -> None:
        await deferToThreadPool(reactor, pool, partial(analysis.feed, data))
        analysis.take_chunks()
        if next(looks) % 20 == 0:
            analysis.frame()

    return lambda: Deferred.fromCoroutine(look())


async def _lateness(reactor: Any) -> Any:
    late: list[float] = []
    end = reactor.seconds() + SECONDS
    while (now := reactor.seconds()) < end:
        await deferLater(reactor, TIMER_SECONDS)
        late.append(reactor.seconds() - now - TIMER_SECONDS)
    return np.array(late)
