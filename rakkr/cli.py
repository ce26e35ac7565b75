"""``rakkr-recorder-agent``: the one-shot modes, and the daemon in the foreground."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.usage import UsageError

from rakkr.options import PROGRAM, Options
from rakkr.settings import Resolved, Settings
from rakkr.tap import CannotStart, World, make_daemon, make_world

_LEVELS = {
    "error": LogLevel.error,
    "warn": LogLevel.warn,
    "info": LogLevel.info,
    "debug": LogLevel.debug,
}
_LATER = {
    "bootstrap": "--bootstrap",
    "print_meter_frame": "--print-meter-frame",
}
USAGE_ERROR = 2
FAILED = 1

Mode = Callable[[Settings, World], Coroutine[Deferred[Any], Any, int]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the flags ask for, and exit with its code."""
    options = Options(os.environ)
    try:
        options.parseOptions(arguments)
        mode = choose_mode(options.resolved.settings)
    except UsageError as error:
        complain(str(error))
        raise SystemExit(USAGE_ERROR) from error
    begin_logging(options.resolved.settings.log_level)
    raise SystemExit(run_daemon(options.resolved) if mode is None else run_mode(mode, options))


def complain(sentence: str) -> None:
    """Say on standard error what went wrong."""
    sys.stderr.write(f"{PROGRAM}: {sentence}\n")


def begin_logging(level: str) -> None:
    """Send the log to standard error; standard output carries answers alone."""
    observer = FilteringLogObserver(
        textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(_LEVELS[level])]
    )
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def choose_mode(settings: Settings) -> Mode | None:
    """
    The first mode that is set, in the contract's order; None for the daemon.

    :raises UsageError: for a mode that this version does not have.
    """
    attach = settings.attach_cache_file or settings.attach_cache_recording_id
    order: tuple[tuple[Any, Mode | str], ...] = (
        (settings.print_inventory, print_inventory),
        (settings.bootstrap, "bootstrap"),
        (settings.print_meter_frame, "print_meter_frame"),
        (settings.print_channel_map_assignments, print_channel_map_assignments),
        (attach, attach_cache_file),
        (settings.run_next_job, run_next_job),
        (settings.capture_recording_id, capture_recording),
    )
    for wanted, mode in order:
        if wanted and isinstance(mode, str):
            raise UsageError(f"{_LATER[mode]} does not exist in this version yet")
        if wanted and not isinstance(mode, str):
            return mode
    return None


def run_daemon(resolved: Resolved) -> int:
    """Run the services until a signal ends them."""
    from twisted.internet import reactor

    from rakkr.agent import CannotReach

    ended = {"code": 0}
    try:
        service = make_daemon(resolved, make_world(reactor))
    except (CannotStart, CannotReach) as error:
        complain(str(error))
        return USAGE_ERROR

    def start() -> None:
        try:
            service.privilegedStartService()
            service.startService()
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the last word
            complain(f"cannot start: {error}")
            ended["code"] = FAILED
            reactor.stop()

    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    return ended["code"]


def run_mode(mode: Mode, options: Options) -> int:
    """
    Run one mode to its end.

    A signal lets it finish what it began, within ``--shutdown-seconds``.
    """
    from twisted.internet import reactor

    from rakkr.agent import CannotReach

    settings = options.resolved.settings
    world = make_world(reactor)
    ended = {"code": FAILED}

    async def run() -> None:
        world.pool.start()
        try:
            ended["code"] = await mode(settings, world)
        except (CannotStart, CannotReach) as error:
            ended["code"] = USAGE_ERROR
            complain(str(error))
        except CancelledError:
            complain("Error: it was ended before it was done")
        except Exception as error:  # noqa: BLE001 - every failure of a mode is one sentence
            complain(f"Error: {error}")
        finally:
            world.pool.stop()

    def begin() -> None:
        running = Deferred.fromCoroutine(run())

        def finish() -> Deferred[None]:
            return running.addTimeout(settings.shutdown_seconds, reactor, lambda *_: None)

        reactor.addSystemEventTrigger("before", "shutdown", finish)
        running.addBoth(lambda _: reactor.callLater(0, _stop, reactor))

    reactor.callWhenRunning(begin)
    reactor.run()
    return ended["code"]


