"""A job's journal as the running agent uses it: written behind the reactor's back, in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from rakkr.jobs.journal_file import JournalFile, NotWritten
from rakkr.jobs.record_form import encode_record
from rakkr.jobs.records import Record
from rakkr.jobs.remembered import Remembered, advance
from rakkr.jobs.trouble import Report, Trouble
from rakkr.moment import Moment
from rakkr.threads import InThread

#: Called with what was remembered before a record and after it.
Changed = Callable[[Remembered, Remembered], None]


class Journal:
    """
    What is remembered of one job, here and on the disk.

    A disk that takes nothing does not stop the work: its records wait, and are written in their
    turn with the next one that can be.

    :ivar remembered: everything that was noted, written or not.
    """

    log = Logger()

    def __init__(
        self,
        file: JournalFile,
        remembered: Remembered,
        in_thread: InThread,
        *,
        report: Report,
        changed: Changed,
    ) -> None:
        """:param report: called once for each run of failures of a copy."""
        self.remembered = remembered
        self._file = file
        self._in_thread = in_thread
        self._report = report
        self._changed = changed
        self._queue: list[tuple[bytes, Deferred[None]]] = []
        self._flushing: list[Deferred[None]] = []
        self._writing = False
        self._still = Moment[None]()
        self._still.comes(None)
        self._failing: set[Path] = set()
        self._closed = self._appending = False

    @property
    def job_id(self) -> str:
        """Whose journal it is."""
        return self.remembered.job.id

    @property
    def durable(self) -> bool:
        """Whether everything that was noted is on at least one disk."""
        return not self._queue and not self._appending and self._file.durable

    def note(self, record: Record) -> Deferred[None]:
        """
        Remember something, and write it down.

        :returns: a Deferred of one's own that fires when the record is on the disk, or when no disk
            took it (then :attr:`durable` is false); it never fails.
        :raises TypeError: at once, for a record that JSON cannot say; nothing is noted then.
        """
        done = self.write(record)
        before, self.remembered = self.remembered, advance(self.remembered, record)
        with self.log.failuresHandled("while telling of a change of job {id}", id=self.job_id):
            self._changed(before, self.remembered)
        return done

    def write(self, record: Record) -> Deferred[None]:
        """Write a record that is remembered already; else like :meth:`note`."""
        line = encode_record(record)
        if self._closed:
            self.log.error("job {id} is forgotten: {record}", id=self.job_id, record=record)
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._queue.append((line, done))
        self._begin()
        return done

    def flush(self) -> Deferred[None]:
        """Try again what no disk took, bring both copies up to date, and wait for the end of it."""
        done: Deferred[None] = Deferred()
        self._flushing.append(done)
        self._begin()
        return done

    async def forget(self) -> None:
        """
        Delete both copies, behind whatever is being written.

        :raises OSError: when one cannot be deleted.
        """
        self._closed = True
        await self._still.when()
        await self._in_thread(self._file.remove)

    def _begin(self) -> None:
        if not self._writing:
            self._writing = True
            self._still = Moment()
            Deferred.fromCoroutine(self._write())

    async def _write(self) -> None:
        while self._queue or self._flushing:
            queue, self._queue = self._queue, []
            flushing, self._flushing = self._flushing, []
            self._appending = True
            await self._append([line for line, _ in queue])
            self._appending = False  # whoever is told of it now may ask whether it is durable
            for done in [*(done for _, done in queue), *flushing]:
                done.callback(None)
        self._writing = False
        self._still.comes(None)

    async def _append(self, lines: list[bytes]) -> None:
        try:
            failed = await self._in_thread(self._file.append, lines)
        except NotWritten as error:
            failed = error.failed
        except Exception:  # noqa: BLE001 - whatever it is, the recording goes on
            self.log.failure("the journal of job {id} met a defect", id=self.job_id)
            return
        for path in failed.keys() - self._failing:
            with self.log.failuresHandled("while reporting that a journal is not written"):
                self._report(Trouble("unwritable", path, str(failed[path])))
        self._failing = set(failed)
