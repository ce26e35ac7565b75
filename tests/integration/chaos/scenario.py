"""
What happens in a run, decided from its seed alone.

Moments are seconds after a stage is first reached, and are told from outside: see
:mod:`tests.integration.chaos.stages`.  Two runs of one seed have the same plan; what becomes of it
depends on the machine.
"""

from __future__ import annotations

import random
from typing import Final, Literal

import attrs

Stage = Literal["claimed", "opened", "grows", "captured", "renders", "uploads", "cached"]
Kind = Literal[
    "kill agent",
    "restart agent",
    "kill capture",
    "kill shim",
    "freeze capture",
    "device gone",
    "controller down",
    "busy controller",
    "reset upload",
    "slow line",
    "lease lost",
    "stop",
    "full disk",
    "clock step",
    "kill ffmpeg",
    "torn state",
]

STAGES: Final[tuple[Stage, ...]] = ("claimed", "opened", "grows", "captured", "renders", "uploads")
KINDS: Final[dict[Kind, int]] = {
    "kill agent": 6,
    "restart agent": 4,
    "kill capture": 4,
    "kill shim": 2,
    "freeze capture": 3,
    "device gone": 4,
    "controller down": 3,
    "busy controller": 3,
    "reset upload": 3,
    "slow line": 2,
    "lease lost": 3,
    "stop": 4,
    "full disk": 1,
    "clock step": 2,
    "kill ffmpeg": 3,
    "torn state": 3,
}
"""Every kind of fault, and how often it comes in relation to the others."""

# Faults that need something to happen in mid-capture, or at the delivery, say when they make sense.
_WHEN: Final[dict[Kind, tuple[Stage, ...]]] = {
    "kill capture": ("opened", "grows"),
    "kill shim": ("opened", "grows"),
    "freeze capture": ("grows",),
    "reset upload": ("claimed",),
    "stop": ("claimed", "opened", "grows"),
    "full disk": ("grows",),
    "kill ffmpeg": ("claimed", "renders"),
    "lease lost": ("opened", "grows", "captured", "renders"),
}
# How long faults that last do so, in seconds, and in one run of how many they last much longer.
_LASTS: Final[dict[Kind, tuple[float, float, float]]] = {
    "kill agent": (0.0, 8.0, 8.0),
    "restart agent": (0.0, 3.0, 3.0),
    "torn state": (0.0, 3.0, 3.0),
    "freeze capture": (0.3, 3.0, 3.0),
    "device gone": (1.0, 8.0, 40.0),
    "controller down": (5.0, 20.0, 90.0),
    "busy controller": (1.0, 8.0, 8.0),
    "slow line": (2.0, 10.0, 10.0),
    "full disk": (2.0, 6.0, 6.0),
    "lease lost": (0.0, 4.0, 4.0),
}
_LONG_IN: Final = 25
_FORMATS: Final = ("S16_LE", "S24_3LE", "S24_LE", "S32_LE", "FLOAT_LE")
_SELECTIONS: Final = {"S16_LE": ((1, 2), (4, 2)), "other": ((1, 2), (3, 4))}
_STOPPED_SECONDS: Final = 45  # a job that is stopped by its operator, or else ends then


@attrs.frozen(kw_only=True)
class Job:
    """
    A recording that an operator asks for.

    :ivar group: jobs with the same number are queued as one order.
    :ivar after: seconds after the run's first capture began at which it is queued; 0 at once.
    :ivar seconds: its window.
    :ivar stop_after: when the operator ends it, in seconds after its capture began.
    :ivar selection: the channels that it gets of those that are captured, None for all.
    """

    group: int
    after: float = 0.0
    seconds: int
    stop_after: float | None = None
    selection: tuple[int, int] | None = None
    chunk_seconds: int | None = None
    codec: Literal["wav", "flac"]