def _stop(reactor: Any) -> None:
    if reactor.running:
        reactor.stop()


def _answer(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def print_inventory(settings: Settings, world: World) -> int:
    """Print the node's inventory as JSON."""
    from rakkr.agent import Describer, make_probe
    from rakkr.controller.sanitise import clean

    describe = Describer(settings, world, make_probe(settings, world))
    _answer(clean(await describe.document()))
    return 0


async def print_channel_map_assignments(settings: Settings, world: World) -> int:
    """Print the channel maps that are assigned to this node, as JSON."""
    from rakkr.controller.assignments import assignment_document

    controller = _controller(settings, world)
    try:
        found = await controller.channel_map_assignments()
    finally:
        await controller.close()
    _answer([assignment_document(each) for each in found])
    return 0


async def attach_cache_file(settings: Settings, world: World) -> int:
    """Upload a file that exists already as a recording's audio."""
    from rakkr.controller.upload import Upload

    path, recording_id = settings.attach_cache_file, settings.attach_cache_recording_id
    if path is None or recording_id is None:
        raise CannotStart("--attach-cache-file and --attach-cache-recording-id go together")
    controller = _controller(settings, world)
    try:
        receipt = await controller.upload_cache_file(
            recording_id,
            Upload(
                path=path,
                content_type=settings.attach_cache_content_type,
                file_name=settings.attach_cache_file_name or path.name,
                duration_seconds=settings.attach_cache_duration_seconds,
            ),
        )
    finally:
        await controller.close()
    complain(f"{path} is attached: {receipt.size} bytes, {receipt.checksum}")
    return 0


async def run_next_job(settings: Settings, world: World) -> int:
    """Claim and run what is queued first."""
    from rakkr.jobs.member import Ending
    from rakkr.jobs.once import NextJob

    async with _Shop(settings, world) as place:
        results = await _dismissible(world, NextJob(place))
    if results is None:
        complain("nothing is queued")
        return 0
    good = {Ending.DELIVERED, Ending.NOTHING_TO_DELIVER}
    return 0 if all(result.ending in good for result in results) else FAILED


async def capture_recording(settings: Settings, world: World) -> int:
    """Record, render and upload for one recording id."""
    from rakkr.jobs.direct import DirectCapture

    recording_id = settings.capture_recording_id
    assert recording_id is not None
    async with _Shop(settings, world) as place:
        receipt = await _dismissible(world, DirectCapture(place, recording_id))
    complain(f"{recording_id} is delivered: {receipt.size} bytes, {receipt.checksum}")
    return 0


async def _dismissible(world: World, work: Any) -> Any:
    """Run work that ends early, but whole, when a signal comes."""
    trigger = world.reactor.addSystemEventTrigger("before", "shutdown", work.dismiss)
    try:
        return await work.run()
    finally:
        await work.gone()
        if world.reactor.running:
            world.reactor.removeSystemEventTrigger(trigger)


def _controller(settings: Settings, world: World) -> Any:
    from rakkr.agent import make_controller, make_token

    token = make_token(settings, world)
    if token is None:
        raise CannotStart("this mode needs --controller-token or --controller-token-file")
    return make_controller(settings, world, token)


class _Shop:
    """A workplace that is opened for one piece of work, and closed behind it."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world

    async def __aenter__(self) -> Any:
        from rakkr.agent import make_reporter, make_workplace
        from rakkr.cache.service import CacheSweepService

        self._controller = _controller(self._settings, self._world)
        self._reporter = make_reporter(self._settings, self._world, self._controller)
        self._cache = CacheSweepService(self._world.reactor, self._reporter, self._world.in_thread)
        return make_workplace(
            self._settings, self._world, self._controller, self._reporter, self._cache
        )

    async def __aexit__(self, *_: object) -> None:
        await self._cache.sweep()
        await self._reporter.stopService()
        await self._controller.close()
