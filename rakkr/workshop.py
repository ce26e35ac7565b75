"""The jobs room, put together for the daemon and for the one-shot modes."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger

from rakkr.cache.service import CacheSweepService
from rakkr.capture.capture import Capture, adopt_capture, start_capture
from rakkr.capture.giving_way import GivingWay
from rakkr.capture.probing import Probing
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.router import Router
from rakkr.capture.surroundings import Surroundings, shim_command
from rakkr.capture.trace import Trace
from rakkr.controller.client import ControllerClient
from rakkr.disk.reserve import Reserve
from rakkr.disk.watch import DiskWatch, Running
from rakkr.health.problems import OpenProblems
from rakkr.health.reporter import HealthReporter
from rakkr.holes import punch
from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.reference import parse_reference
from rakkr.inventory.servers import SoundServers
from rakkr.inventory.stable import DeviceIdentity, Found, device_for, identity_of, refreshed
from rakkr.inventory.theirs import Directory
from rakkr.jobs.archive import Archive
from rakkr.jobs.books import Books
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.load import running_of
from rakkr.jobs.service import JobWorkerService
from rakkr.jobs.state_file import StateFile
from rakkr.jobs.trouble import Trouble
from rakkr.jobs.uploads import Uploads
from rakkr.jobs.workplace import Measured, Workplace
from rakkr.live import LiveSettings
from rakkr.process_identity import boot_id
from rakkr.render.binary import find_renderer
from rakkr.render.errors import RendererMissing
from rakkr.render.orders import feeder
from rakkr.render.runner import Rendered, render
from rakkr.settings import Settings

if TYPE_CHECKING:
    from rakkr.tap import World

log = Logger()

RENDERS_AT_ONCE = 2
REFRESH_PATIENCE_SECONDS = 2.5  # a recording that waits longer loses more than a name is worth
MARK_PATIENCE_SECONDS = 45.0  # a lease has expired by then, and the controller knows by itself


@attrs.define
class Cards:
    """
    Which card is behind a name, by the inventory of this moment.

    :ivar directory: what the controller calls our inputs.
    :ivar known: what was found last, of all sound systems.
    """

    probe: InventoryProbe
    directory: Directory
    known: Callable[[], Sequence[AudioInterface]]

    async def identify(self, device: str) -> DeviceIdentity | None:
        """Say what is behind a name now."""
        if parse_reference(device) is None:
            return None
        return identity_of(device, (await self.probe.probe()).interfaces)

    async def find(self, identity: DeviceIdentity, device: str) -> Found:
        """Say under which name the very same card is to be opened now."""
        return device_for(identity, device, await self.probe.probe())

    async def refreshed(self, device: str, interface_id: str) -> str | None:
        """Say which name a job's interface has now, if it is another one; does not take long."""
        looking = Deferred.fromCoroutine(self.probe.probe())
        try:
            await looking.addTimeout(REFRESH_PATIENCE_SECONDS, self.probe.clock)
        except defer.TimeoutError:
            log.warn("ALSA does not say whether {device} has another name now", device=device)
        cards = self.probe.known.interfaces
        ours = self.directory.ours(interface_id, cards)
        return None if ours is None else refreshed(device, ours.id, cards)

    def is_device(self, id_: str, interface_id: str | None, device: str) -> bool:
        """Whether an id, the controller's or ours, stands for what a job records."""
        return self.directory.is_device(id_, interface_id, device, self.known())


@attrs.define
class Workshop:
    """
    What jobs work with, and the services that belong to it.

    :ivar place: the collaborators.
    :ivar disk: watches the room for what is recorded.
    :ivar cache: gives disk space back for what is delivered.
    :ivar way: who holds a device lets go of it before a job captures.
    :ivar directory: what the controller calls our inputs; whoever hears of it writes it there.
    :ivar running: the services that were asked for; what they record counts for the disk.
    """

    place: Workplace
    disk: DiskWatch
    cache: CacheSweepService
    way: GivingWay
    directory: Directory
    running: list[JobWorkerService] = attrs.field(factory=list)

    def for_one_job(self) -> Workplace:
        """A workplace whose last words to the controller do not wait for ever."""
        return attrs.evolve(self.place, mark_patience_seconds=MARK_PATIENCE_SECONDS)

    def worker(self, settings: Settings, problems: OpenProblems) -> JobWorkerService:
        """The service that claims and works here."""
        service = JobWorkerService(
            self.place,
            claim_seconds=settings.claim_seconds,
            shutdown_seconds=settings.shutdown_seconds,
            problems=problems,
        )
        self.running.append(service)
        return service


