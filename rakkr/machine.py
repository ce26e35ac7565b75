"""The watch over the machine itself, put together."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from rakkr.health.edge import Emitter
from rakkr.health.problems import NAME, OpenProblems
from rakkr.heartbeat import Description
from rakkr.inventory.interface import Inventory
from rakkr.moment import Moment
from rakkr.process_identity import PROC
from rakkr.settings import Settings
from rakkr.system.audio import AudioInputs
from rakkr.system.disk_probe import LOOK_SECONDS, DiskProbe
from rakkr.system.levels import Bands
from rakkr.system.load import Load, parse_loadavg
from rakkr.system.question import Question
from rakkr.system.service import DISK_CALM, Sources, SystemHealth

if TYPE_CHECKING:
    from rakkr.tap import World

log = Logger()

_MOST_BYTES: Final = 256


def make_problems(settings: Settings, world: World) -> OpenProblems:
    """What was wrong when the agent was here last, from beside its state file."""
    path = settings.agent_state_file.absolute().with_name(NAME)
    return OpenProblems(path, world.in_thread, world.reactor, settings.node_id)


class Looks(Protocol):
    """What looks for inputs; see ``rakkr.inventory.survey.Survey``."""

    @property
    def known(self) -> Inventory:
        """What there is."""

    @property
    def trouble(self) -> str | None:
        """Why some cannot be looked for, None when they can."""


class InputWatch:
    """Describes the node for the heartbeat, and keeps what that found for the watch over inputs."""

    def __init__(self, describe: Callable[[], Awaitable[Description]], looks: Looks) -> None:
        self._describe = describe
        self._looks = looks
        self._summary: Mapping[str, Any] = {}
        self._first = Moment[None]()

    async def __call__(self) -> Description:
        """Probe, and describe."""
        description = await self._describe()
        self._summary = description.summary
        if self._says_anything:
            self._first.comes(None)
        return description

    @property
    def _says_anything(self) -> bool:
        return self._looks.known.probe_ok or self._looks.trouble is not None

    async def last(self) -> AudioInputs:
        """What the last probe found; waits for the first that says anything."""
        await self._first.when()
        return AudioInputs(
            interfaces=self._looks.known.interfaces,
            backends=self._summary["audioBackends"],
            listed=self._summary["interfaceCount"],
            error=self._looks.trouble,
        )

    async def anew(self) -> AudioInputs:
        """Probe now; for an agent without a heartbeat."""
        await self()
        while not self._says_anything:  # each look takes its time
            await self()
        return await self.last()


def add_system_health(
    root: MultiService,
    settings: Settings,
    world: World,
    evidence: Emitter,
    problems: OpenProblems,
    *,
    audio: Callable[[], Coroutine[Deferred[Any], Any, AudioInputs]],
    devices: Callable[[], Sequence[str]],
) -> Callable[[], str]:
    """
    Add what watches the disks, the load and the inputs, unless it is switched off.

    :param audio: gives the inputs of the last look for them.
    :param devices: gives the devices that the settings name.
    :returns: says the node's status while it does not record.
    """
    if not settings.system_health_enabled:
        return lambda: "online"
    sources = _sources(settings, world, audio, devices)
    health = SystemHealth(
        world.reactor,
        sources,
        evidence,
        problems,
        node_id=settings.node_id,
        disk=_disk_bands(settings),
        load=_load_bands(settings),
        seconds=settings.heartbeat_seconds,
    )
    health.setServiceParent(root)
    return lambda: health.status


def _disk_bands(settings: Settings) -> Bands:
    return _bands(
        "--system-health-disk-warning-percent",
        settings.system_health_disk_warning_percent,
        settings.system_health_disk_critical_percent,
        calm=DISK_CALM,
    )


def _load_bands(settings: Settings) -> Bands:
    return _bands(
        "--system-health-load-warning-per-core",
        settings.system_health_load_warning_per_core,
        settings.system_health_load_critical_per_core,
    )


def _bands(flag: str, warning: float, critical: float, **calm: float) -> Bands:
    if warning > critical:
        log.warn(
            "{flag} is {above:g}, which is more than the {below:g} that is critical: they are"
            " taken in the other order",
            flag=flag,
            above=warning,
            below=critical,
        )
    return Bands.ordered(warning, critical, **calm)


def _sources(
    settings: Settings,
    world: World,
    audio: Callable[[], Coroutine[Deferred[Any], Any, AudioInputs]],
    devices: Callable[[], Sequence[str]],
) -> Sources:
    probe = partial(
        DiskProbe,
        command=settings.system_health_df_command,
        spawner=world.reactor,
        clock=world.reactor,
        in_thread=world.in_thread,
        environ=world.environ,
        proc=PROC,
    )
    return Sources(
        disk=probe(settings.system_health_disk_path.absolute()),
        captures=probe(settings.capture_dir.absolute()),
        load=_load_of(settings.system_health_loadavg_path, world),
        audio=audio,
        devices=devices,
    )


def _load_of(path: Path, world: World) -> Callable[[], Coroutine[Deferred[Any], Any, Load]]:
    def read() -> float:
        with path.open(encoding="ascii", errors="replace") as file:
            return parse_loadavg(file.read(_MOST_BYTES))

    question = Question(world.reactor, world.in_thread, read, about=str(path), seconds=LOOK_SECONDS)

    async def look() -> Load:
        return Load(await question.ask(), len(os.sched_getaffinity(0)))

    return look
