"""The keeper of evidence, put together for the daemon and for the one-shot modes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rakkr.controller.client import ControllerClient
from rakkr.health.jsonl import JsonLines
from rakkr.health.problems import OpenProblems
from rakkr.health.refused import DeadLetters
from rakkr.health.reporter import HealthReporter
from rakkr.health.sqlite import SqliteLog
from rakkr.health.store import Store
from rakkr.health.succession import Succession
from rakkr.settings import Settings

if TYPE_CHECKING:
    from rakkr.tap import World


def make_store(settings: Settings, *, delivers: bool) -> Store:
    """The local log that the settings choose, with what the other kind has not delivered."""
    chosen = settings.agent_health_log_store
    store = _make(settings, chosen, delivers=delivers)
    if not delivers:
        return store
    other = _make(settings, "jsonl" if chosen == "sqlite" else "sqlite", delivers=True)
    return Succession(store, other) if _was_delivered(other.path) else store


def _was_delivered(path: Path) -> bool:
    """Whether there is a log from which an agent has delivered."""
    return os.path.exists(path) and os.path.exists(f"{path}.cursor")  # noqa: PTH110 - no errors


def _make(settings: Settings, kind: str, *, delivers: bool) -> Store:
    if kind == "sqlite":
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
