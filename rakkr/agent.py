"""The agent's services, put together; only ``tap``, ``cli`` and ``modes`` call this."""

from __future__ import annotations

from functools import partial
from signal import SIGINT
from typing import TYPE_CHECKING

import attrs
from twisted.application.service import MultiService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from rakkr.controller.address import BadAddress, ControllerAddress
from rakkr.controller.client import ControllerClient, make_client
from rakkr.controller.errors import BadTrust
from rakkr.controller.token import FileToken, TextToken, TokenSource
from rakkr.controller.transport import Timeouts
from rakkr.controller.trust import Trust
from rakkr.describer import Describer, make_probe, make_survey
from rakkr.heartbeat import HeartbeatService
from rakkr.inventory.asking import HardwareAsking
from rakkr.inventory.probe import InventoryProbe
from rakkr.jobs.service import JobWorkerService
from rakkr.machine import InputWatch, add_system_health, make_problems
from rakkr.metering import make_meters
from rakkr.meters.kept import Kept
from rakkr.reporting import make_reporter
from rakkr.root import Resource
from rakkr.settings import Settings
from rakkr.threads import Threads
from rakkr.workshop import make_workshop, warn_without_renderer

if TYPE_CHECKING:
    from rakkr.tap import World

log = Logger()


class CannotReach(Exception):
    """The controller cannot be used as it is set up; the message is one sentence."""


def make_token(settings: Settings, world: World) -> TokenSource | None:
    """The node's credential; None when the agent shall work without a controller."""
    if settings.controller_token_file is not None:
        return FileToken(settings.controller_token_file, world.in_thread)
    if settings.controller_token:
        return TextToken(settings.controller_token)
    return None


def make_controller(settings: Settings, world: World, token: TokenSource) -> ControllerClient:
    """
    Build the client of the controller; nothing is connected yet.

    :raises CannotReach: when the address or the certificates cannot be used.
    """
    try:
        address = ControllerAddress.parse(
            settings.controller_url, allow_insecure=settings.allow_insecure_controller
        )
        trust = Trust(
            settings.controller_ca_cert_path,
            settings.controller_client_cert_path,
            settings.controller_client_key_path,
        )
    except (BadAddress, BadTrust) as error:
        raise CannotReach(str(error)) from error
    return make_client(
        world.reactor,
        world.wall,
        address,
        token,
        trust,
        node_id=settings.node_id,
        timeouts=Timeouts(
            connect=settings.controller_connect_timeout_ms / 1000,
            upload=settings.controller_request_timeout_ms / 1000,
            stall=settings.controller_read_timeout_ms / 1000,
        ),
        in_thread=world.in_thread,
    )


def add_agent(root: MultiService, settings: Settings, world: World) -> None:
    """
    Add the agent's services, those that the others need first.

    Without a token the agent only keeps its local log: there is nobody to take jobs from.

    :raises CannotReach: when the controller cannot be used as it is set up.
    """
    token = make_token(settings, world)
    controller = None if token is None else make_controller(settings, world, token)
    if controller is not None:
        Resource("connections", closing=controller.close).setServiceParent(root)
    problems = make_problems(settings, world)
    problems.setServiceParent(root)
    reporter = make_reporter(settings, world, controller, problems)
    reporter.setServiceParent(root)
    started = {
        "alias": settings.alias,
        "controllerUrl": settings.controller_url,
        "meterBackend": settings.meter_backend,
        "nodeId": settings.node_id,
    }
    say_hello = partial(reporter.emit, "agent.started", "info", started)
    Resource("start", opening=say_hello).setServiceParent(root)
    probe = make_probe(settings, world)
    survey = make_survey(world, probe)
    Resource("inputs", closing=survey.stop).setServiceParent(root)
    describe = Describer(settings, world, probe, survey)
    inputs = InputWatch(describe, survey)
    watch = partial(add_system_health, root, settings, world, reporter, problems)
    if controller is None:
        log.warn("no controller token is set: nothing is recorded until there is one")
        watch(audio=inputs.anew, devices=lambda: [settings.capture_device])
        return
    kept = Kept(world.reactor, world.in_thread)
    workshop = make_workshop(
        settings,
        world,
        controller,
        reporter,
        probe,
        measured=kept.measured,
        known=lambda: survey.known.interfaces,
    )
    workshop.cache.setServiceParent(root)
    workshop.disk.setServiceParent(root)
    warn_without_renderer(settings, world)
    jobs = workshop.worker(settings, problems)
    world.on_signal(partial(_choose_way_down, jobs, settings))
    live = workshop.place.live
    status = watch(audio=inputs.last, devices=lambda: [live.current.capture_device])
    heartbeat = HeartbeatService(
        world.reactor,
        world.wall,
        controller,
        reporter,
        live,
        describe=inputs,
        first=describe.unprobed(),
        status=lambda: "recording" if jobs.recording else status(),
        seconds=settings.heartbeat_seconds,
        directory=workshop.directory,
        problems=problems,
    )
    hardware = let_ask(root, probe, jobs)
    heartbeat.setServiceParent(root)
    meters = make_meters(
        settings,
        _with_own_thread(root, world),
        live=live,
        evidence=reporter,
        controller=controller,
        find_route=workshop.way.find_route,
        takes=lambda: jobs.takes,
        kept=kept,
        busy=lambda: hardware.active or jobs.busy,
        known=lambda: survey.known.interfaces,
        directory=workshop.directory,
        problems=problems,
    )
    workshop.way.holders += [hardware.let_go, meters.let_go]
    hardware.holders.append(meters.let_go)
    meters.setServiceParent(root)
    jobs.setServiceParent(root)


def let_ask(root: MultiService, probe: InventoryProbe, jobs: JobWorkerService) -> HardwareAsking:
    """Let devices be asked what they can do, while no job needs any."""
    hardware = probe.asking
    assert hardware is not None
    hardware.busy = lambda: jobs.busy
    Resource("hardware", closing=hardware.let_go).setServiceParent(root)
    return hardware


def _with_own_thread(root: MultiService, world: World) -> World:
    """
    Let the meters work in one thread that is always the same.

    A slow disk does not hold them up, and their blocks come out of one heap: each further thread
    would keep some ten megabytes of its own.
    """
    pool = Threads(minthreads=1, maxthreads=1, name="meters")
    Resource("meter thread", opening=pool.start, closing=pool.stop).setServiceParent(root)
    return attrs.evolve(world, in_thread=partial(deferToThreadPool, world.reactor, pool))


def _choose_way_down(jobs: JobWorkerService, settings: Settings, signal: int) -> None:
    chosen = settings.on_interrupt if signal == SIGINT else settings.on_terminate
    jobs.way_down = "leave" if chosen == "leave" else "finish"
