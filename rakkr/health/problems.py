"""What is wrong at the moment and was reported, remembered over a restart."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.durable import write_atomically
from rakkr.moment import Moment
from rakkr.threads import InThread

NAME: Final = "open-problems.json"
_VERSION: Final = 1
_MOST_BYTES: Final = 1 << 20


class OpenProblems(Service):
    """
    Problems that were reported and are not over, by a key for each.

    So what went away while the agent was down gets its recovery, and what is still there is not
    reported twice.  The file is written off the reactor, and the last of a burst of changes wins.
    Nothing here raises: without a file, a problem is just reported once more after a restart.
    """

    log = Logger()
    last_seconds = 5.0

    def __init__(self, path: Path, in_thread: InThread, clock: IReactorTime, node_id: str) -> None:
        """
        Read what an earlier agent left; this blocks, so it is done before the reactor runs.

        :param node_id: what was reported of another node was never reported of this one.
        """
        self.setName("open problems")
        self._clock = clock
        self._node_id = node_id
        self._path = path
        self._in_thread = in_thread
        self._failed = False
        self._changed = False
        self._still = Moment[None]()
        self._still.comes(None)
        self._open = self._read()

    def get(self, key: str) -> str | None:
        """How bad a problem is, in the words of whoever reported it; None when there is none."""
        return self._open.get(key)

    def keys(self) -> tuple[str, ...]:
        """Everything that is open."""
        return tuple(self._open)

    def put(self, key: str, how: str | None) -> None:
        """Remember a problem, or with None that it is over; returns at once."""
        if self._open.get(key) == how:
            return
        if how is None:
            del self._open[key]
        else:
            self._open[key] = how
        if self._changed:
            return
        self._changed = True
        if self._still.came:
            self._still = Moment()
            Deferred.fromCoroutine(self._write())

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Fire when all is written, or the disk has not answered for a while."""
        super().stopService()
        return Deferred.fromCoroutine(self._finish())

    async def _finish(self) -> None:
        try:
            await self._still.when().addTimeout(self.last_seconds, self._clock)
        except TooLate:
            self.log.warn("the disk of {path} does not answer", path=str(self._path))

    async def _write(self) -> None:
        while self._changed:
            self._changed = False
            known = {"version": _VERSION, "nodeId": self._node_id, "open": self._open}
            content = json.dumps(known, indent=2).encode()
            try:
                await self._in_thread(write_atomically, self._path, content + b"\n")
            except Exception as error:  # noqa: BLE001 - evidence never hurts whoever leaves it
                self._complain(error)
            else:
                self._failed = False
        self._still.comes(None)

    def _complain(self, error: Exception) -> None:
        if not self._failed:
            why = str(error) or type(error).__name__
            self.log.error(
                "{path} cannot be written, so after a restart what is wrong is told again; make"
                " room, or let the agent write there: {why}",
                path=str(self._path),
                why=why,
            )
        self._failed = True

    def _read(self) -> dict[str, str]:
        try:
            with self._path.open("rb") as file:
                return _understood(json.loads(file.read(_MOST_BYTES)), self._node_id)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            self.log.warn(
                "what was wrong before this start is not known, {path} is set aside: {why}",
                path=str(self._path),
                why=str(error),
            )
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            return {}


def _understood(found: object, node_id: str) -> dict[str, str]:
    """
    The problems of a node in a file.

    :raises ValueError: when it is none of ours.
    """
    if not isinstance(found, Mapping) or not isinstance(found.get("open"), Mapping):
        raise ValueError("it holds no list of problems")  # noqa: TRY004 - it is read as text
    problems = found["open"] if found.get("nodeId") == node_id else {}
    return {str(key): how for key, how in problems.items() if isinstance(how, str)}
