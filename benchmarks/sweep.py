"""What a sweep costs whose list has 100,000 recordings, and how that grows."""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rakkr.cache.candidates import Survey, survey
from rakkr.cache.intent import Intent
from rakkr.cache.manifest import Entry, decode_manifest, encode_manifest, manifest_lines
from rakkr.cache.uncollected import uncollected
from rakkr.controller.messages import CacheRetention
from rakkr.disk.holding import Holding, OnDisk, Proof
from rakkr.disk.space import Space

SIZES = (10_000, 100_000)
ROUNDS = 3
_NOW = 1_800_000_000.0
_DAY = 86_400.0
_FILE = 300_000_000
_POLICIES = 10


def run() -> dict[str, Any]:
    """
    Measure both sizes, each in a process of its own, medians of three rounds of CPU time.

    What the journals say is there before it is measured, what was delivered first first.  Every
    recording has two files, every second capture is that of two recordings, and there are ten
    policies with every kind of limit.  No file is touched: what the disk takes is its own matter.

    :returns: ``plan_seconds`` and ``memory_mib`` of 100,000, ``plan_growth`` and ``growth`` (of
        planning and of the whole sweep, 100,000 over 10,000), and the single figures.
    """
    small, large = (_measured(size) for size in SIZES)
    return {
        "plan_seconds": large["plan"],
        "plan_growth": round(large["plan"] / small["plan"], 1),
        "growth": round(large["whole"] / small["whole"], 1),
        "memory_mib": large["memory_mib"],
        "seconds": {str(size): each for size, each in zip(SIZES, (small, large), strict=True)},
    }


def _measured(size: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", "benchmarks.sweep", str(size)]
    ran = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures


def _holding(number: int, size: int, policies: list[CacheRetention]) -> Holding:
    output = Path(f"/var/lib/rakkr/captures/rec_{number:08d}.flac")
    raw = output.with_name(f"take_{number - number % 4 // 3:08d}.raw.wav")
    uploaded = _NOW - 400 * _DAY * (1 - number / size)
    return Holding(
        recording_id=f"rec_{number:08d}",
        standing="delivered",
        files=(output, raw),
        output=output,
        raw=raw,
        job_ids=(f"job_{number:08d}",),
        policy=policies[number % len(policies)],
        proof=Proof(f"sha256:{number:064x}", _FILE, 1, uploaded),
        since=uploaded,
    )


def _policies(size: int) -> list[CacheRetention]:
    return [
        CacheRetention(
            policy_id=f"policy {number}",
            max_age_days=200.0 + number,
            max_bytes=6 * _FILE * size // _POLICIES // 10,
            min_free_disk_percent=70.0,
        )
        for number in range(_POLICIES)
    ]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(size: int) -> dict[str, Any]:
    """Sweep so many recordings."""
    policies = _policies(size)
    there = OnDisk(_FILE, _FILE, int(_NOW) * 10**9)
    journals = [_holding(number, size, policies) for number in range(size)]
    content = encode_manifest(Entry(each, dict.fromkeys(each.files, there)) for each in journals)
    known = {each.job_ids[0]: each for each in journals}
    gc.collect()
    before = _peak_mib()
    intent = Intent(listed=policies, orphan_days=30, now=_NOW, space=Space(0, 2 * _FILE * size))
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        read, (entries, _problems) = _timed(
            uncollected()(partial(decode_manifest, content, known.get))
        )
        looked, seen = _timed(uncollected()(partial(_survey, journals, entries, there)))
        planned, (_rules, deletions) = _timed(uncollected()(partial(intent.sweep, seen)))
        written, _ = _timed(partial(_written, seen.entries))
        rounds.append({"read": read, "survey": looked, "plan": planned, "write": written})
        reasons = {each.reason for each in deletions}
        del entries, seen, deletions
        assert reasons == {"max_age", "max_bytes", "min_free_disk"}, reasons
    figures = {name: round(median(each[name] for each in rounds), 3) for name in rounds[0]}
    whole = round(sum(figures.values()), 3)
    return {**figures, "whole": whole, "memory_mib": round(_peak_mib() - before)}


def _written(entries: Sequence[Entry]) -> int:
    return sum(map(len, manifest_lines(entries)))


def _survey(journals: list[Holding], entries: list[Entry], there: OnDisk) -> Survey:
    return survey(journals, entries, lambda _: there, lambda _: False)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
