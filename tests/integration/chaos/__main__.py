"""``python -m tests.integration.chaos --runs 300 --seed 1 --at-once 4``; see ``make chaos``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

from twisted.internet.defer import DeferredSemaphore, gatherResults
from twisted.internet.task import react

from tests.integration.chaos.run import Result, run_plan
from tests.integration.chaos.scenario import Plan, plan
from tests.integration.chaos.world import lacking

_SUMS = ("captured", "delivered", "declared", "lost")


def say(text: str) -> None:
    """Tell the person who watches."""
    print(text, flush=True)  # noqa: T201


def describe(made: Plan) -> str:
    """A plan in one line."""
    jobs = "+".join(
        f"{job.seconds}s"
        f"{f'@{job.after}' if job.after else ''}"
        f"{f'/{job.chunk_seconds}' if job.chunk_seconds else ''}"
        f"{f'|{job.stop_after}' if job.stop_after else ''}"
        f".{job.codec}"
        for job in made.jobs
    )
    return f"{made.format} {made.rate} x{made.channels} {jobs}"


class Runs:
    """
    Does runs side by side, and sums up.

    :param keep: keep the directories of runs that went well, too.
    """

    def __init__(self, reactor: Any, directory: Path, *, keep: bool) -> None:
        self._reactor = reactor
        self._directory = directory
        self._keep = keep
        self._lacking = lacking()
        self.sums = dict.fromkeys(_SUMS, 0)
        self.failed: list[int] = []

    async def one(self, seed: int) -> None:
        """Do one run and print its row."""
        made = plan(seed).without(self._lacking)
        directory = Path(tempfile.mkdtemp(prefix=f"seed-{seed}-", dir=self._directory))
        faults = ", ".join(fault.kind for fault in made.faults)
        try:
            result = await run_plan(self._reactor, made, directory)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
            say(f"{seed:>8}  FAILED  {describe(made)}  {faults}: {type(error).__name__}: {error}")
            say(f"          everything of it is in {directory}")
            self.failed.append(seed)
            return
        self._sum_up(result)
        sums = " ".join(f"{result.total(what):>9}" for what in _SUMS)
        verdict = "ok    " if result.good else "FAILED"
        say(f"{seed:>8}  {verdict} {sums}  {result.seconds:5.0f}s  {describe(made)}  {faults}")
        if not result.good:
            self._explain(result, directory)
        elif not self._keep:
            shutil.rmtree(directory)

    def _sum_up(self, result: Result) -> None:
        for what in _SUMS:
            self.sums[what] += result.total(what)
        if not result.good:
            self.failed.append(result.plan.seed)

    def _explain(self, result: Result, directory: Path) -> None:
        for line in (*result.happened, *result.complaints):
            say(f"          {line}")
        say(f"          everything of it is in {directory}")
        say(f"          again: make chaos RUNS=1 SEED={result.plan.seed}")


def main() -> None:
    """Run the command; the exit code is 1 when a frame was lost or a run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each has its own")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--directory", type=Path, help="where the runs have their directories")
    parser.add_argument("--keep", action="store_true", help="keep those of good runs, too")
    react(_main, (parser.parse_args(),))


async def _main(reactor: Any, asked: argparse.Namespace) -> None:
    reactor.seconds = time.monotonic
    directory = asked.directory or Path(tempfile.mkdtemp(prefix="chaos-"))
    directory.mkdir(parents=True, exist_ok=True)
    for kind in sorted(lacking()):
        say(f"this machine cannot do: {kind}")
    say(f"{'seed':>8}  {'':6} " + " ".join(f"{what:>9}" for what in _SUMS) + "  (frames)")
    runs = Runs(reactor, directory, keep=asked.keep)
    places = DeferredSemaphore(asked.at_once)
    seeds = range(asked.seed, asked.seed + asked.runs)
    await gatherResults([places.run(runs.one, seed) for seed in seeds])
    if not any(directory.iterdir()):
        directory.rmdir()
    summary = {"runs": asked.runs, **runs.sums, "failed_seeds": sorted(runs.failed)}
    say(json.dumps(summary, separators=(",", ":")))
    if runs.failed or runs.sums["lost"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
