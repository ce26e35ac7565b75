"""The meters, put together for the daemon and for ``--print-meter-frame``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.monitor import CannotListen, Monitor
from rakkr.audio.pcm import SampleFormat, UnknownFormat, sample_format
from rakkr.audio.speech import SpeechMeter
from rakkr.audio.voice_model import ModelUnreadable, VoiceModel, installed_model
from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import FindRoute
from rakkr.controller.interface import IController
from rakkr.controller.messages import Interface
from rakkr.health.edge import Emitter
from rakkr.inventory.interface import FALLBACK, AudioInterface
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.reference import parse_reference
from rakkr.jobs.take import Take
from rakkr.live import LiveSettings
from rakkr.meters.alarms import Alarms
from rakkr.meters.analysis import Analysis
from rakkr.meters.failures import SamplingFailures
from rakkr.meters.follower import Follower
from rakkr.meters.frame import MeterFrame
from rakkr.meters.idle import IdleMeter
from rakkr.meters.limits import Limits, post_seconds
from rakkr.meters.sending import ChunkSender, FrameSender
from rakkr.meters.service import MeterService, Recorded
from rakkr.meters.synthetic import synthetic_frame
from rakkr.settings import Settings
from rakkr.workshop import router_of

if TYPE_CHECKING:
    from rakkr.tap import World

log = Logger()

_NOWHERE: Final = Path("/dev/null")
_DAY_SECONDS: Final = 86_400
_LOOK_SECONDS: Final = 0.1
_DEFAULT_FORMAT: Final = "S16_LE"


def find_model() -> VoiceModel | None:
    """Read the network that hears speech; levels are measured without it, too."""
    try:
        return installed_model()
    except ModelUnreadable as error:
        log.warn("nobody listens for speech: {error}", error=str(error))
        return None


def make_analysis(
    settings: Settings, model: VoiceModel | None, sample: SampleFormat, rate: int, channels: int
) -> Analysis:
    """Make what measures a stream of this shape."""
    return Analysis(
        sample,
        rate,
        channels,
        clip_dbfs=settings.meter_clip_dbfs,
        speech=None if model is None else SpeechMeter(rate, channels, model),
        monitor=_monitor(settings, rate, channels),
    )


def _monitor(settings: Settings, rate: int, channels: int) -> Monitor | None:
    if not settings.monitor_chunk_sync_enabled:
        return None
    chosen = settings.monitor_channels.of(channels)
    if not chosen:
        log.warn("none of the channels that listeners were to hear is there; they hear all")
    try:
        return Monitor(rate, channels, settings.monitor_chunk_seconds, chosen or None)
    except CannotListen as error:
        log.warn("nobody can listen: {error}", error=str(error))
        return None


def idle_request(live: LiveSettings, known: Sequence[AudioInterface]) -> CaptureRequest:
    """What to listen to while nothing is recorded, as the settings are now."""
    settings = live.current
    own = settings.meter_backend in {"jack", "pipewire"}
    interface = interface_of(settings.capture_device, known)
    try:
        sample = sample_format(settings.capture_format)
    except UnknownFormat as error:
        log.warn("{error}; levels are measured with {other}", error=error, other=_DEFAULT_FORMAT)
        sample = sample_format(_DEFAULT_FORMAT)
    return CaptureRequest(
        backend=settings.meter_backend if own else settings.capture_backend,
        command=settings.capture_command,
        args_template=settings.meter_args_template,
        device=settings.capture_device,
        format=sample,
        rate=settings.capture_sample_rate,
        channels=settings.capture_channels if interface is None else interface.channel_count,
        seconds=_DAY_SECONDS,
        path=_NOWHERE,
    )


def interface_of(device: str, known: Sequence[AudioInterface]) -> AudioInterface | None:
    """Find the input that a name of ALSA's stands for."""
    reference = parse_reference(device)
    if reference is None:
        return None
    return next((each for each in known if reference.means(each)), None)


def name_of(
    interface_id: str | None,
    wished: CaptureRequest,
    known: Sequence[AudioInterface],
    controllers: Sequence[Interface],
) -> str:
    """
    Name an interface as the controller does, else as we do.

    :param interface_id: the controller's id, where the job says it.
    :param controllers: the interfaces as the controller knows them.
    """
    if interface_id is not None:
        return interface_id
    ours = interface_of(wished.device, known)
    if ours is None:
        return FALLBACK.id
    theirs = (each.id for each in controllers if each.system_ref == ours.system_ref)
    return next(theirs, ours.id)


