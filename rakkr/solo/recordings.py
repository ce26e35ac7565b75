"""What an operator does with recordings: order, stop, try again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rakkr.solo import lifecycle
from rakkr.solo.admission import Refused
from rakkr.solo.jobs import Jobs
from rakkr.solo.ledger import Ledger
from rakkr.solo.lifecycle import Job
from rakkr.solo.orders import make_command, members_of
from rakkr.solo.records import Recording, StoredFile

Pair = tuple[Recording, Job]


class Recordings:
    """
    The recordings of this machine.

    :param folder: where their files are.
    :param node_id: the node that records when an order names none.
    """

    def __init__(self, ledger: Ledger, jobs: Jobs, *, folder: Path, node_id: str) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._jobs = jobs
        self._folder = folder
        self._node_id = node_id

    def order(self, order: Mapping[str, Any]) -> list[Pair]:
        """
        Queue one recording, or several that share a capture.

        :param order: as :data:`rakkr.solo.schemas.ORDER` lets it through.
        :raises Refused: 404 for an unknown node or recording to group with.
        """
        members = members_of(order)
        group = self._group(members)
        with self._store.transaction(durable=True):
            return [self._queue(member, group) for member in members]

    def _group(self, members: Sequence[Mapping[str, Any]]) -> str:
        for member in members:
            for recording_id in member.get("groupWith", ()):
                jobs = self._store.jobs_of(recording_id)
                if not jobs:
                    raise Refused(404, f"Recording {recording_id} not found")
                if jobs[-1].group is not None:
                    return jobs[-1].group
        return self._ledger.new_id("cap")

    def _queue(self, order: Mapping[str, Any], group: str) -> Pair:
        node_id = order.get("nodeId", self._node_id)
        node = self._store.node(node_id)
        if node is None:
            raise Refused(404, "Node not found")
        recording_id = self._ledger.new_id("rec")
        now = self._ledger.now()
        recording = Recording(
            id=recording_id,
            node_id=node_id,
            name=order.get("name", recording_id),
            status="recording",
            created_at=now,
        )
        command = make_command(
            order,
            recording_id=recording_id,
            group=group,
            defaults=node.get("audioDefaults") or {},
            interfaces=node.get("interfaces", []),
        )
        self._store.put_recording(recording)
        return recording, self._new_job(recording, command)

    def _new_job(self, recording: Recording, command: Mapping[str, Any]) -> Job:
        job = Job(
            id=self._ledger.new_id("job"),
            node_id=recording.node_id,
            recording_id=recording.id,
            status="queued",
            created_at=self._ledger.now(),
            command=command,
            sequence=self._store.next_sequence(),
        )
        self._store.put_job(job)
        return job

    def all(self) -> list[Recording]:
        """Every recording, newest first."""
        self._jobs.expire()
        return self._store.recordings()

    def one(self, recording_id: str) -> Recording:
        """
        A recording.

        :raises Refused: 404.
        """
        self._jobs.expire()
        recording = self._store.recording(recording_id)
        if recording is None:
            raise Refused(404, "Recording not found")
        return recording

    def stop(self, recording_id: str) -> Pair:
        """
        Ask the job of a recording to end; the recording counts as completed from now on.

        :raises Refused: 404, or 409 when nothing of it is queued or runs.
        """
        recording = self.one(recording_id)
        now = self._ledger.now()
        stopped = [
            job
            for job in (lifecycle.stop(each, now) for each in self._store.jobs_of(recording_id))
            if job is not None
        ]
        if not stopped:
            raise Refused(409, "No job of this recording is queued or running")
        started = stopped[-1].started_at
        seconds = 0 if started is None else round(now - started)
        after = attrs.evolve(
            recording,
            status="completed",
            duration_seconds=max(recording.duration_seconds, seconds, 1),
        )
        with self._store.transaction(durable=True):
            for job in stopped:
                self._store.put_job(job)
            self._store.put_recording(after)
        return after, stopped[-1]

    def retry(self, recording_id: str) -> Pair:
        """
        Queue a new job with the command of the last one, and forget what that one left.

        :raises Refused: 404, or 409 unless the last job failed or was cancelled.
        """
        recording = self.one(recording_id)
        jobs = self._store.jobs_of(recording_id)
        if not jobs or jobs[-1].status not in lifecycle.GIVEN_UP:
            raise Refused(409, "Only a recording whose last job failed or was cancelled is retried")
        fresh = Recording(
            id=recording.id,
            node_id=recording.node_id,
            name=recording.name,
            status="recording",
            created_at=recording.created_at,
        )
        chunks = self._store.chunks_of(recording_id)
        with self._store.transaction(durable=True):
            self._store.drop_chunks(recording_id)
            self._store.put_recording(fresh)
            job = self._new_job(fresh, jobs[-1].command)
        for chunk in chunks:
            for file in chunk.files.values():
                self.path(file).unlink(missing_ok=True)
        return fresh, job

    def path(self, file: StoredFile) -> Path:
        """Where a stored file lies."""
        return self._folder / file.cache_path

    def file(self, recording_id: str, *, rendition: str | None, chunk: int | None) -> StoredFile:
        """
        The file of a recording, or of one of its chunks.

        :param rendition: ``raw`` for the raw one, anything else for the primary one, or the raw one
            where no other exists.
        :param chunk: the number of a chunk, from 0 as on the wire.
        :raises Refused: 404, or 409 when there is no such file yet.
        """
        files = self.one(recording_id).files
        if chunk is not None:
            chunks = {each.index - 1: each for each in self._store.chunks_of(recording_id)}
            if chunk not in chunks:
                raise Refused(409, "This chunk is not ready")
            files = chunks[chunk].files
        found = files.get("raw") if rendition == "raw" else files.get("primary") or files.get("raw")
        if found is None:
            raise Refused(409, "The file of this recording is not ready")
        return found
