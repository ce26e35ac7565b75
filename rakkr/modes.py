"""The one-shot modes of ``rakkr-recorder-agent``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred

from rakkr.complaints import complain
from rakkr.settings import Settings
from rakkr.tap import CannotStart, World, lock_data

FAILED = 1


def _answer(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def print_inventory(settings: Settings, world: World) -> int:
    """Print the node's inventory as JSON, or its inputs as a table."""
    from rakkr.controller.sanitise import clean
    from rakkr.describer import Describer, make_probe, make_survey

    probe = make_probe(settings, world)
    describe = Describer(settings, world, probe, make_survey(world, probe))
    if settings.table:
        sys.stdout.write(await describe.table())
        sys.stdout.flush()
    else:
        _answer(clean(await describe.document()))
    return 0


async def print_meter_frame(settings: Settings, world: World) -> int:
    """Measure the configured device once, and print its levels as JSON."""
    from rakkr.describer import make_probe, make_survey
    from rakkr.meter_once import NoSamples, one_frame

    try:
        survey = make_survey(world, make_probe(settings, world))
        _answer(await one_frame(settings, world, survey))
    except NoSamples as reason:
        complain(f"no levels could be measured: {reason}")
        return FAILED
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


async def list_salvage(settings: Settings, world: World) -> int:
    """Print what is kept here because it could not be delivered, as JSON."""
    from rakkr.jobs.salvage import salvage_text
    from rakkr.jobs.salvage_list import list_salvage as read_salvage
    from rakkr.workshop import archive_of

    archive = archive_of(settings)
    _miss_journals(archive.directories)
    rows, troubles = await read_salvage(archive, world.in_thread)
    sys.stdout.write(salvage_text(rows) + "\n")
    sys.stdout.flush()
    for trouble in troubles:
        complain(trouble.sentence)
    return FAILED if troubles else 0


def _miss_journals(directories: Sequence[Path]) -> None:
    """Say that a mode may have been called with other settings than the daemon."""
    if not any(each.is_dir() for each in directories):
        places = " or ".join(map(str, directories))
        complain(
            f"there are no journals in {places}; call this with the agent's own"
            " --agent-state-file and --capture-dir, or in its working directory"
        )


async def repair_file(settings: Settings, world: World) -> int:
    """Write an honest copy of a WAV file."""
    from rakkr.repair import repair

    if settings.repair is None:
        raise CannotStart(
            "--repair-output says where the copy of --repair goes; name the file by --repair, too"
        )
    complain(str(await world.in_thread(repair, settings.repair, settings.repair_output)))
    return 0


async def sweep(settings: Settings, world: World) -> int:
    """Give disk space back by the policies, or only say what that would do."""
    from rakkr.sweep_once import sweep_once
    from rakkr.workshop import archive_of

    if not settings.sweep:
        raise CannotStart("--dry-run goes with --sweep")
    _miss_journals(archive_of(settings).directories)
    if not settings.dry_run:
        lock_data(settings)
    document, failed = await sweep_once(settings, world)
    _answer(document)
    return FAILED if failed else 0


async def run_next_job(settings: Settings, world: World) -> int:
    """Claim and run what is queued first."""
    from rakkr.jobs.ending import Ending
    from rakkr.jobs.once import NextJob

    lock_data(settings)
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
        from rakkr.describer import make_probe
        from rakkr.reporting import make_reporter
        from rakkr.workshop import make_workshop

        settings, world = self._settings, self._world
        self._controller = _controller(settings, world)
        self._reporter = make_reporter(settings, world, self._controller)
        self._reporter.startService()
        workshop = make_workshop(
            settings,
            world,
            self._controller,
            self._reporter,
            make_probe(settings, world),
        )
        self._cache = workshop.cache
        self._disk = workshop.disk
        self._disk.startService()
        return workshop.for_one_job()

    async def __aexit__(self, *_: object) -> None:
        try:
            await maybeDeferred(self._disk.stopService)
            await self._cache.tidy()
        finally:  # whatever broke, what was reported is written
            await self._reporter.stopService()
            await self._controller.close()
