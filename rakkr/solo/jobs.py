"""The jobs of the controller: the rules of :mod:`rakkr.solo.lifecycle`, kept in the store."""

from __future__ import annotations

import attrs

from rakkr.solo import lifecycle
from rakkr.solo.admission import Refused
from rakkr.solo.ledger import Ledger
from rakkr.solo.lifecycle import Ending, Job


class Jobs:
    """
    Claims, leases and ends.

    Each call first fails or cancels whatever ran out of time, so a lease is exact to the next call.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.store

    def expire(self) -> list[Job]:
        """
        End every job whose lease or stop window is used up.

        :returns: those jobs, as they are now.
        """
        now = self._ledger.now()
        changes = [(job, lifecycle.expire(job, now)) for job in self._store.active_jobs()]
        ended = [after for _, after in changes if after is not None]
        if ended:
            with self._store.transaction():
                for job in ended:
                    self._settle(job, "failed" if job.status == "failed" else "cancelled")
        return ended

    def peek(self, node_id: str) -> Job | None:
        """The job that would be claimed next."""
        self.expire()
        waiting = lifecycle.queue(self._store.active_jobs(), node_id)
        return waiting[0] if waiting else None

    def claim_next_group(self, node_id: str) -> list[Job]:
        """Claim the head of the queue and what waits in its capture group."""
        self.expire()
        with self._store.transaction():
            group = lifecycle.next_group(self._store.active_jobs(), node_id)
            return [self._claim(job, node_id) for job in group]

    def claim_next(self, node_id: str) -> Job | None:
        """
        Claim the head of the queue alone.

        :raises Refused: 404 or 403 when its recording is gone or another node's; it then stays the
            head.
        """
        head = self.peek(node_id)
        if head is None:
            return None
        self._check_recording(head, node_id)
        with self._store.transaction():
            return self._claim(head, node_id)

    def claim(self, job_id: str, node_id: str) -> Job:
        """
        Claim one job.

        :raises Refused: 404, 403, or 409 when it is not queued any more.
        """
        job = self.of_node(job_id, node_id)
        with self._store.transaction():
            return self._claim(job, node_id)

    def _claim(self, job: Job, node_id: str) -> Job:
        claimed = lifecycle.claim(job, node_id, self._ledger.now())
        if claimed is None:
            raise Refused(409, "Recording job is no longer queued")
        self._store.put_job(claimed)
        recording = self._store.recording(job.recording_id)
        if recording is not None:
            self._store.put_recording(attrs.evolve(recording, status="recording"))
        return claimed

    def of_node(self, job_id: str, node_id: str) -> Job:
        """
        A job as its node may see it.

        :raises Refused: 404 when it or its recording is unknown, 403 when either is another node's.
        """
        self.expire()
        job = self._store.job(job_id)
        if job is None:
            raise Refused(404, "Recording job not found")
        if job.node_id != node_id:
            raise Refused(403, "Recording job belongs to another node")
        self._check_recording(job, node_id)
        return job

    def _check_recording(self, job: Job, node_id: str) -> None:
        recording = self._store.recording(job.recording_id)
        if recording is None:
            raise Refused(404, "Recording not found")
        if recording.node_id != node_id:
            raise Refused(403, "Recording belongs to another node")

    def heartbeat(self, job_id: str, node_id: str) -> Job:
        """
        Renew a lease.

        :raises Refused: 404, 403, or 409 when the job does not run.
        """
        job = lifecycle.heartbeat(self.of_node(job_id, node_id), node_id, self._ledger.now())
        if job is None:
            raise Refused(409, "Recording job is not running")
        with self._store.transaction():
            self._store.put_job(job)
        return job

    def end(self, job_id: str, node_id: str, ending: Ending, reason: str | None) -> Job:
        """
        The agent gave up on a job.

        :raises Refused: 404 (also when the job already ended otherwise) or 403.
        """
        before = self.of_node(job_id, node_id)
        job = lifecycle.end(before, ending, reason, self._ledger.now())
        if job is None:
            raise Refused(404, "Recording job not found")
        with self._store.transaction():
            self._settle(job, ending)
        return job

    def _settle(self, job: Job, ending: Ending) -> None:
        """Keep an ended job, and let its recording and its evidence follow."""
        self._store.put_job(job)
        recording = self._store.recording(job.recording_id)
        if recording is None:
            return
        chunks = [chunk.status for chunk in self._store.chunks_of(recording.id)]
        status = lifecycle.recording_after_end(ending, recording.status, chunks)
        self._store.put_recording(attrs.evolve(recording, status=status))
        alarm = lifecycle.alarm_for(ending, job.failure_reason)
        if alarm is not None:
            self._ledger.raise_event(
                alarm.type,
                alarm.severity,
                {"jobId": job.id, "reason": job.failure_reason},
                node_id=job.node_id,
                recording_id=recording.id,
            )
