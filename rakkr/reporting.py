"""The keeper of evidence, put together for the daemon and for the one-shot modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rakkr.controller.client import ControllerClient
from rakkr.health.jsonl import JsonLines
from rakkr.health.problems import OpenProblems
from rakkr.health.refused import DeadLetters
from rakkr.health.reporter import HealthReporter
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store
from rakkr.settings import Settings

if TYPE_CHECKING:
    from rakkr.tap import World


def make_store(settings: Settings, *, delivers: bool) -> Store:
    """The local log that the settings choose."""
    if settings.agent_health_log_store == "sqlite":
        return SqliteLog(
            settings.agent_health_sqlite_file.absolute(),
            settings.node_id,
            settings.agent_health_sqlite_max_bytes,
            settings.agent_health_sqlite_max_days,
            settings.agent_health_undelivered_max_bytes,
            delivers,
        )
    return JsonLines(
        settings.agent_health_log_file.absolute(),
        settings.agent_health_log_max_bytes,
        settings.agent_health_log_retained_files,
        settings.agent_health_undelivered_max_bytes,
        delivers,
    )


def make_reporter(
    settings: Settings,
    world: World,
    controller: ControllerClient | None,
    problems: OpenProblems | None = None,
) -> HealthReporter:
    """
    Build the keeper of evidence.

    :param problems: where the daemon remembers over a restart what was reported.
    """
    store = make_store(settings, delivers=controller is not None)
    return HealthReporter(
        world.reactor,
        world.wall,
        settings.node_id,
        store,
        controller,
        world.run_id,
        in_thread=world.in_thread,
        random=world.random,
        letters=DeadLetters(store.path.with_name(f"{store.path.name}.refused.jsonl")),
        events_per_second=settings.agent_health_events_per_second,
        problems=problems,
    )
