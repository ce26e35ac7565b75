"""``--sweep``: the cache policies heeded once, or only thought through (``--dry-run``)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import maybeDeferred

from rakkr.agent import make_controller, make_token
from rakkr.cache import files
from rakkr.cache.candidates import Survey, survey
from rakkr.cache.evidence import Evidence, swept_by
from rakkr.cache.intent import Intent
from rakkr.cache.plan import Deletion
from rakkr.cache.rules import Rules
from rakkr.cache.sanity import clock_trouble
from rakkr.cache.showing import shown
from rakkr.cache.stock import Stock
from rakkr.complaints import complain
from rakkr.controller.errors import ControllerError
from rakkr.disk.space import read_space
from rakkr.health.reporter import HealthReporter
from rakkr.jobs.books import Books
from rakkr.jobs.holdings import holdings_of, with_lost
from rakkr.live import LiveSettings
from rakkr.reporting import make_reporter
from rakkr.settings import Settings
from rakkr.workshop import archive_of, make_ledger

if TYPE_CHECKING:
    from rakkr.tap import World

Plan = tuple[Rules, list[Deletion], str | None]
"""What is in force, what goes, and why the clock cannot be believed."""


@attrs.frozen
class Sweeper:
    """
    One sweep.

    :ivar live: with the controller's policies, if it could be asked.
    """

    settings: Settings
    world: World
    live: LiveSettings

    async def ask(self) -> None:
        """Ask the controller for its policies, and by the way for its clock."""
        token = make_token(self.settings, self.world)
        if token is None:
            complain("there is no controller token: the policies that the jobs carried count")
            return
        controller = make_controller(self.settings, self.world, token)
        try:
            self.live.apply(await controller.node_config())
        except ControllerError as error:
            complain(f"the policies that the jobs carried count: {error}")
        finally:
            await controller.close()

    async def think(self) -> tuple[dict[str, Any], bool]:
        """Say what a sweep would do now; nothing is changed, so it needs no lock."""
        seen, troubles = await self.world.in_thread(self._read)
        for trouble in troubles:
            complain(trouble)
        plan = await self.world.in_thread(self._plan, seen)
        return await self.world.in_thread(self._document, seen, plan, None), bool(troubles)

    async def act(self) -> tuple[dict[str, Any], bool]:
        """Do it; what it reports is in the log, from which the daemon delivers."""
        reporter = make_reporter(self.settings, self.world, None)
        reporter.startService()
        try:
            return await self._act(reporter)
        finally:
            await maybeDeferred(reporter.stopService)

    async def _act(self, reporter: HealthReporter) -> tuple[dict[str, Any], bool]:
        ledger = make_ledger(self.settings, self.world, reporter)
        await ledger.open()
        evidence = Evidence(reporter)
        in_thread = self.world.in_thread
        path = self.settings.recorder_cache_manifest_file.absolute()
        stock = Stock(
            path, self._directory, Books(ledger), evidence, in_thread, self.world.wall.stamp
        )
        seen = await stock.update()
        assert seen is not None  # the journals were read
        plan = await in_thread(self._plan, seen)
        look = files.look_in(self._directory)
        done = await in_thread(files.delete, plan[1], seen.needed, seen.found, look)
        evidence.swept(swept_by(len(seen.holdings), done))
        await stock.update()
        await ledger.flush()
        document = await in_thread(self._document, seen, plan, done)
        return document, any(each.errors for each in done)

    @property
    def _directory(self) -> Path:
        return self.settings.capture_dir.absolute()

    def _read(self) -> tuple[Survey, list[str]]:
        archive = archive_of(self.settings)
        found, troubles = archive.read()
        loaded = files.load(self.settings.recorder_cache_manifest_file.absolute())
        said = [each.sentence for each in troubles]
        if loaded.trouble is not None:
            said.append(f"{loaded.trouble}; the agent would make it anew from the journals")
        unread = any(each.what == "unreadable" for each in troubles)
        journals = with_lost(
            holdings_of([each.remembered for each in found]),
            archive.lost_files(troubles),
            unread=unread,
        )
        look = files.look_in(self._directory)
        return survey(journals, loaded.entries, look, files.is_silent), said

    def _plan(self, seen: Survey) -> Plan:
        space = None
        with contextlib.suppress(OSError):  # then nothing goes for the disk's sake
            space = read_space(self._directory)
        intent = Intent(
            listed=self.live.policies,
            orphan_days=self.settings.recorder_cache_orphan_days,
            now=self.world.wall.now(),
            space=space,
        )
        rules, deletions = intent.sweep(seen)
        wall = self.world.wall
        trouble = clock_trouble(wall.now(), seen.newest_upload, wall.skew_seconds)
        return rules, deletions if trouble is None else [], trouble

    def _document(
        self, seen: Survey, plan: Plan, done: Sequence[files.Deleted] | None
    ) -> dict[str, Any]:
        rules, deletions, trouble = plan
        known = {path for each in seen.holdings for path in each.files}
        strays = files.strays(self._directory, known)
        errors = None
        if done is not None:
            errors = {path: why for each in done for path, why in each.errors.items()}
        by = "jobs" if self.live.policies is None else "controller"
        document = shown(seen, rules, deletions, strays, errors)
        return {"clockTrouble": trouble, "policiesOf": by, **document}


async def sweep_once(settings: Settings, world: World) -> tuple[dict[str, Any], bool]:
    """
    Sweep, and describe it.

    :returns: the document, and whether something went wrong.
    """
    sweeper = Sweeper(settings, world, LiveSettings(settings))
    await sweeper.ask()
    return await (sweeper.think() if settings.dry_run else sweeper.act())
