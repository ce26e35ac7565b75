"""The local health log as an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.logger import Logger

from rakkr.health.cursor import Cursor
from rakkr.health.database import Database, is_beyond_repair
from rakkr.health.file_lock import FileLock
from rakkr.health.position import Position
from rakkr.health.store import Appended, Record, Unreadable

T = TypeVar("T")
_DELETED_AT_ONCE = 500
_APPENDS_BETWEEN_CLEANING = 100


@attrs.define
class SqliteLog:
    """
    A table of events; what it promises is in :class:`rakkr.health.store.Store`.

    A database that is damaged is renamed to ``<path>.damaged.<n>``, and a new one begun.

    :ivar path: the database; its WAL is beside it.
    :ivar max_bytes: how much delivered events may take, 0 for any.
    :ivar max_days: how old delivered events get, 0 for any.
    :ivar undelivered_max_bytes: how much more it may become because events were not delivered.
    :ivar delivers: whether there is a controller.
    """

    log = Logger()

    path: Path
    node_id: str
    max_bytes: int
    max_days: int
    undelivered_max_bytes: int = 0
    delivers: bool = False
    _cursor: Cursor = attrs.field(init=False)
    _lock: FileLock = attrs.field(init=False)
    _delivering: FileLock = attrs.field(init=False)
    _open: Database | None = attrs.field(init=False, default=None)
    _until_cleaning: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._cursor = Cursor(self._named(".cursor"))
        self._lock = FileLock(self._named(".lock"))
        self._delivering = FileLock(self._named(".delivering"))

    def append(self, lines: Sequence[bytes]) -> Appended:
        """Store records."""
        try:
            with self._lock.held():
                return self._append(lines)
        except OSError as error:
            return Appended(0, str(error))

    def begin(self) -> Position:
        """Where delivery goes on."""
        return self._reading(self._begin)

    def read(self, after: Position, most: int) -> list[Record]:
        """Read the next records."""
        return self._reading(lambda database: database.read(after, most))

    def passed(self, position: Position) -> None:
        """Note how far the log was delivered."""
        try:
            with self._lock.held():
                self._cursor.save(position)
        except OSError as error:
            raise Unreadable(str(error)) from error

    def claim(self) -> bool:
        """Become the one process that delivers."""
        try:
            return self._delivering.take()
        except OSError as error:
            raise Unreadable(str(error)) from error

    def close(self) -> None:
        """Close the database, and let another process deliver."""
        self._shut()
        self._delivering.release()

    def _named(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _append(self, lines: Sequence[bytes]) -> Appended:
        given_up = 0
        try:
            database = self._database()
            if self.delivers:
                self._begin(database)
            database.insert(lines)
            self._until_cleaning -= len(lines)
            if self._until_cleaning < 0:
                given_up = self._clean(database)
                self._until_cleaning = _APPENDS_BETWEEN_CLEANING
        except sqlite3.Error as error:
            return Appended(0, str(error), given_up, self._set_aside(error))
        return Appended(len(lines), None, given_up)

    def _reading(self, work: Callable[[Database], T]) -> T:
        try:
            with self._lock.held():
                try:
                    return work(self._database())
                except sqlite3.Error as error:
                    raise Unreadable(str(error), self._set_aside(error)) from error
        except OSError as error:
            raise Unreadable(str(error)) from error

    def _database(self) -> Database:
        """The open connection; another one when somebody took the file away."""
        if self._open is not None and not self._open.is_there:
            self._shut()
        if self._open is None:
            self._open = Database(self.path, self.node_id)
        return self._open

    def _begin(self, database: Database) -> Position:
        return self._cursor.begin(self.path, database.end)

    def _clean(self, database: Database) -> int:
        """Keep the limits; returns how many undelivered events had to be given up."""
        position = self._cursor.load()
        passed = (1 << 62) if position is None else database.row_of(position)
        deleted = 0
        if self.max_days:
            deleted += database.delete_older(passed, self.max_days)
        while self.max_bytes and database.used_bytes > self.max_bytes:
            gone = database.delete_oldest(passed, _DELETED_AT_ONCE)
            deleted += gone
            if not gone:
                break
        given_up = 0
        while self.max_bytes and database.used_bytes > self.max_bytes + self.undelivered_max_bytes:
            gone = database.delete_oldest(1 << 62, _DELETED_AT_ONCE)
            given_up += gone
            if not gone:
                break
        if deleted or given_up:
            database.give_back()
        return given_up

    def _set_aside(self, error: sqlite3.Error) -> Path | None:
        """Make room for a new database if this one is damaged; returns where it is now."""
        if not is_beyond_repair(error) or not self.path.exists():
            return None
        self._shut()
        number = 1
        while self._named(f".damaged.{number}").exists():
            number += 1
        aside = self._named(f".damaged.{number}")
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):
            beside = self._named(suffix)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + suffix))
        self.log.warn(
            "{path} was damaged, and is now {aside}; a new one is begun: {why}",
            path=str(self.path),
            aside=str(aside),
            why=str(error),
        )
        return aside

    def _shut(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
