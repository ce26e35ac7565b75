"""The contract's state file: the job that changed last, for whoever reads it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from rakkr.durable import write_atomically
from rakkr.jobs.contract_state import contract_state
from rakkr.jobs.foreign import BadState, ForeignState, read_foreign
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.trouble import Report, Trouble, set_aside
from rakkr.moment import Moment
from rakkr.threads import InThread


class StateFile:
    """
    Writes the state file off the reactor; of a burst of changes only the last one is written.

    It is never needed by us, so a disk that does not take it stops nothing.
    """

    log = Logger()

    def __init__(
        self, path: Path, now: Callable[[], float], in_thread: InThread, report: Report
    ) -> None:
        """
        :param now: returns seconds since the epoch.
        :param report: called once when it can no longer be written.
        """
        self._path = path
        self._now = now
        self._in_thread = in_thread
        self._report = report
        self._failed = False
        self._next: bytes | None = None
        self._still = Moment[None]()
        self._still.comes(None)
        self._writing = False

    def write(self, known: Remembered) -> None:
        """Let the file say how far this job is; returns at once."""
        state = contract_state(known, self._now())
        self._next = json.dumps(state, indent=2).encode() + b"\n"
        if not self._writing:
            self._writing = True
            self._still = Moment()
            Deferred.fromCoroutine(self._write())

    def flush(self) -> Deferred[None]:
        """Wait until nothing is left to be written."""
        return self._still.when()

    async def _write(self) -> None:
        while self._next is not None:
            content, self._next = self._next, None
            try:
                await self._in_thread(write_atomically, self._path, content)
            except Exception as error:  # noqa: BLE001 - whatever it is, the recording goes on
                self._fail(error)
            else:
                self._failed = False
        self._writing = False
        self._still.comes(None)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            self.log.failure("the state file met a defect of this agent")
        if not self._failed:
            self._failed = True
            with self.log.failuresHandled("while reporting that the state file is not written"):
                self._report(Trouble("unwritable", self._path, str(error)))


def take_state(path: Path) -> tuple[ForeignState | None, Trouble | None]:
    """
    Read the state file that an earlier agent left; blocks.

    One that cannot be understood is set aside as ``<name>.damaged``.

    :returns: the state, None when there is none, and what was wrong with it.
    """
    try:
        return read_foreign(path.read_bytes()), None
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, Trouble("unreadable", path, str(error))
    except BadState as error:
        kept = path
        with contextlib.suppress(OSError):  # it stays where it is, which is no worse
            kept = set_aside(path)
        return None, Trouble("damaged", kept, str(error))
