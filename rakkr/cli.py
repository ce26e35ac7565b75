"""``rakkr-recorder-agent``: chooses and runs a one-shot mode, or the daemon in the foreground."""

from __future__ import annotations

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

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in rakkr.tap, which is imported later

from rakkr import modes
from rakkr.complaints import complain
from rakkr.options import Options
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


def begin_logging(level: str) -> None:
    """Send the log to standard error; standard output carries answers alone."""
    observer = FilteringLogObserver(
        textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(_LEVELS[level])]
    )
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def choose_mode(settings: Settings) -> Mode | None:
    """
    The first mode that is set, in the contract's order; None for the daemon.

    :raises UsageError: for a mode that this version does not have, and for half of one.
    """
    if settings.table and not settings.print_inventory:
        raise UsageError("--table goes with --print-inventory")
    attach = settings.attach_cache_file or settings.attach_cache_recording_id
    order: tuple[tuple[Any, Mode | str], ...] = (
        (settings.print_inventory, modes.print_inventory),
        (settings.bootstrap, "bootstrap"),
        (settings.print_meter_frame, modes.print_meter_frame),
        (settings.print_channel_map_assignments, modes.print_channel_map_assignments),
        (attach, modes.attach_cache_file),
        (settings.list_salvage, modes.list_salvage),
        (settings.repair or settings.repair_output, modes.repair_file),
        (settings.sweep or settings.dry_run, modes.sweep),
        (settings.run_next_job, modes.run_next_job),
        (settings.capture_recording_id, modes.capture_recording),
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
