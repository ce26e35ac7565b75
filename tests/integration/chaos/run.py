"""One run: from a plan to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.task import deferLater

from rakkr.rig import NODE
from rakkr.solo.operator import OperatorRefused
from tests.integration.chaos import evidence
from tests.integration.chaos.accounting import Account
from tests.integration.chaos.faults import Faults, mount, stop, unmount
from tests.integration.chaos.judge import Judge
from tests.integration.chaos.scenario import Job, Plan
from tests.integration.chaos.stages import Stages
from tests.integration.chaos.world import World
from tests.integration.health_logs import faults_below

_PAUSE_SECONDS = 0.4
_QUIET_SECONDS = 2.0
_LEARNING_SECONDS = 20.0  # a lease is renewed every 10 s, and then an agent learns that it is lost
_PATIENCE_SECONDS = 150.0
_GIVEN_UP = {"failed", "cancelled"}
_TOLD = "controller_stop_requested"


@attrs.frozen(kw_only=True)
class Result:
    """
    What became of a run.

    :ivar happened: the faults, as they were done.
    :ivar accounts: of each recording.
    :ivar problems: what else went wrong.
    """

    plan: Plan
    happened: tuple[str, ...]
    accounts: tuple[Account, ...]
    problems: tuple[str, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether every frame is accounted for."""
        return not self.problems and all(each.good for each in self.accounts)

    def total(self, what: str) -> int:
        """A sum over the recordings, in frames."""
        return sum(getattr(each, what) for each in self.accounts)

    @property
    def complaints(self) -> tuple[str, ...]:
        """All that is wrong."""
        return (*self.problems, *(each for one in self.accounts for each in one.problems))


@attrs.define(eq=False)
class _Asked:
    """A recording that was queued; ``found`` is what the controller last said of it."""

    job: Job
    id: str
    retries: int = 0
    found: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def given_up(self) -> bool:
        """Whether its last job failed, and not because the agent said so when it was stopped."""
        job = self.found["jobs"][-1]
        return job["status"] in _GIVEN_UP and job.get("failureReason") != _TOLD


async def run_plan(reactor: Any, plan: Plan, directory: Path) -> Result:
    """
    Do a run in an empty directory.

    Nothing of it runs afterwards, whatever happened; the directory is left as it is.
    """
    began = reactor.seconds()
    world = World.make(reactor, plan, directory)
    async with world.relay:
        one = _OneRun(world)
        own_disk = any(fault.kind == "full disk" for fault in plan.faults)
        if own_disk:
            await mount(world)
        try:
            accounts, problems = await one.do()
        finally:
            one.stages.stop()
            await world.rig.stop()
            if own_disk:
                await unmount(world)
    return Result(
        plan=plan,
        happened=tuple(one.faults.done),
        accounts=tuple(accounts),
        problems=(*world.notes, *problems),
        seconds=reactor.seconds() - began,
    )


