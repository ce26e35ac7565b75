"""The agent's services, put together; only ``tap``, ``cli`` and ``modes`` call this."""

from __future__ import annotations

import os
import struct
from functools import partial
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import attrs
import psutil
from twisted.application.service import MultiService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from rakkr.cache.service import CacheSweepService
from rakkr.controller.address import BadAddress, ControllerAddress
from rakkr.controller.client import ControllerClient, make_client
from rakkr.controller.errors import BadTrust
from rakkr.controller.token import FileToken, TextToken, TokenSource
from rakkr.controller.transport import Timeouts
from rakkr.controller.trust import Trust
from rakkr.heartbeat import Description, HeartbeatService
from rakkr.inventory.document import (
    Identity,
    heartbeat_body,
    interfaces_for_controller,
    inventory_document,
)
from rakkr.inventory.host import HostFacts, Machine
from rakkr.inventory.interface import Inventory
from rakkr.inventory.probe import InventoryProbe
from rakkr.jobs.service import JobWorkerService
from rakkr.machine import InputWatch, add_system_health, make_problems
from rakkr.metering import make_meters
from rakkr.meters.kept import Kept
from rakkr.reporting import make_reporter
from rakkr.root import Resource
from rakkr.settings import Settings
from rakkr.version import VERSION
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


def make_probe(settings: Settings, world: World) -> InventoryProbe:
    """Build what looks for audio inputs and facts of this machine."""
    return InventoryProbe(
        spawner=world.reactor,
        clock=world.reactor,
        threads=world.reactor,
        pool=world.pool,
        environ=world.environ,
        machine=Machine(
            uname=os.uname,
            addresses=psutil.net_if_addrs,
            pointer_bits=8 * struct.calcsize("P"),
            search_path=world.search_path,
            root=Path("/"),
        ),
        arecord_command=settings.inventory_arecord_command,
        pcm_list=settings.inventory_proc_asound_pcm_path,
        sound=Path("/sys/class/sound"),
    )


@attrs.define
class Describer:
    """
    Says what this node is, for the heartbeat and for the printed inventory.

    :ivar known: what the last probe found that could be carried out.
    :ivar latest: what the last probe found.
    """

    settings: Settings
    world: World
    probe: InventoryProbe
    known: Inventory = attrs.field(factory=lambda: Inventory((), probe_ok=False))
    latest: Inventory = attrs.field(factory=lambda: Inventory((), probe_ok=False))

    async def __call__(self) -> Description:
        """Probe, and describe; inputs are not forgotten because a probe failed."""
        found = self.latest = await self.probe.probe()
        if found.probe_ok:
            self.known = found
        return self._described(await self.probe.host(), self.known)

    def unprobed(self) -> Description:
        """What can be said before any probe: a beat does not wait for one."""
        names = os.uname()
        host = HostFacts(hostname=names.nodename, addresses=(), architecture=names.machine)
        return self._described(host, Inventory((), probe_ok=False))

    async def document(self) -> dict[str, Any]:
        """The document of ``--print-inventory``."""
        inventory = await self.probe.probe()
        return self._document(await self.probe.host(), inventory)

    def _document(self, host: HostFacts, inventory: Inventory) -> dict[str, Any]:
        settings = self.settings
        identity = Identity(
            node_id=settings.node_id,
            alias=settings.alias,
            site=settings.site,
            room=settings.room,
        )
        stamp = self.world.wall.stamp()
        return inventory_document(identity, host, inventory, version=VERSION, stamp=stamp)

    def _described(self, host: HostFacts, inventory: Inventory) -> Description:
        document = self._document(host, inventory)
        known = inventory.probe_ok and inventory.interfaces
        return Description(
            heartbeat=lambda status: heartbeat_body(
                host, inventory.interfaces, status=status, version=VERSION
            ),
            summary={
                "alias": document["alias"],
                "audioBackends": document["runtime"]["audioBackends"],
                "hostname": document["hostname"],
                "interfaceCount": len(document["interfaces"]),
                "lastSeenAt": document["lastSeenAt"],
                "nodeId": document["id"],
                "status": document["status"],
            },
            interfaces=interfaces_for_controller(inventory) if known else None,
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
    reporter = make_reporter(settings, world, controller)
    reporter.setServiceParent(root)
    problems = make_problems(settings, world)
    problems.setServiceParent(root)
    started = {
        "alias": settings.alias,
        "controllerUrl": settings.controller_url,
        "meterBackend": settings.meter_backend,
        "nodeId": settings.node_id,
    }
    say_hello = partial(reporter.emit, "agent.started", "info", started)
    Resource("start", opening=say_hello).setServiceParent(root)
    cache = CacheSweepService(world.reactor, reporter, world.in_thread)
    cache.setServiceParent(root)
    probe = make_probe(settings, world)
    describe = Describer(settings, world, probe)
    inputs = InputWatch(describe)
    watch = partial(add_system_health, root, settings, world, reporter, problems)
    if controller is None:
        log.warn("no controller token is set: nothing is recorded until there is one")
        watch(audio=inputs.anew, devices=lambda: [settings.capture_device])
        return
    kept = Kept(world.reactor, world.in_thread)
    workshop = make_workshop(
        settings, world, controller, reporter, cache, probe, measured=kept.measured
    )
    workshop.disk.setServiceParent(root)
    warn_without_renderer(settings, world)
    jobs = workshop.worker(settings)
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
        problems=problems,
    )
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
        busy=lambda: not jobs.ready or jobs.recording > 0 or bool(jobs.takes),
        known=lambda: describe.known.interfaces,
        controllers=lambda: heartbeat.interfaces,
    )
    workshop.way.holders.append(meters.let_go)
    meters.setServiceParent(root)
    jobs.setServiceParent(root)


def _with_own_thread(root: MultiService, world: World) -> World:
    """
    Let the meters work in one thread that is always the same.

    A slow disk does not hold them up, and their blocks come out of one heap: each further thread
    would keep some ten megabytes of its own.
    """
    pool = ThreadPool(minthreads=1, maxthreads=1, name="meters")
    Resource("meter thread", opening=pool.start, closing=pool.stop).setServiceParent(root)
    return attrs.evolve(world, in_thread=partial(deferToThreadPool, world.reactor, pool))


def _choose_way_down(jobs: JobWorkerService, settings: Settings, signal: int) -> None:
    chosen = settings.on_interrupt if signal == SIGINT else settings.on_terminate
    jobs.way_down = "leave" if chosen == "leave" else "finish"
