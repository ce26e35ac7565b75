"""All journals of this agent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.controller.messages import Job
from rakkr.jobs.archive import Archive, without_audio
from rakkr.jobs.contract_state import contract_state
from rakkr.jobs.journal import Journal
from rakkr.jobs.records import Claimed
from rakkr.jobs.remembered import Remembered, remember
from rakkr.jobs.state_file import StateFile
from rakkr.jobs.trouble import Report, Trouble
from rakkr.threads import InThread

MOST_FINISHED: Final = 200
"""How many journals of finished jobs without audio are kept."""


class Ledger:
    """
    The journals by job, and what can be asked of them.

    :ivar most_finished: a bound for journals that nobody needs any more but people.
    :ivar is_open: whether it is known what earlier agents remembered.
    :ivar lost: files that damaged journals name; a recording that nobody took may be in them.
    :ivar unread: whether a journal was there that could not be read at all.
    """

    log = Logger()

    def __init__(
        self,
        archive: Archive,
        in_thread: InThread,
        *,
        report: Report,
        state_file: StateFile | None = None,
        most_finished: int = MOST_FINISHED,
    ) -> None:
        """
        :param report: called with whatever is wrong with a file, from the reactor's thread.
        :param state_file: follows the job that changed last.
        """
        self.most_finished = most_finished
        self.is_open = False
        self.lost: frozenset[Path] = frozenset()
        self.unread = False
        self._archive = archive
        self._in_thread = in_thread
        self._report = report
        self._state_file = state_file
        self._journals: dict[str, Journal] = {}
        self._trimming: Deferred[None] | None = None

    async def open(self) -> list[Journal]:
        """
        Read what earlier agents remembered; damaged files are set aside and reported.

        :returns: all journals, the oldest claim first.
        """
        found, troubles = await self._in_thread(self._archive.open)
        self.lost = frozenset(await self._in_thread(self._archive.lost_files, troubles))
        self.unread = any(each.what == "unreadable" for each in troubles)
        for trouble in troubles:
            self._tell(trouble)
        for each in found:
            journal = Journal(
                each.file,
                each.remembered,
                self._in_thread,
                report=self._report,
                changed=self._changed,
            )
            self._journals[journal.job_id] = journal
        self.is_open = True
        await self.trim()
        return self.journals()

    async def begin(self, job: Job, *, wall: float, mono: float, boot_id: str) -> Journal:
        """
        Remember that a job was claimed.

        A job that has a journal already goes on with it.

        :param wall: seconds since the epoch.
        :param mono: seconds of the monotonic clock of that boot.
        :returns: its journal, when the claim is on the disk, or no disk took it.
        """
        claimed = Claimed(job, wall, mono, boot_id)
        journal = self._journals.get(job.id)
        if journal is not None:
            await journal.note(claimed)
            return journal
        journal = Journal(
            self._archive.new(job.id),
            remember([claimed]),
            self._in_thread,
            report=self._report,
            changed=self._changed,
        )
        self._journals[job.id] = journal
        if self._state_file is not None:
            self._state_file.write(journal.remembered)
        await journal.write(claimed)
        return journal

    def journal(self, job_id: str) -> Journal | None:
        """The journal of a job."""
        return self._journals.get(job_id)

    def journals(self) -> list[Journal]:
        """Every journal, the oldest claim first."""
        return list(self._journals.values())

    def unfinished(self) -> list[Journal]:
        """Of the jobs that something is left to be done for."""
        return [each for each in self.journals() if not each.remembered.is_over]

    def finished(self) -> list[Journal]:
        """Of the jobs that nothing is left to be done for, the one that ended first first."""
        over = [each for each in self.journals() if each.remembered.is_over]
        return sorted(over, key=lambda each: each.remembered.last_wall)

    def salvages(self) -> list[Journal]:
        """Of the jobs whose audio waits for another job."""
        return [each for each in self.journals() if each.remembered.is_salvage]

    def salvage_of(self, recording_id: str) -> Journal | None:
        """The youngest journal with audio that waits for another job of this recording."""
        found = [
            each for each in self.salvages() if each.remembered.job.recording_id == recording_id
        ]
        return found[-1] if found else None

    async def forget(self, job_id: str) -> None:
        """
        Delete a job's journal; its audio is not touched.

        :raises OSError: when a file cannot be deleted.
        """
        journal = self._journals.pop(job_id, None)
        if journal is not None:
            await journal.forget()

    async def flush(self) -> None:
        """Write what waits, and bring both copies of every unfinished journal up to date."""
        waits = [each for each in self.journals() if not each.durable]
        await DeferredList([each.flush() for each in {*waits, *self.unfinished()}])
        if self._state_file is not None:
            await self._state_file.flush()

    async def trim(self) -> None:
        """Forget the oldest finished jobs beyond the bound, if none of their files is left."""
        over = [each.remembered for each in self.finished() if not each.remembered.is_salvage]
        if len(over) <= self.most_finished:
            return
        bare = await self._in_thread(without_audio, over)
        for job_id in bare[: max(0, len(bare) - self.most_finished)]:
            try:
                await self.forget(job_id)
            except OSError as error:
                self._tell(Trouble("unwritable", self._archive.new(job_id).paths[0], str(error)))

    def _changed(self, before: Remembered, after: Remembered) -> None:
        if self._state_file is not None and contract_state(before, 0) != contract_state(after, 0):
            self._state_file.write(after)
        if after.is_over and self._trimming is None:
            self._trimming = Deferred.fromCoroutine(self.trim())
            self._trimming.addErrback(self._trim_failed).addBoth(self._trimmed)

    def _trim_failed(self, failure: Failure) -> None:
        self.log.failure("old journals could not be forgotten", failure=failure)

    def _trimmed(self, _: object) -> None:
        self._trimming = None

    def _tell(self, trouble: Trouble) -> None:
        with self.log.failuresHandled("while reporting {trouble}", trouble=trouble.sentence):
            self._report(trouble)
