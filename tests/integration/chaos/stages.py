"""How far a run is, as it is seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from rakkr.moment import Moment
from tests.integration.chaos.scenario import Stage
from tests.integration.chaos.world import World

_LOOK_SECONDS = 0.04
_HEADER_BYTES = 128
_ORDER: tuple[Stage, ...] = (
    "claimed",
    "opened",
    "grows",
    "captured",
    "renders",
    "uploads",
    "cached",
)


class Stages:
    """
    Looks at the files of agent and controller all the time.

    :ivar over: comes when nothing more will happen in the run.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._moments: dict[Stage, Moment[None]] = {stage: Moment() for stage in _ORDER}
        self.over: Moment[None] = Moment()
        self._looking = LoopingCall(self._look)
        self._looking.clock = world.reactor

    def start(self) -> None:
        """Begin to look."""
        self._looking.start(_LOOK_SECONDS).addErrback(self._blind)

    def stop(self) -> None:
        """Look no more, and keep nobody waiting."""
        if self._looking.running:
            self._looking.stop()
        self.over.comes(None)

    def when(self, stage: Stage) -> Deferred[None]:
        """Fire when a stage is reached for the first time."""
        return self._moments[stage].when()

    def _blind(self, failure: Failure) -> None:
        self._world.notes.append(f"the stages cannot be seen: {failure.getTraceback()}")

    def _look(self) -> None:
        reached = max((_ORDER.index(stage) for stage in self._seen()), default=-1)
        for stage in _ORDER[: reached + 1]:
            self._moments[stage].comes(None)
        if self._moments["cached"].came and self._looking.running:
            self._looking.stop()

    def _seen(self) -> Iterator[Stage]:
        world = self._world
        if any(world.own.glob("jobs/*.jsonl")):
            yield "claimed"
        sizes = [_size(path) for path in world.captures.glob("*.raw.*")]
        if sizes:
            yield "opened"
        if any(size > _HEADER_BYTES for size in sizes):
            yield "grows"
            if not self._moments["captured"].came and any(world.captures.glob("*.exit")):
                yield "captured"
        if not self._moments["renders"].came and any(world.captures.glob(".*.part")):
            yield "renders"
        solo = world.rig.solo_directory
        if any(_size(path) for path in solo.glob("incoming/*")):
            yield "uploads"
        if any(solo.glob("recordings/ad-hoc/**/*.*")):
            yield "cached"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
