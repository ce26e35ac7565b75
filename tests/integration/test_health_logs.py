"""The judge of health logs sees what is wrong."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from rakkr.health.event import HealthEvent, json_line
from tests.integration.health_logs import faults_below

CLAIM = "agent.recording_job.claim_next_failed"
RIGHT = HealthEvent("id", CLAIM, "warning", "t", {"error": "e", "nodeId": "n"})
WRONG = HealthEvent("id", CLAIM, "warning", "t", {"error": "e"})


def test_lines(tmp_path: Path) -> None:
    """An event of a log is judged, of a rotated one too, and a torn line is nobody's fault."""
    log = tmp_path / "agent" / "health-events.jsonl"
    log.parent.mkdir()
    log.write_bytes(json_line(RIGHT.as_wire()) * 2 + b'{"type": "agent.flo')
    assert faults_below(tmp_path) == []
    older = log.with_name("health-events.jsonl.1")
    older.write_bytes(json_line(WRONG.as_wire()))
    assert faults_below(tmp_path) == [f"{older}: {CLAIM}: details has no nodeId"]
    older.unlink()


def test_rows(tmp_path: Path) -> None:
    """Events in a database are judged likewise."""
    path = tmp_path / "health.sqlite"
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(
            "CREATE TABLE agent_health_events(type, severity, recording_id, details_json)"
        )
        for event in (RIGHT, WRONG):
            row = (event.type, event.severity, None, json.dumps(dict(event.details)))
            store.execute("INSERT INTO agent_health_events VALUES (?, ?, ?, ?)", row)
    assert faults_below(tmp_path) == [f"{path}: {CLAIM}: details has no nodeId"]
    path.unlink()
