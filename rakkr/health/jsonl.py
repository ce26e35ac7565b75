"""The local health log as lines of JSON in files that rotate by size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from rakkr.health import rotation
from rakkr.health.cursor import Cursor
from rakkr.health.file_lock import FileLock
from rakkr.health.line_file import (
    System,
    append_line,
    count_lines,
    extent_of,
    read_lines,
    sync_file,
)
from rakkr.health.position import (
    OLDEST,
    Extent,
    Position,
    has_passed,
    locate,
    newest_source,
)
from rakkr.health.store import Appended, Record, Unreadable


@attrs.define
class JsonLines:
    """
    An append-only log of lines; what it promises is in :class:`rakkr.health.store.Store`.

    Older files are ``<path>.1`` (the youngest) and so on.  What rotation would delete before it
    was delivered is kept as ``<path>.undelivered.<n>``, and deleted when it was.

    :ivar path: the active file.
    :ivar max_bytes: the active file is put aside before an append once it is this long; 0: never.
    :ivar retained: how many older files are kept; 0 deletes instead of rotating.
    :ivar undelivered_max_bytes: how much is kept besides because it was not delivered.
    :ivar delivers: whether there is a controller; without one, and without a trace of one, nothing
        is kept for it.
    """

    path: Path
    max_bytes: int
    retained: int
    undelivered_max_bytes: int = 0
    delivers: bool = False
    system: System = os
    _cursor: Cursor = attrs.field(init=False)
    _lock: FileLock = attrs.field(init=False)
    _delivering: FileLock = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._cursor = Cursor(self._named(".cursor"))
        self._lock = FileLock(self._named(".lock"))
        self._delivering = FileLock(self._named(".delivering"))

    def append(self, lines: Sequence[bytes]) -> Appended:
        """Store records."""
        stored = given_up = 0
        try:
            with self._lock.held():
                if self.delivers:
                    self._begin()
                for line in lines:
                    if self.max_bytes and self._size("") >= self.max_bytes:
                        given_up += self._rotate()
                    append_line(self.path, line, self.system)
                    stored += 1
                sync_file(self.path)
        except OSError as error:
            return Appended(stored, str(error), given_up)
        return Appended(stored, None, given_up)

    def begin(self) -> Position:
        """Where delivery goes on."""
        try:
            with self._lock.held():
                return self._begin()
        except OSError as error:
            raise Unreadable(str(error)) from error

    def read(self, after: Position, most: int) -> list[Record]:
        """Read the next records."""
        try:
            with self._lock.held():
                return self._read(after, most)
        except OSError as error:
            raise Unreadable(str(error)) from error

    def passed(self, position: Position) -> None:
        """Note how far the log was delivered, and delete what was kept for that alone."""
        try:
            with self._lock.held():
                self._cursor.save(position)
                self._forget(position)
        except OSError as error:
            raise Unreadable(str(error)) from error

    def claim(self) -> bool:
        """Become the one process that delivers."""
        try:
            return self._delivering.take()
        except OSError as error:
            raise Unreadable(str(error)) from error

    def close(self) -> None:
        """Let another process deliver."""
        self._delivering.release()

    def _named(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _size(self, suffix: str) -> int:
        try:
            return self._named(suffix).stat().st_size
        except FileNotFoundError:
            return 0

    def _suffixes(self) -> list[str]:
        """The files of the log, the oldest first."""
        length = len(self.path.name)
        beside = (each.name for each in os.scandir(self.path.parent))
        return rotation.in_order(
            [name[length:] for name in beside if name.startswith(self.path.name)]
        )

    def _extents(self, suffixes: Sequence[str]) -> list[Extent]:
        return [extent_of(self._named(suffix)) for suffix in suffixes]

    def _begin(self) -> Position:
        return self._cursor.begin(self.path, self._end)

    def _end(self) -> Position:
        extents = self._extents(self._suffixes())
        for index, extent in reversed(list(enumerate(extents))):
            if extent.source is not None:
                return Position(extent.source, extent.size, newest_source(extents[:index]))
        return OLDEST

    def _read(self, after: Position, most: int) -> list[Record]:
        suffixes = self._suffixes()
        extents = self._extents(suffixes)
        index, offset = locate(after, extents)
        for at in range(index, len(suffixes)):
            source = extents[at].source
            if source is not None:  # else it holds no whole line
                growing = suffixes[at] == rotation.ACTIVE
                lines = read_lines(self._named(suffixes[at]), offset, most, growing=growing)
                if lines:
                    mark = newest_source(extents[:at])
                    return [
                        Record(line.content, Position(source, line.behind, mark)) for line in lines
                    ]
            offset = 0
        return []

    def _rotate(self) -> int:
        """Put the active file aside; returns how many undelivered events had to be given up."""
        suffixes = self._suffixes()
        doomed = rotation.doomed(suffixes, self.retained)
        position = self._cursor.load()
        delivered = set(doomed)
        if position is not None and doomed:
            extents = self._extents(suffixes)
            delivered = {
                name for name in doomed if has_passed(position, extents, suffixes.index(name))
            }
        for step in rotation.plan(suffixes, self.retained, delivered):
            if step.new_name is None:
                self.system.unlink(self._named(step.name))
            else:
                self.system.rename(self._named(step.name), self._named(step.new_name))
        return self._give_up(position or OLDEST)

    def _give_up(self, position: Position) -> int:
        """Delete the oldest of what is kept for delivery, as far as it is too much."""
        suffixes = self._suffixes()
        kept = rotation.kept_aside(suffixes)
        total = sum(map(self._size, kept))
        count = 0
        for name in kept:
            if total <= self.undelivered_max_bytes:
                break
            extents = self._extents(suffixes)
            index = suffixes.index(name)
            at, offset = locate(position, extents)
            if at <= index:
                count += count_lines(self._named(name), offset if at == index else 0)
            total -= extents[index].size
            self.system.unlink(self._named(name))
            suffixes.remove(name)
        return count

    def _forget(self, position: Position) -> None:
        suffixes = self._suffixes()
        kept = rotation.kept_aside(suffixes)
        if kept:
            extents = self._extents(suffixes)
            for index, name in enumerate(kept):  # they come first of all
                if has_passed(position, extents, index):
                    self.system.unlink(self._named(name))
