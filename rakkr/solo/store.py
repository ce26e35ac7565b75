"""
The controller's memory: a small SQLite database, used in tiny transactions.

Each row is an id, what it is found by, and a JSON document.  All calls are made from one thread,
the reactor's: they take well under a millisecond.  The write-ahead log keeps the database whole
when the process is killed at any moment.  Ordinary transactions are not forced to the
disk, so a power cut may undo the last of them; ``durable`` ones are there when the call returns.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import cattrs

from rakkr.solo.lifecycle import ACTIVE, Job
from rakkr.solo.records import Chunk, Recording

VERSION = 1
_SCHEMA = """
CREATE TABLE nodes (id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE credentials (node_id TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL UNIQUE);
CREATE TABLE recordings (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL
);
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, recording_id TEXT NOT NULL,
    active INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX jobs_of_recording ON jobs (recording_id);
CREATE INDEX active_jobs ON jobs (active) WHERE active;
CREATE TABLE chunks (
    id TEXT PRIMARY KEY, recording_id TEXT NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX chunks_of_recording ON chunks (recording_id, number);
CREATE TABLE events (sequence INTEGER PRIMARY KEY, recording_id TEXT, document TEXT NOT NULL);
CREATE INDEX events_of_recording ON events (recording_id);
"""

T = TypeVar("T")


class UnusableStore(Exception):
    """The database cannot be opened; the message says what to do."""


class Store:
    """
    Nodes, credentials, recordings, jobs, chunks and health events.

    :param path: the file, or None for a database in memory.
    :raises UnusableStore: when it is no database of ours.
    """

    def __init__(self, path: Path | None) -> None:
        self._converter = cattrs.Converter(omit_if_default=True)
        self._depth = 0
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA busy_timeout = 1000")
            self._prepare()
        except sqlite3.Error as error:
            raise UnusableStore(
                f"The controller database {path} cannot be used ({error}); "
                "move it aside to start with an empty one."
            ) from error

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.DatabaseError("it was written by a newer version")
        if version == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def alive(self) -> bool:
        """Whether the database answers."""
        try:
            self._db.execute("SELECT 1 FROM nodes LIMIT 1").fetchall()
        except sqlite3.Error:
            return False
        return True

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing; one inside another belongs to the outer one."""
        if self._depth:
            yield
            return
        if durable:
            self._db.execute("PRAGMA synchronous = FULL")
        self._depth += 1
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        finally:
            self._depth -= 1
            if durable:
                self._db.execute("PRAGMA synchronous = NORMAL")

    def _one(self, kind: type[T], sql: str, *values: Any) -> T | None:
        found = self._all(kind, sql, *values)
        return found[0] if found else None

    def _all(self, kind: type[T], sql: str, *values: Any) -> list[T]:
        rows = self._db.execute(sql, values).fetchall()
        return [self._converter.structure(json.loads(document), kind) for (document,) in rows]

    def _document(self, value: Any) -> str:
        return json.dumps(self._converter.unstructure(value))

    # -- nodes and credentials

    def node(self, node_id: str) -> dict[str, Any] | None:
        """A node's document."""
        return self._one(dict, "SELECT document FROM nodes WHERE id = ?", node_id)

    def nodes(self) -> list[dict[str, Any]]:
        """Every node's document."""
        return self._all(dict, "SELECT document FROM nodes ORDER BY id")

    def put_node(self, node: dict[str, Any]) -> None:
        """Keep a node's document under its ``id``."""
        self._db.execute(
            "INSERT OR REPLACE INTO nodes VALUES (?, ?)", (node["id"], self._document(node))
        )

    def node_of_token(self, token_sha256: str) -> str | None:
        """The node whose token has this digest."""
        row = self._db.execute(
            "SELECT node_id FROM credentials WHERE token_sha256 = ?", (token_sha256,)
        ).fetchone()
        return None if row is None else str(row[0])

    def put_credential(self, node_id: str, token_sha256: str) -> None:
        """Make this the only token of the node, and the node the only one of the token."""
        self._db.execute(
            "INSERT OR REPLACE INTO credentials (node_id, token_sha256) VALUES (?, ?)",
            (node_id, token_sha256),
        )

    # -- recordings

    def recording(self, recording_id: str) -> Recording | None:
        """One recording."""
        return self._one(Recording, "SELECT document FROM recordings WHERE id = ?", recording_id)

    def recordings(self) -> list[Recording]:
        """Every recording, newest first."""
        return self._all(Recording, "SELECT document FROM recordings ORDER BY sequence DESC")

    def put_recording(self, recording: Recording) -> None:
        """Keep a recording."""
        self._db.execute(
            "INSERT INTO recordings (id, document) VALUES (?, ?)"
            " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
            (recording.id, self._document(recording)),
        )

    # -- jobs

    def job(self, job_id: str) -> Job | None:
        """One job."""
        return self._one(Job, "SELECT document FROM jobs WHERE id = ?", job_id)

    def jobs_of(self, recording_id: str) -> list[Job]:
        """The jobs of a recording, oldest first."""
        return self._all(
            Job, "SELECT document FROM jobs WHERE recording_id = ? ORDER BY sequence", recording_id
        )

    def active_jobs(self) -> list[Job]:
        """The jobs that have not ended, oldest first."""
        return self._all(Job, "SELECT document FROM jobs WHERE active ORDER BY sequence")

    def next_sequence(self) -> int:
        """The sequence number of the next job that is made."""
        (last,) = self._db.execute("SELECT coalesce(max(sequence), 0) FROM jobs").fetchone()
        return int(last) + 1

    def put_job(self, job: Job) -> None:
        """Keep a job."""
        self._db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?) ON CONFLICT (id)"
            " DO UPDATE SET active = excluded.active, document = excluded.document",
            (job.sequence, job.id, job.recording_id, job.status in ACTIVE, self._document(job)),
        )

    # -- chunks

    def chunks_of(self, recording_id: str) -> list[Chunk]:
        """The chunks of a recording, in their order."""
        return self._all(
            Chunk,
            "SELECT document FROM chunks WHERE recording_id = ? ORDER BY number",
            recording_id,
        )

    def put_chunk(self, chunk: Chunk) -> None:
        """Keep a chunk."""
        self._db.execute(
            "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)",
            (chunk.id, chunk.recording_id, chunk.index, self._document(chunk)),
        )

    def drop_chunks(self, recording_id: str) -> None:
        """Forget every chunk of a recording."""
        self._db.execute("DELETE FROM chunks WHERE recording_id = ?", (recording_id,))

    # -- health events

    def add_event(self, event: dict[str, Any]) -> None:
        """Keep a health event for good."""
        self._db.execute(
            "INSERT INTO events (recording_id, document) VALUES (?, ?)",
            (event.get("recordingId"), self._document(event)),
        )

    def events(self, recording_id: str | None = None) -> list[dict[str, Any]]:
        """The newest 1000 events, newest first; of one recording, if one is named."""
        return self._all(
            dict,
            "SELECT document FROM events WHERE ?1 IS NULL OR recording_id = ?1"
            " ORDER BY sequence DESC LIMIT 1000",
            recording_id,
        )
