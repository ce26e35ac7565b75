"""Measuring the configured device once, for ``--print-meter-frame``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.survey import Survey
from rakkr.inventory.theirs import Directory
from rakkr.live import LiveSettings
from rakkr.metering import find_model, make_idle, name_of
from rakkr.meters.frame import MeterFrame
from rakkr.meters.idle import IdleMeter
from rakkr.meters.synthetic import synthetic_frame
from rakkr.settings import Settings
from rakkr.workshop import router_of

if TYPE_CHECKING:
    from rakkr.tap import World

LIMIT_SECONDS: Final = 30.0
"""It takes no longer than the measurement and this, whatever hangs."""
_LOOK_SECONDS: Final = 0.1


class NoSamples(Exception):
    """Levels that could not be measured; the message says why."""


async def one_frame(settings: Settings, world: World, survey: Survey) -> dict[str, Any]:
    """
    Measure once.

    :raises NoSamples: when the device gave none, or not enough in time.
    """
    if settings.meter_backend == "synthetic":
        invented = synthetic_frame(0, settings.capture_channels, world.wall.now())
        return invented.as_wire(settings.node_id)
    known: list[AudioInterface] = []
    reasons: list[str] = []
    idle = make_idle(
        world,
        LiveSettings(settings),
        find_model(),
        router_of(world),
        lambda: known,
        lambda _, error: reasons.append(error),
    )
    once = _Once(settings, world, survey, idle, known, reasons)
    limit = settings.meter_sample_seconds + LIMIT_SECONDS
    try:
        return await Deferred.fromCoroutine(once.run()).addTimeout(limit, world.reactor)
    except defer.TimeoutError:
        raise NoSamples(
            f"{settings.capture_device} gave no {settings.meter_sample_seconds} s of samples within"
            f" {limit:g} s"
        ) from None
    finally:
        survey.stop()
        await idle.stop()


class _Once:
    """One measurement; cancelling it leaves a program that somebody has to stop."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        survey: Survey,
        idle: IdleMeter,
        known: list[AudioInterface],
        reasons: list[str],
    ) -> None:
        self._settings = settings
        self._world = world
        self._survey = survey
        self._idle = idle
        self._known = known
        self._reasons = reasons

    async def run(self) -> dict[str, Any]:
        self._known += (await self._survey.look()).interfaces
        self._idle.start()
        while True:
            await deferLater(self._world.reactor, _LOOK_SECONDS)
            frame = await self._frame()
            if frame is not None:
                return frame.as_wire(self._settings.node_id)
            if self._reasons:
                raise NoSamples(self._reasons[0])

    async def _frame(self) -> MeterFrame | None:
        """Sum up, if there is enough."""
        stream = self._idle.stream
        if stream is None:
            return None
        await stream.look()
        analysis = stream.analysis
        if analysis is None:
            return None
        if analysis.frames < self._settings.meter_sample_seconds * analysis.rate:
            return None
        measured = await stream.sum_up()
        assert measured is not None
        return MeterFrame(
            captured_at=self._world.wall.now(),
            interface_id=name_of(None, stream.wished, self._known, Directory()),
            levels=measured.levels,
            frames=measured.frames,
            rate=analysis.rate,
        )
