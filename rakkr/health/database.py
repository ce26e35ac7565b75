"""The database of health events: its schema, its statements, and when it is beyond repair."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from rakkr.controller.sanitise import clean
from rakkr.health.event import json_line
from rakkr.health.position import OLDEST, Position
from rakkr.health.store import Record

BUSY_SECONDS: Final = 5.0
_HIGHEST_NUMBER: Final = (1 << 31) - 1
_BEYOND_REPAIR: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS agent_health_events(
    id TEXT PRIMARY KEY NOT NULL, node_id TEXT NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL,
    opened_at TEXT NOT NULL, recording_id TEXT, schedule_id TEXT, details_json TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS agent_health_events_opened_at_idx ON agent_health_events(opened_at);
CREATE INDEX IF NOT EXISTS agent_health_events_type_severity_idx
    ON agent_health_events(type, severity);
"""
_INSERT: Final = """
INSERT INTO agent_health_events
    (id, node_id, type, severity, opened_at, recording_id, schedule_id, details_json)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING
"""
_SELECT: Final = """
SELECT rowid, id, type, severity, opened_at, recording_id, schedule_id, details_json
FROM agent_health_events WHERE rowid > ? ORDER BY rowid LIMIT ?
"""


def is_beyond_repair(error: sqlite3.Error) -> bool:
    """Whether the file is no database any more."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _BEYOND_REPAIR


class Database:
    """
    One open database; every call raises ``sqlite3.Error`` for what goes wrong.

    :ivar number: what it is recognised by; every database has another.
    """

    def __init__(self, path: Path, node_id: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._node_id = node_id
        self._inode = 0
        self._path = path
        # Threads take turns: whoever calls this lets one piece of work end before the next.
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # What is no UTF-8 is somebody else's, and must not keep us from reading what follows.
        self._connection.text_factory = lambda text: text.decode(errors="replace")
        try:
            self.number = self._prepare()
            self._inode = path.stat().st_ino
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> int:
        ask = self._connection.execute
        ask("PRAGMA auto_vacuum=INCREMENTAL")  # counts for a new database only
        ask("PRAGMA journal_mode=WAL")
        ask("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)
        (number,) = ask("PRAGMA user_version").fetchone()
        if not number:
            number = 1 + secrets.randbelow(_HIGHEST_NUMBER)
            ask(f"PRAGMA user_version={number}")
        return int(number)

    @property
    def is_there(self) -> bool:
        """Whether the file of that name is still this one."""
        with suppress(OSError):
            return self._path.stat().st_ino == self._inode
        return False

    def close(self) -> None:
        """Close it; twice is once."""
        self._connection.close()

    def insert(self, lines: Sequence[bytes]) -> None:
        """Store records, all or none; an id that is there already is left as it is."""
        rows = [_row(line, self._node_id) for line in lines]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(_INSERT, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def end(self) -> Position:
        """Behind the newest record."""
        found = self._connection.execute(
            "SELECT rowid, id FROM agent_health_events ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        return OLDEST if found is None else Position(str(self.number), found[0], str(found[1]))

    def row_of(self, position: Position) -> int:
        """The row that a position is behind; 0 when it is in another database."""
        if position.source != str(self.number):
            return 0
        # By its id, because a VACUUM by hand numbers the rows anew.
        found = self._connection.execute(
            "SELECT rowid FROM agent_health_events WHERE id = ?", (position.mark,)
        ).fetchone()
        return position.offset if found is None else int(found[0])

    def read(self, after: Position, most: int) -> list[Record]:
        """The next records."""
        rows = self._connection.execute(_SELECT, (self.row_of(after), most)).fetchall()
        return [
            Record(_line(row[1:]), Position(str(self.number), row[0], str(row[1]))) for row in rows
        ]

    @property
    def used_bytes(self) -> int:
        """How large the records are, with their indexes."""
        ask = self._connection.execute
        pages, free, size = (
            ask(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def delete_oldest(self, before_row: int, most: int) -> int:
        """Delete some of the oldest records before a row; the newest of all always stays."""
        return self._connection.execute(
            "DELETE FROM agent_health_events WHERE rowid IN (SELECT rowid FROM agent_health_events"
            " WHERE rowid < min(?, (SELECT max(rowid) FROM agent_health_events))"
            " ORDER BY rowid LIMIT ?)",
            (before_row, most),
        ).rowcount

    def delete_older(self, before_row: int, days: int) -> int:
        """Delete what is older than so many days, before a row; the newest of all stays."""
        return self._connection.execute(
            "DELETE FROM agent_health_events WHERE rowid <"
            " min(?, (SELECT max(rowid) FROM agent_health_events))"
            " AND created_at < datetime('now', ?)",
            (before_row, f"-{days} days"),
        ).rowcount

    def give_back(self) -> None:
        """Give the space of what was deleted back to the disk; rows keep their numbers."""
        # execute() would free one page: this statement has a step for each, and no rows.
        self._connection.executescript("PRAGMA incremental_vacuum;")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _row(line: bytes, node_id: str) -> tuple[Any, ...]:
    wire: dict[str, Any] = json.loads(line)
    return (
        wire["id"],
        node_id,
        wire["type"],
        wire["severity"],
        wire["openedAt"],
        wire.get("recordingId"),
        wire.get("scheduleId"),
        json_line(wire["details"]).decode().rstrip("\n"),
    )


def _line(row: Sequence[Any]) -> bytes:
    """A row as the record that it was."""
    id_, type_, severity, opened_at, recording_id, schedule_id, details = row
    wire = {"id": id_, "openedAt": opened_at, "severity": severity}
    wire |= {} if recording_id is None else {"recordingId": recording_id}
    wire |= {} if schedule_id is None else {"scheduleId": schedule_id}
    try:
        whole = {"details": json.loads(details), **wire, "type": type_}
        return json_line(clean(whole, nulls=True)).rstrip(b"\n")
    except (ValueError, RecursionError, TypeError):  # somebody else's
        return b"not an event"