def servers_of(world: World) -> SoundServers:
    """What asks the sound servers."""
    return SoundServers(world.reactor, world.reactor, world.in_thread, world.environ)


def router_of(world: World) -> Router:
    """What finds out how captures are made."""
    probing = Probing(world.reactor, world.reactor, world.environ)
    numbers = itertools.count(1)

    def client() -> str:
        return f"rakkr-{world.run_id}-{next(numbers)}"

    return Router(probing, servers_of(world), world.reactor, client)


def surroundings_of(world: World) -> Surroundings:
    """What captures need of the world."""
    return Surroundings(
        spawner=world.reactor,
        clock=world.reactor,
        in_thread=world.in_thread,
        env=world.environ,
        shim=shim_command(sys.executable),
        watcher=world.reactor,
        look=servers_of(world),
    )


def make_ledger(settings: Settings, world: World, reporter: HealthReporter) -> Ledger:
    """The journals, and the contract's state file beside them."""

    def tell(trouble: Trouble) -> None:
        log.error("{sentence}", sentence=trouble.sentence)
        details = {"error": trouble.error, "path": str(trouble.path), "what": trouble.what}
        reporter.emit("agent.recording_job.journal_trouble", "warning", details)

    archive = archive_of(settings)
    state = StateFile(settings.agent_state_file.absolute(), world.wall.now, world.in_thread, tell)
    return Ledger(archive, world.in_thread, report=tell, state_file=state)


def archive_of(settings: Settings) -> Archive:
    """Where the journals are."""
    return Archive.of(settings.agent_state_file.absolute(), settings.capture_dir.absolute())


def make_workshop(
    settings: Settings,
    world: World,
    controller: ControllerClient,
    reporter: HealthReporter,
    probe: InventoryProbe,
    measured: Measured | None = None,
    known: Callable[[], Sequence[AudioInterface]] | None = None,
) -> Workshop:
    """
    Gather what jobs work with.

    :param known: the inputs of all sound systems; by default those of the probe alone.
    """
    directory = Directory()
    surroundings = surroundings_of(world)
    ledger = make_ledger(settings, world, reporter)
    workers: list[JobWorkerService] = []
    captures = settings.capture_dir.absolute()

    def running() -> Running:
        return running_of(session for worker in workers for session in worker.sessions)

    live = LiveSettings(settings)
    cache = CacheSweepService(
        world.reactor, world.wall, reporter, world.in_thread, Books(ledger), live
    )
    disk = DiskWatch(
        captures,
        clock=world.reactor,
        in_thread=world.in_thread,
        statvfs=os.statvfs,
        running=running,
        sweep=cache.make_room,
        emit=reporter.emit,
        reserve=Reserve(captures),
    )
    way = GivingWay(router_of(world), world.reactor)
    place = Workplace(
        clock=world.reactor,
        wall=world.wall,
        boot_id=boot_id(),
        controller=controller,
        node_id=settings.node_id,
        evidence=reporter,
        shelf=cache,
        live=live,
        ledger=ledger,
        uploads=Uploads(world.reactor),
        devices=Cards(probe, directory, known or (lambda: probe.known.interfaces)),
        disk=disk,
        find_route=way,
        start_capture=partial(_start, surroundings),
        adopt_capture=partial(_adopt, surroundings),
        render=partial(_render, settings, world),
        renders=DeferredSemaphore(RENDERS_AT_ONCE),
        punch=punch,
        in_thread=world.in_thread,
        random=world.random,
        measured=measured,
    )
    return Workshop(place, disk, cache, way, directory, workers)


def warn_without_renderer(settings: Settings, world: World) -> None:
    """Say at the start what would otherwise be found out after hours of recording."""
    try:
        find_renderer(settings.channel_render_command, world.search_path)
    except RendererMissing as missing:
        log.warn("{why}; until then only plain WAV can be delivered", why=str(missing))


def _start(
    surroundings: Surroundings,
    request: CaptureRequest,
    limits: CaptureLimits,
    announce: Any,
) -> Capture:
    return start_capture(request, limits, surroundings, announce)


def _adopt(
    surroundings: Surroundings, request: CaptureRequest, trace: Trace, limits: CaptureLimits
) -> Capture:
    return adopt_capture(request, trace, limits, surroundings)


async def _render(settings: Settings, world: World, **what: Any) -> Rendered:
    renderer = find_renderer(settings.channel_render_command, world.search_path)
    return await render(
        world.reactor,
        world.reactor,
        in_thread=world.in_thread,
        renderer=renderer,
        feeder=feeder(sys.executable),
        env=world.environ,
        **what,
    )
