"""SystemHealth: watches disks, load and sound cards, whatever else the agent does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.health.edge import Edge, Emitter
from rakkr.health.problems import OpenProblems
from rakkr.periodic import Periodic
from rakkr.system import checks
from rakkr.system.alarm import Alarm
from rakkr.system.audio import AudioInputs
from rakkr.system.disk_probe import DiskProbe
from rakkr.system.file_system import FileSystem
from rakkr.system.levels import Bands, Level
from rakkr.system.load import Load
from rakkr.system.question import NotKnown

DISK_CALM: Final = 2.0
"""Points of percent by which a disk must come down below a limit to be better."""

Work = Callable[[], Coroutine[Deferred[Any], Any, None]]


@attrs.frozen(kw_only=True)
class Sources:
    """
    What is looked at.

    :ivar disk: the disk that the settings name.
    :ivar captures: the one that captures are written to.
    :ivar load: raises :class:`NotKnown`, as all of these do.
    :ivar audio: the inputs; waits while nobody has looked for any yet.
    :ivar devices: the devices that the settings name at the moment.
    """

    disk: DiskProbe
    captures: DiskProbe
    load: Callable[[], Coroutine[Deferred[Any], Any, Load]]
    audio: Callable[[], Coroutine[Deferred[Any], Any, AudioInputs]]
    devices: Callable[[], Sequence[str]]


class SystemHealth(MultiService):
    """
    Looks every ``seconds``; each probe has a timer of its own, so one that hangs holds up no other.

    A probe that cannot be carried out is reported, too, and what it watches stays as it was.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        sources: Sources,
        evidence: Emitter,
        problems: OpenProblems,
        *,
        node_id: str,
        disk: Bands,
        load: Bands,
        seconds: float,
    ) -> None:
        """
        :param disk: limits in percent, of bytes and of inodes.
        :param load: limits of the load of one processor.
        """
        super().__init__()
        self.setName("system health")
        self._sources = sources
        self._node_id = node_id
        self._disk = disk
        self._load = load
        self._edges: list[Edge] = []
        self._alarms = {
            check: Alarm(check, evidence, problems)
            for check in (
                checks.DISK,
                checks.CAPTURE_DISK,
                checks.INODES,
                checks.READ_ONLY,
                checks.LOAD,
                checks.AUDIO,
            )
        }
        for name, work in (
            ("disk", self._look_at_disk),
            ("capture_disk", self._look_at_captures),
            ("load", self._look_at_load),
            ("audio", self._look_at_audio),
        ):
            key = f"{checks.PROBE_FAILED}.{name}"
            edge = Edge(
                evidence,
                checks.PROBE_FAILED,
                checks.PROBE_RECOVERED,
                problems=problems,
                key=key,
            )
            self._edges.append(edge)
            step = self._bounded(name, edge, work)
            Periodic(clock, seconds, step, name=f"probing {name}").setServiceParent(self)

    @property
    def level(self) -> Level:
        """The worst that is wrong; a probe that fails is a warning."""
        failing = any(edge.failures for edge in self._edges)
        worst = max(alarm.level for alarm in self._alarms.values())
        return max(worst, Level.WARNING if failing else Level.HEALTHY)

    @property
    def status(self) -> str:
        """The node's status in the controller's words, as far as the machine decides it."""
        return {Level.HEALTHY: "online", Level.WARNING: "degraded", Level.CRITICAL: "alerting"}[
            self.level
        ]

    def _bounded(self, name: str, edge: Edge, work: Work) -> Work:
        facts = {"nodeId": self._node_id, "probe": name}

        async def step() -> None:
            try:
                await work()
            except NotKnown as error:
                if not edge.failures:
                    self.log.warn("probing {name}: {error}", name=name, error=str(error))
                edge.failed({**facts, "error": str(error), "failureCount": 1})
            else:
                edge.worked({**facts, "error": None})

        return step

    async def _look_at_disk(self) -> None:
        probe = self._sources.disk
        await self._judge_filled(checks.DISK, probe, await probe.look.ask())

    async def _look_at_captures(self) -> None:
        """Where captures go; how full it is counts once when it is the other disk as well."""
        probe = self._sources.captures
        seen = await probe.look.ask()
        self._judge_writing(probe.path, seen)
        told = self._alarms[checks.CAPTURE_DISK].level is not Level.HEALTHY
        if told or not await self._is_the_disk(seen):
            await self._judge_filled(checks.CAPTURE_DISK, probe, seen)

    async def _is_the_disk(self, seen: FileSystem) -> bool:
        try:
            other = await self._sources.disk.look.ask()
        except NotKnown:  # its own probe says so
            return False
        return other.device == seen.device

    async def _judge_filled(self, check: checks.Check, probe: DiskProbe, seen: FileSystem) -> None:
        filled = await probe.filled(seen)
        self._judge_percent(check, probe.path, filled.used_percent)

    def _judge_writing(self, path: Path, seen: FileSystem) -> None:
        self._judge_percent(
            checks.INODES,
            path,
            seen.inodes_used_percent,
            freeInodes=seen.free_inodes,
            totalInodes=seen.inodes,
        )
        level = Level.CRITICAL if seen.read_only else Level.HEALTHY
        details = {"nodeId": self._node_id, "path": str(path)}
        self._alarms[checks.READ_ONLY].judged(level, details)

    def _judge_percent(self, check: checks.Check, path: Path, used: float, **more: int) -> None:
        alarm = self._alarms[check]
        details = {
            "criticalPercent": self._disk.critical,
            "nodeId": self._node_id,
            "path": str(path),
            "usedPercent": round(used, 1),
            "warningPercent": self._disk.warning,
            **more,
        }
        alarm.judged(self._disk.level(used, alarm.level), details)

    async def _look_at_load(self) -> None:
        load = await self._sources.load()
        alarm = self._alarms[checks.LOAD]
        details = {
            "cores": round(float(load.cores), 1),
            "criticalLoadPerCore": self._load.critical,
            "loadAverageOneMinute": round(load.one_minute, 1),
            "loadPerCore": round(load.per_core, 1),
            "nodeId": self._node_id,
            "warningLoadPerCore": self._load.warning,
        }
        alarm.judged(self._load.level(load.per_core, alarm.level), details)

    async def _look_at_audio(self) -> None:
        inputs = await self._sources.audio()
        details = {**inputs.details(self._sources.devices()), "nodeId": self._node_id}
        self._alarms[checks.AUDIO].judged(inputs.level, details)
        if inputs.error is not None:
            raise NotKnown(inputs.error)
