"""
The composition root: turns settings into services, once.

Everything that reaches for the world (the reactor, the clocks, the environment, threads) is taken
here and handed on.  ``twistd rakkr-recorder`` enters through :func:`makeService`, the foreground
command and the one-shot modes through ``rakkr.cli``.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

import attrs
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.python.usage import UsageError

# Read once, when numpy is first imported, so before anything of ours: more threads make matrix
# products slower here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from rakkr import options
from rakkr.clock import WallTime
from rakkr.settings import Resolved, Settings, child_environment
from rakkr.threads import Threads

MODES = (
    "print_inventory",
    "table",
    "bootstrap",
    "print_meter_frame",
    "print_channel_map_assignments",
    "attach_cache_file",
    "attach_cache_recording_id",
    "list_salvage",
    "repair",
    "repair_output",
    "sweep",
    "dry_run",
    "run_next_job",
    "capture_recording_id",
)
"""The settings that choose a one-shot mode; the first one that is set wins."""


class CannotStart(Exception):
    """The agent cannot run with these settings; the message is one sentence."""


class Options(options.Options):
    """The flags of ``twistd rakkr-recorder``."""

    def __init__(self) -> None:
        super().__init__(os.environ)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:  # noqa: N802
        """
        Parse, and leave with code 2 after one sentence when something cannot be used.

        ``twistd`` itself would print its whole help and exit with 0.
        """
        try:
            super().parseOptions(options)
            refuse_modes(self.resolved)
        except UsageError as error:
            sys.stderr.write(f"rakkr-recorder: {error}\n")
            raise SystemExit(2) from error


def refuse_modes(resolved: Resolved) -> None:
    """
    A daemon runs no one-shot mode.

    :raises UsageError: naming the command that does.
    """
    for name in MODES:
        if getattr(resolved.settings, name):
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} is a one-shot mode: use rakkr-recorder-agent {flag}")


@attrs.frozen
class World:
    """
    What the process has from outside.

    :ivar in_thread: runs a blocking function in a thread of the agent's own pool; the reactor's
        pool stays free for resolving names.
    :ivar environ: what children inherit.
    """

    reactor: Any
    wall: WallTime
    in_thread: Callable[..., Deferred[Any]]
    pool: ThreadPool
    environ: Mapping[str, str]
    random: Callable[[], float]
    run_id: str

    def on_signal(self, told: Callable[[int], None]) -> None:
        """Have somebody told which signal ends the process, before anything is stopped."""

        def watch() -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                _tell_first(number, told)

        self.reactor.callWhenRunning(watch)

    @property
    def search_path(self) -> str:
        """Where programs are looked for."""
        return self.environ.get("PATH", os.defpath)


def _tell_first(number: int, told: Callable[[int], None]) -> None:
    then = signal.getsignal(number)

    def handle(came: int, frame: FrameType | None) -> None:
        told(came)
        if callable(then):
            then(came, frame)

    signal.signal(number, handle)


def make_world(reactor: Any) -> World:
    """Take what there is to take; the reactor's clock becomes the monotonic one."""
    reactor.seconds = time.monotonic  # Twisted's own is wall time, and wall time is set back
    Factory.noisy = False  # two lines for every connection would bury our own
    # Enough that some which wait for a hung disk do not keep a healthy one from being written to.
    pool = Threads(minthreads=0, maxthreads=12, name="rakkr")
    return World(
        reactor=reactor,
        wall=WallTime(time.time),
        in_thread=partial(deferToThreadPool, reactor, pool),
        pool=pool,
        environ=child_environment(os.environ),
        random=random.random,
        run_id=secrets.token_hex(4),
    )


def makeService(options: Options) -> IService:  # noqa: N802 - the plugin's interface
    """Build the daemon for ``twistd``."""
    from twisted.internet import reactor

    from rakkr.agent import CannotReach

    try:
        return make_daemon(options.resolved, make_world(reactor))
    except (CannotStart, CannotReach) as error:
        sys.stderr.write(f"rakkr-recorder: {error}\n")
        raise SystemExit(2) from error


def make_daemon(resolved: Resolved, world: World) -> IService:
    """
    Build the daemon: the built-in controller if it is asked for, and the agent unless it is not.

    :raises CannotStart: when the settings cannot work.
    """
    from rakkr.agent import add_agent
    from rakkr.root import RecorderService, Resource

    settings = resolved.settings
    root = RecorderService()
    threads = Resource("threads", opening=world.pool.start, closing=world.pool.stop)
    threads.setServiceParent(root)
    if settings.solo or settings.solo_only:
        settings = add_solo(root, resolved, world)
    if not settings.solo_only:
        lock_data(settings)
        add_agent(root, settings, world)
    return root


def lock_data(settings: Settings) -> None:
    """
    Keep a second agent out of this one's files, until the process ends.

    :raises CannotStart: when another agent works with them.
    """
    from rakkr.data_lock import DataLock, InUse

    state = settings.agent_state_file.absolute().parent
    journals = settings.capture_dir.absolute() / ".journal"
    try:
        for directory in (state, journals):
            DataLock(directory).acquire()
    except InUse as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        why = f"{error.filename or state} cannot be made or written ({error.strerror})"
        raise CannotStart(f"{why}; choose another --agent-state-file or --capture-dir") from error


def add_solo(root: Any, resolved: Resolved, world: World) -> Settings:
    """
    Add the built-in controller.

    :returns: the settings with which an agent on this machine reaches it.
    :raises CannotStart: when its files cannot be made.
    """
    from rakkr.durable import write_atomically
    from rakkr.root import Resource
    from rakkr.solo.service import SoloUnavailable, solo_service

    settings = resolved.settings
    directory = settings.solo_dir.absolute()
    solo = solo_service(
        world.reactor,
        directory=directory,
        interface=settings.solo_interface,
        port=settings.solo_port,
        node_id=settings.node_id,
        now=world.wall.now,
        in_thread=world.in_thread,
    )
    try:
        solo.prepare()
    except SoloUnavailable as error:
        raise CannotStart(str(error)) from error
    solo.setServiceParent(root)

    def announce() -> None:
        write_atomically(directory / "url", f"{solo.url}\n".encode())

    Resource("solo address", opening=announce).setServiceParent(root)
    if settings.solo_only:
        return settings
    if settings.solo_port == 0:
        raise CannotStart("--solo needs a --solo-port of its own; 0 goes with --solo-only alone")
    if "controller_url" in resolved.explicit:
        raise CannotStart(
            "--solo is its own controller: leave --controller-url away, or leave --solo away"
        )
    assert solo.url is not None  # it is None only for port 0
    return attrs.evolve(
        settings,
        controller_url=solo.url,
        controller_ca_cert_path=solo.ca_path,
        controller_token=None,
        controller_token_file=solo.node_token_file,
    )
