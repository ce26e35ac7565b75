"""From what a run left behind to the account of each of its recordings."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.process import Ladder, run
from rakkr.stamps import parse_stamp
from rakkr.tone.ledger import Run
from tests.integration.chaos import evidence
from tests.integration.chaos.accounting import Account, Declared, Truth, account, kept
from tests.integration.chaos.pieces import pieces_of
from tests.integration.chaos.scenario import Job
from tests.integration.chaos.world import World

_LAG_SECONDS = 3.0  # from the claim of a job that joins a capture to its first frame, at most
_SLACK_SECONDS = 0.1
_REASONS_FOR_NOTHING = {"device gone", "stop", "full disk"}


class Misdelivered(Exception):
    """What the controller holds of a recording cannot be put together; the message says why."""


class Judge:
    """
    Knows the truth of a run that is over.

    :param events: the agent's events, oldest first.
    """

    def __init__(self, world: World, events: Sequence[Mapping[str, Any]]) -> None:
        self._world = world
        self._events = events

    async def account(self, job: Job, recording: str, found: Mapping[str, Any]) -> Account:
        """
        Account for a recording.

        :param found: what the controller said of it last.
        :raises Exception: of several kinds, when it cannot be judged.
        """
        world, plan = self._world, self._world.plan
        wrote = evidence.ledgers(world.rig.directory / "ledgers")
        near = wrote[0].first if wrote else world.number_at(time.monotonic())
        truth = self._truth(job, found, wrote)
        paths = self._delivered(found)
        if not paths:
            return await self._kept(recording, truth, near)
        content, sample = await self._decoded(paths)
        channels = plan.channels if job.selection is None else len(job.selection)
        pieces = pieces_of(content, sample, channels, near)
        told = evidence.declared(self._events, recording, plan.rate)
        result = account(pieces, truth, told or Declared(), evidence.tolerance_at(plan.rate))
        if told is None:
            unsaid = f"no {evidence.ACCOUNTED} came"
            result = attrs.evolve(result, problems=(*result.problems, unsaid))
        return result

    async def _kept(self, recording: str, truth: Truth, near: int) -> Account:
        plan = self._world.plan
        shape = FORMATS[plan.format], plan.rate, plan.channels
        found = kept(evidence.kept_runs(self._world.captures, *shape, near), truth)
        problem = None
        if found.captured and recording not in await self._salvage():
            problem = f"{recording} is not in the list of what was salvaged"
        if not found.captured and not self._may_have_nothing():
            problem = "nothing was captured at all"
        problems = found.problems if problem is None else (*found.problems, problem)
        return attrs.evolve(found, problems=problems)

    def _may_have_nothing(self) -> bool:
        plan = self._world.plan
        reasons = _REASONS_FOR_NOTHING & {fault.kind for fault in plan.faults}
        return bool(reasons) or any(job.stop_after is not None for job in plan.jobs)

    async def _salvage(self) -> str:
        """What the agent says to whoever asks it for kept audio."""
        rig, reactor = self._world.rig, self._world.reactor
        command = str(Path(sys.executable).with_name("rakkr-recorder-agent"))
        argv = [command, "--list-salvage", *rig.agent_flags()]
        ran = await run(reactor, reactor, argv, env=rig.environ, ladder=Ladder(limit=30.0))
        return ran.stdout.decode(errors="replace")

    def _truth(self, job: Job, found: Mapping[str, Any], wrote: tuple[Run, ...]) -> Truth:
        world, rate = self._world, self._world.plan.rate
        ahead = time.time() - time.monotonic()

        def number(stamp: str) -> int:
            return world.number_at(parse_stamp(stamp) - ahead)

        attempts = found.get("jobs", ())
        # An agent that was killed before it had written a claim down knows nothing of that job.
        known = [each for each in attempts if "startedAt" in each and self._noted(each["id"])]
        windows = [number(each["startedAt"]) for each in known]
        lag = round(_LAG_SECONDS * rate)
        begins = first_owed(wrote, windows, job.seconds * rate, lag)
        if known and (job.group or known[0] != attempts[0]):
            claimed = number(known[0]["startedAt"])
            # The agent hears of a claim a moment later than the controller wrote it down.
            joined = any(each.first - rate <= claimed < each.end for each in wrote)
            begins = claimed + (lag if joined else 0)
        stopped = [
            number(each["stopRequestedAt"]) for each in attempts if "stopRequestedAt" in each
        ]
        return Truth(
            wrote=wrote,
            begins=begins,
            planned=job.seconds * rate,
            stops=min(stopped) - round(_SLACK_SECONDS * rate) if stopped else None,
            dead=tuple(
                Run(world.number_at(died), round((back - died) * rate)) for died, back in world.dead
            ),
            block=rate // 20 + 1,
            may_be_short=any(fault.kind == "full disk" for fault in world.plan.faults),
        )

    def _noted(self, job: str) -> bool:
        """Whether the agent has written anything of a job down."""
        return any(self._world.own.glob(f"**/{job}*.jsonl")) or any(
            event["type"].startswith("agent.") and event["details"].get("jobId") == job
            for event in self._events
        )

    def _delivered(self, found: Mapping[str, Any]) -> list[Path]:
        folder = self._world.rig.solo_directory / "recordings"
        chunks = sorted(found.get("chunks", ()), key=lambda each: each["index"])
        if not chunks:
            files = found["recording"]["files"]
            return [folder / files["primary"]["cachePath"]] if "primary" in files else []
        indexes = [chunk["index"] for chunk in chunks]
        total = chunks[-1].get("chunkTotal")
        if indexes != list(range(1, len(chunks) + 1)) or total != len(chunks):
            raise Misdelivered(f"chunks {indexes} of {total}")
        return [folder / chunk["cachePath"] for chunk in chunks]

    async def _decoded(self, paths: Sequence[Path]) -> tuple[bytes, SampleFormat]:
        world, content = self._world, bytearray()
        for path in paths:
            data, sample = await evidence.decode(
                world.reactor, path, world.plan.format, world.rig.environ
            )
            content += data
        return bytes(content), sample


def first_owed(wrote: Sequence[Run], windows: Sequence[int], planned: int, lag: int) -> int:
    """
    The first frame that the recording must have.

    A program that gave its first sample when the window of every attempt was over gave nothing that
    anybody had asked for; and one that ran already when the job was claimed is joined.

    :param lag: from the claim of a job that joins a capture to its first frame, at most.
    """
    for run_ in wrote:
        asked = [
            begins for begins in windows if begins < run_.end and run_.first < begins + planned
        ]
        if asked and min(asked) > run_.first:
            return min(asked) + lag
        if asked or not windows:
            return run_.first
    return wrote[-1].end if wrote else 0