class _OneRun:
    def __init__(self, world: World) -> None:
        self.world = world
        self.stages = Stages(world)
        self.asked: list[_Asked] = []
        self.faults = Faults(world, self.stages, [], world.reactor.seconds())

    async def do(self) -> tuple[list[Account], list[str]]:
        """Let it all happen, then account for it."""
        world = self.world
        await world.start_controller()
        await world.ask(
            lambda each: each.configure(NODE, {"recordingCapacity": {"maxConcurrentRecordings": 4}})
        )
        await self._queue(0)
        self.stages.start()
        world.start_agent()
        works = [Deferred.fromCoroutine(self._late())]
        works += [Deferred.fromCoroutine(self._stopping(each)) for each in self.asked]
        works += [Deferred.fromCoroutine(self.faults.happen(each)) for each in world.plan.faults]
        problems: list[str] = []
        try:
            settled = Deferred.fromCoroutine(self._settled())
            await settled.addTimeout(self._patience(), world.reactor)
        except TooLate:
            problems.append("the run did not come to its end")
        self.stages.stop()
        await gatherResults(works).addTimeout(_PATIENCE_SECONDS, world.reactor)
        events = await self._heard()
        await world.rig.stop()
        problems += faults_below(world.rig.directory)
        accounts, judge = [], Judge(world, events)
        for each in self.asked:
            try:
                accounts.append(await judge.account(each.job, each.id, each.found))
            except Exception as error:  # noqa: BLE001 - a run that cannot be judged has failed
                problems.append(f"{each.id}: {type(error).__name__}: {error}")
        return accounts, problems

    def _patience(self) -> float:
        plan = self.world.plan
        window = max(job.seconds + job.after for job in plan.jobs)
        return _PATIENCE_SECONDS + window + sum(fault.lasts for fault in plan.faults)

    # The operator

    async def _queue(self, group: int) -> None:
        plan, world = self.world.plan, self.world
        jobs = [job for job in plan.jobs if job.group == group]
        common = {
            "nodeId": NODE,
            "device": world.device,
            "channels": plan.channels,
            "sampleRate": plan.rate,
            "format": plan.format,
        }
        order = {**common, "members": [_member(job) for job in jobs]}
        answer = await world.ask(lambda operator: operator.queue(order))
        for job, made in zip(jobs, answer["members"], strict=True):
            self.asked.append(_Asked(job, made["recording"]["id"]))
            self.faults.recordings.append(made["recording"]["id"])

    async def _late(self) -> None:
        for group in sorted({job.group for job in self.world.plan.jobs} - {0}):
            after = next(job.after for job in self.world.plan.jobs if job.group == group)
            await self.stages.when("opened")
            await deferLater(self.world.reactor, after)
            known = len(self.asked)
            await self._queue(group)
            await gatherResults(
                [Deferred.fromCoroutine(self._stopping(each)) for each in self.asked[known:]]
            )

    async def _stopping(self, asked: _Asked) -> None:
        if asked.job.stop_after is not None:
            await self.stages.when("opened")
            await deferLater(self.world.reactor, asked.job.stop_after)
            await stop(self.world, asked.id)

    async def _settled(self) -> None:
        """Wait until every recording is delivered, or given up for good; retry as people do."""
        await self._until(lambda: len(self.asked) == len(self.world.plan.jobs))
        while not all([await self._over(each) for each in self.asked]) or self.faults.active:
            if self.world.crashed:
                return
            await deferLater(self.world.reactor, _PAUSE_SECONDS)

    async def _over(self, asked: _Asked) -> bool:
        asked.found = await self.world.ask(lambda operator: operator.recording(asked.id))
        job = asked.found["jobs"][-1]
        if job["status"] == "completed" or asked.found["recording"]["status"] == "cached":
            # After a stop the last chunk goes first, and completes the job.
            chunks = asked.found["chunks"]
            return len(chunks) == max((each.get("chunkTotal", 0) for each in chunks), default=0)
        if job["status"] not in _GIVEN_UP:
            return False
        if job.get("failureReason") == _TOLD:
            return True
        if asked.retries >= self.world.plan.retries:
            return not self.world.programs()
        if not self.faults.active and not self.world.programs():
            await deferLater(self.world.reactor, _QUIET_SECONDS)
            asked.retries += 1
            await self._retry(asked)
        return False

    async def _retry(self, asked: _Asked) -> None:
        try:
            await self.world.ask(lambda operator: operator.retry(asked.id))
        except OperatorRefused as refused:
            self.world.notes.append(str(refused))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await deferLater(self.world.reactor, _PAUSE_SECONDS)

    async def _heard(self) -> list[dict[str, Any]]:
        """
        The agent's events; the last of them may be on their way.

        What the controller gave up while it was away, an agent does not know yet.
        """
        log = self.world.own / "health-events.jsonl"
        wanted = {each.id for each in self.asked}
        lost = {each.id for each in self.asked if each.given_up}
        began = self.world.reactor.seconds()
        while True:
            known = await self.world.ask(lambda operator: operator.health_events())
            told = [*reversed(known), *evidence.events(log)]
            accounted = evidence.told_of(told, evidence.ACCOUNTED)
            learned = lost <= evidence.told_of(told, *evidence.FAILED)
            waited = self.world.reactor.seconds() - began
            if (wanted <= accounted or waited > _QUIET_SECONDS) and (
                learned or waited > _LEARNING_SECONDS
            ):
                return told
            await deferLater(self.world.reactor, _PAUSE_SECONDS)


def _member(job: Job) -> dict[str, Any]:
    wish = {
        "durationSeconds": job.seconds,
        "outputCodec": job.codec,
        "chunkSeconds": job.chunk_seconds,
        "captureChannelSelection": None if job.selection is None else list(job.selection),
    }
    return {name: value for name, value in wish.items() if value is not None}
