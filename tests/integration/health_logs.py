"""Judges what real agents left in their health logs, by the catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rakkr.health.catalogue import wire_faults

_SQLITE = b"SQLite format 3\0"


def faults_below(directory: Path) -> list[str]:
    """
    Find the events in the health logs below a directory that are not as the catalogue has them.

    A log is known by its name, which has ``health`` in it; lines that a fault tore are left out.

    :returns: one sentence each.
    """
    found = []
    for path in sorted(directory.rglob("*health*")):
        for event in _events(path) if path.is_file() else ():
            found += [f"{path}: {event.get('type')}: {why}" for why in wire_faults(event)]
    return found


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            yield from _stored(path)
        elif ".jsonl" in path.name:
            file.seek(0)
            yield from _logged(file.read())


def _logged(content: bytes) -> Iterator[Mapping[str, Any]]:
    for line in content.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "type" in event:
            yield event


def _stored(path: Path) -> Iterator[Mapping[str, Any]]:
    columns = "type, severity, recording_id, details_json"
    with closing(sqlite3.connect(path)) as store:
        for type_, severity, recording, details in store.execute(
            f"SELECT {columns} FROM agent_health_events"
        ):
            yield {
                "type": type_,
                "severity": severity,
                "recordingId": recording,
                "details": json.loads(details),
            }
