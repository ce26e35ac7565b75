"""
Nothing that reached the sound card is lost, whatever happens to it.

The card counts its frames, the delivered files hold their numbers, and the agent declares what it
lacks: see :mod:`tests.integration.chaos`.  ``make chaos RUNS=300 SEED=1`` does as many as wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import DeferredSemaphore, gatherResults

from tests.integration.chaos.run import Result, run_plan
from tests.integration.chaos.scenario import Fault, Job, Kind, Plan, Stage, plan
from tests.integration.chaos.world import lacking

AT_ONCE = 5
SEEDS = range(1, 7)
# Each kind of fault alone, where it hurts most: the stage, how long after it, how long it lasts.
ALONE: dict[Kind, tuple[Stage, float, float]] = {
    "kill agent": ("grows", 1.0, 1.0),
    "restart agent": ("grows", 1.0, 0.0),
    "kill capture": ("grows", 1.0, 0.0),
    "kill shim": ("grows", 1.0, 0.0),
    "freeze capture": ("grows", 1.0, 1.5),
    "device gone": ("grows", 1.0, 2.5),
    "controller down": ("grows", 1.0, 6.0),
    "busy controller": ("captured", 0.0, 3.0),
    "reset upload": ("grows", 0.0, 0.0),
    "slow line": ("grows", 0.0, 8.0),
    "lease lost": ("grows", 1.0, 0.5),
    "stop": ("grows", 2.0, 0.0),
    "full disk": ("grows", 1.0, 4.0),
    "clock step": ("grows", 1.0, 0.0),
    "kill ffmpeg": ("grows", 0.0, 0.0),
    "torn state": ("grows", 1.0, 0.5),
}


def alone(seed: int, kind: Kind) -> Plan:
    """One recording, one fault."""
    stage, after, lasts = ALONE[kind]
    fault = Fault(kind=kind, stage=stage, after=after, lasts=lasts, chance=0.3)
    job = Job(group=0, seconds=6, codec="flac")
    return Plan(seed=seed, format="S16_LE", rate=48_000, channels=2, jobs=(job,), faults=(fault,))


async def done(plans: Sequence[Plan], directory: Path) -> list[Result]:
    """Do runs side by side."""
    places = DeferredSemaphore(AT_ONCE)

    async def one(made: Plan) -> Result:
        own = directory / f"seed-{made.seed}"
        own.mkdir()
        return await run_plan(reactor, made, own)

    return await gatherResults([places.run(one, made) for made in plans])


def told(results: Sequence[Result]) -> str:
    """What is wrong, for people."""
    return "\n".join(
        f"seed {result.plan.seed}, {result.happened}: {result.complaints}"
        for result in results
        if not result.good
    )


@pytest.mark.deadline(240)
async def test_each_fault_alone(tmp_path: Path) -> None:
    """No kind of fault, alone in mid-recording, costs a frame that the agent does not declare."""
    kinds = [kind for kind in ALONE if kind not in lacking()]
    results = await done([alone(seed, kind) for seed, kind in enumerate(kinds)], tmp_path)
    assert all(result.good for result in results), told(results)
    assert sum(result.total("delivered") for result in results) > len(kinds) * 48_000


@pytest.mark.deadline(240)
async def test_fixed_seeds(tmp_path: Path) -> None:
    """Several faults at once, as some fixed seeds throw them, cost nothing undeclared."""
    plans = [plan(seed).without(lacking()) for seed in SEEDS]
    results = await done(plans, tmp_path)
    assert all(result.good for result in results), told(results)
    assert sum(result.total("lost") for result in results) == 0