@attrs.frozen(kw_only=True)
class Fault:
    """
    Something that happens.

    :ivar stage: the first moment of the run at which it may happen,
    :ivar after: and the seconds from there until it does.
    :ivar lasts: for how long, for kinds that last.
    :ivar chance: between 0 and 1, for what else there is to choose.
    """

    kind: Kind
    stage: Stage
    after: float = 0.0
    lasts: float = 0.0
    chance: float = 0.5


@attrs.frozen(kw_only=True)
class Plan:
    """
    One run.

    :ivar format: the ALSA name of the card's samples.
    :ivar retries: how often the operator orders again what failed; what is not, must be kept.
    """

    seed: int
    format: str
    rate: int
    channels: int
    jobs: tuple[Job, ...]
    faults: tuple[Fault, ...]
    retries: int = 3

    def without(self, kinds: frozenset[str]) -> Plan:
        """Leave out what this machine cannot do; all else stays as it is."""
        return attrs.evolve(
            self, faults=tuple(fault for fault in self.faults if fault.kind not in kinds)
        )


def plan(seed: int) -> Plan:
    """Decide on a run."""
    dice = random.Random(seed)
    jobs, shape = _jobs(dice)
    faults = _faults(dice)
    return Plan(
        seed=seed,
        format=shape[0],
        rate=dice.choice((16_000, 44_100, 48_000)),
        channels=shape[1],
        jobs=jobs,
        faults=faults,
        retries=0 if dice.random() < 0.1 else 3,
    )


def _jobs(dice: random.Random) -> tuple[tuple[Job, ...], tuple[str, int]]:
    name = dice.choice(_FORMATS)
    form = dice.choices(("single", "chunked", "group", "late", "three"), (4, 3, 2, 2, 1))[0]
    channels = 2 if form in {"single", "chunked"} and dice.random() < 0.7 else 4
    selections = _SELECTIONS.get(name, _SELECTIONS["other"])

    def job(group: int, number: int, *, chunked: bool = False, after: float = 0.0) -> Job:
        stopped = dice.random() < 0.2
        flac = name != "S32_LE" and dice.random() < 0.5
        return Job(
            group=group,
            after=after,
            seconds=_STOPPED_SECONDS if stopped else dice.randint(4, 15),
            stop_after=round(dice.uniform(1.0, 12.0), 2) if stopped else None,
            selection=None if channels == 2 else selections[number % 2],
            chunk_seconds=dice.choice((1, 2)) if chunked else None,
            codec="flac" if flac else "wav",
        )

    late = round(dice.uniform(0.5, 4.0), 2)
    chunky = dice.random() < 0.3
    if form == "single":
        jobs = [job(0, 0)]
    elif form == "chunked":
        jobs = [job(0, 0, chunked=True)]
    elif form == "group":
        jobs = [job(0, 0, chunked=chunky), job(0, 1, chunked=chunky)]
    elif form == "late":
        jobs = [job(0, 0, chunked=chunky), job(1, 1, after=late)]
    else:
        jobs = [job(0, 0), job(0, 1), job(1, 0, after=late)]
    return tuple(jobs), (name, channels)


def _faults(dice: random.Random) -> tuple[Fault, ...]:
    chosen: list[Fault] = []
    for _ in range(dice.choices((1, 2, 3, 4), (3, 4, 3, 2))[0]):
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        if kind in {"full disk", "clock step"} and any(each.kind == kind for each in chosen):
            continue
        least, most, longest = _LASTS.get(kind, (0.0, 0.0, 0.0))
        lasts = dice.uniform(least, most)
        if longest > most and dice.randrange(_LONG_IN) == 0:
            lasts = dice.uniform(most, longest)
        stage = dice.choice(_WHEN.get(kind, STAGES))
        # Half of them at the boundary itself, half somewhere behind it.
        after = 0.0 if dice.random() < 0.5 else dice.uniform(0.0, 6.0)
        chosen.append(
            Fault(
                kind=kind,
                stage=stage,
                after=round(after, 2),
                lasts=round(lasts, 2),
                chance=round(dice.random(), 6),
            )
        )
    return tuple(chosen)