def make_meters(
    settings: Settings,
    world: World,
    *,
    live: LiveSettings,
    evidence: Emitter,
    controller: IController | None,
    find_route: FindRoute,
    takes: Callable[[], Sequence[Take]],
    busy: Callable[[], bool],
    known: Callable[[], Sequence[AudioInterface]],
    controllers: Callable[[], Sequence[Interface]],
) -> MeterService:
    """Build the service; nothing runs yet."""
    started, model = world.reactor.seconds(), find_model()

    def follow(capture: Capture) -> Follower:
        began = capture.started_at
        return Follower(
            capture,
            partial(make_analysis, live.current, model),
            world.in_thread,
            world.reactor,
            from_start=began is None or began >= started,
        )

    invented = settings.meter_backend == "synthetic"
    failures = SamplingFailures(settings.node_id)
    idle = make_idle(
        world,
        live,
        model,
        find_route,
        known,
        lambda wished, error: service.sampling_failed(wished, error),  # noqa: PLW0108 - it comes below
    )
    frames = chunks = None
    if controller is not None:
        frames = FrameSender(controller, evidence, settings.node_id)
        if settings.monitor_chunk_sync_enabled:
            chunks = ChunkSender(controller, evidence, settings.node_id)
    service = MeterService(
        world.reactor,
        world.wall,
        evidence,
        recorded=lambda: list(recorded(takes())),
        busy=busy,
        follow=follow,
        idle=None if invented else idle,
        name_of=lambda id_, wished: name_of(id_, wished, known(), controllers()),
        alarms=Alarms(settings.node_id, Limits.of(settings)),
        failures=failures,
        frames=frames,
        chunks=chunks,
        post_seconds=post_seconds(settings),
        synthetic_channels=(lambda: live.current.capture_channels) if invented else None,
    )
    return service


def make_idle(
    world: World,
    live: LiveSettings,
    model: VoiceModel | None,
    find_route: FindRoute,
    known: Callable[[], Sequence[AudioInterface]],
    failed: Callable[[CaptureRequest, str], None],
) -> IdleMeter:
    """Build what listens to the configured device; nothing runs yet."""
    return IdleMeter(
        lambda: idle_request(live, known()),
        find_route,
        lambda *shape: make_analysis(live.current, model, *shape),
        world.reactor,
        world.reactor,
        world.in_thread,
        world.environ,
        world.random,
        failed,
    )


class NoSamples(Exception):
    """Levels that could not be measured; the message says why."""


async def one_frame(settings: Settings, world: World, probe: InventoryProbe) -> dict[str, Any]:
    """
    Measure once, as ``--print-meter-frame`` does.

    :raises NoSamples: when the device gave none.
    """
    if settings.meter_backend == "synthetic":
        invented = synthetic_frame(0, settings.capture_channels, world.wall.now())
        return invented.as_wire(settings.node_id)
    known = (await probe.probe()).interfaces
    live = LiveSettings(settings)
    reasons: list[str] = []
    idle = make_idle(
        world,
        live,
        find_model(),
        router_of(world),
        lambda: known,
        lambda _, error: reasons.append(error),
    )
    idle.start()
    try:
        while not reasons:
            await deferLater(world.reactor, _LOOK_SECONDS)
            await idle.look()
            wished, analysis = idle.request, idle.analysis
            if wished is None or analysis is None:
                continue
            if analysis.frames >= settings.meter_sample_seconds * analysis.rate:
                measured = analysis.frame()
                frame = MeterFrame(
                    captured_at=world.wall.now(),
                    interface_id=name_of(None, wished, known, ()),
                    levels=measured.levels,
                    frames=measured.frames,
                    rate=analysis.rate,
                )
                return frame.as_wire(settings.node_id)
    finally:
        await idle.stop()
    raise NoSamples(reasons[0])


def recorded(takes: Sequence[Take]) -> Sequence[Recorded]:
    """The captures that run now."""
    found = []
    for take in takes:
        capture = take.reel.capture
        if capture is not None and capture.outcome is None and capture.started_at is not None:
            found.append(Recorded(capture, take.plan.interface_id, capture.request))
    return found
