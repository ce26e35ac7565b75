"""The meters, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from twisted.logger import Logger

from rakkr.audio.monitor import CannotListen, Monitor
from rakkr.audio.pcm import SampleFormat, UnknownFormat, sample_format
from rakkr.audio.speech import SpeechMeter
from rakkr.audio.tally import Tally
from rakkr.audio.voice_model import ModelUnreadable, VoiceModel, installed_model
from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import FindRoute
from rakkr.controller.interface import IController
from rakkr.health.edge import Emitter
from rakkr.health.problems import OpenProblems
from rakkr.inventory.interface import FALLBACK, AudioInterface
from rakkr.inventory.theirs import Directory, interface_of
from rakkr.jobs.take import Take
from rakkr.live import LiveSettings
from rakkr.meters.alarms import Alarms
from rakkr.meters.analysis import Analysis
from rakkr.meters.beside import measure_beside
from rakkr.meters.failures import SamplingFailures
from rakkr.meters.follower import Follower
from rakkr.meters.idle import IdleMeter, IdleWorld
from rakkr.meters.kept import Kept
from rakkr.meters.lag import Lag
from rakkr.meters.limits import Limits, post_seconds
from rakkr.meters.outlet import Outlet
from rakkr.meters.recorded import Recorded
from rakkr.meters.sending import ChunkSender, FrameSender
from rakkr.meters.service import MeterService
from rakkr.settings import Settings
from rakkr.workshop import servers_of

if TYPE_CHECKING:
    from rakkr.tap import World

log = Logger()

_NOWHERE: Final = Path("/dev/null")
_DAY_SECONDS: Final = 86_400
_DEFAULT_FORMAT: Final = "S16_LE"


def find_model() -> VoiceModel | None:
    """Read the network that hears speech; levels are measured without it, too."""
    try:
        return installed_model()
    except ModelUnreadable as error:
        log.warn("nobody listens for speech: {error}", error=str(error))
        return None


def make_analysis(
    settings: Settings,
    model: VoiceModel | None,
    sample: SampleFormat,
    rate: int,
    channels: int,
    tally: Tally | None = None,
) -> Analysis:
    """Make what measures a stream of this shape."""
    return Analysis(
        sample,
        rate,
        channels,
        clip_dbfs=settings.meter_clip_dbfs,
        speech=None if model is None else SpeechMeter(rate, channels, model),
        monitor=_monitor(settings, rate, channels),
        tally=tally,
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
    backend = settings.meter_backend if own else settings.capture_backend
    interface = interface_of(settings.capture_device, backend, known)
    return CaptureRequest(
        backend=backend,
        command=settings.capture_command,
        args_template=settings.meter_args_template,
        device=settings.capture_device,
        format=_sample(settings.capture_format),
        rate=settings.capture_sample_rate,
        channels=settings.capture_channels if interface is None else interface.channel_count,
        seconds=_DAY_SECONDS,
        path=_NOWHERE,
    )


@cache
def _sample(name: str) -> SampleFormat:
    """Find a format; that one is not known is said once, however often it is asked for."""
    try:
        return sample_format(name)
    except UnknownFormat as error:
        log.warn("{error}; levels are measured with {other}", error=error, other=_DEFAULT_FORMAT)
        return sample_format(_DEFAULT_FORMAT)


def name_of(
    interface_id: str | None,
    wished: CaptureRequest,
    known: Sequence[AudioInterface],
    directory: Directory,
) -> str:
    """
    Name an interface as the controller does, else as we do.

    :param interface_id: the controller's id, where the job says it.
    """
    if interface_id is not None:
        return interface_id
    ours = interface_of(wished.device, wished.backend, known)
    return FALLBACK.id if ours is None else directory.id_of(ours) or ours.id


def make_meters(
    settings: Settings,
    world: World,
    *,
    live: LiveSettings,
    evidence: Emitter,
    controller: IController | None,
    find_route: FindRoute,
    takes: Callable[[], Sequence[Take]],
    kept: Kept,
    busy: Callable[[], bool],
    known: Callable[[], Sequence[AudioInterface]],
    directory: Directory,
    problems: OpenProblems,
) -> MeterService:
    """
    Build the service; nothing runs yet.

    :param problems: where it is remembered over a restart what was reported.
    """
    model = find_model()
    outlet = make_outlet(settings, world, evidence, controller, problems)

    def follow(capture: Capture, *, from_start: bool, aloud: bool = True) -> Follower:
        wished = live.current
        if not aloud:
            wished = attrs.evolve(wished, monitor_chunk_sync_enabled=False)

        def analysis(sample: SampleFormat, rate: int, channels: int) -> Analysis:
            tally = Tally(kept.begin(capture.path, rate, channels))
            return make_analysis(wished, model, sample, rate, channels, tally)

        return Follower(
            capture,
            analysis,
            world.in_thread,
            world.reactor,
            from_start=from_start,
        )

    invented = settings.meter_backend == "synthetic"
    idle = make_idle(world, live, model, find_route, known, outlet.failed)
    service = MeterService(
        world.reactor,
        outlet,
        recorded=lambda: recorded(takes()),
        busy=busy,
        follow=follow,
        idle=None if invented else idle,
        name_of=lambda id_, wished: name_of(id_, wished, known(), directory),
        post_seconds=post_seconds(settings),
        synthetic_channels=(lambda: live.current.capture_channels) if invented else None,
    )
    measure_beside(
        service,
        world.reactor,
        kept,
        running=lambda: [each.capture for each in recorded(takes())],
        follow=partial(follow, aloud=False),
        files=lambda: {path for take in takes() for path in take.reel.files},
    )
    return service


def make_outlet(
    settings: Settings,
    world: World,
    evidence: Emitter,
    controller: IController | None,
    problems: OpenProblems | None = None,
) -> Outlet:
    """Build what sends levels, live audio and events."""
    node_id = settings.node_id
    frames = chunks = None
    if controller is not None:
        frames = FrameSender(controller, evidence, node_id, problems)
        if settings.monitor_chunk_sync_enabled:
            chunks = ChunkSender(controller, evidence, node_id, problems)
    return Outlet(
        world.reactor,
        world.wall,
        evidence,
        Alarms(node_id, Limits.of(settings)),
        SamplingFailures(node_id),
        Lag(node_id),
        frames,
        chunks,
    )


def make_idle(
    world: World,
    live: LiveSettings,
    model: VoiceModel | None,
    find_route: FindRoute,
    known: Callable[[], Sequence[AudioInterface]],
    failed: Callable[[CaptureRequest, str], None],
) -> IdleMeter:
    """Build what listens to the configured device; nothing runs yet."""
    surroundings = IdleWorld(
        find_route=find_route,
        spawner=world.reactor,
        clock=world.reactor,
        in_thread=world.in_thread,
        look=servers_of(world),
        env=world.environ,
        random=world.random,
    )
    return IdleMeter(
        lambda: idle_request(live, known()),
        lambda *shape: make_analysis(live.current, model, *shape),
        surroundings,
        failed,
    )


def recorded(takes: Sequence[Take]) -> list[Recorded]:
    """The captures that give samples, or gave the last one just now."""
    found = []
    for take in takes:
        capture = take.reel.capture
        if capture is not None and capture.has_sample:
            found.append(Recorded(capture, take.plan.interface_id))
    return found
