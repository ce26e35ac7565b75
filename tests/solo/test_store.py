"""Tests of the controller's memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.lifecycle import Job, claim
from rakkr.solo.records import Chunk, Recording, StoredFile
from rakkr.solo.store import Store, UnusableStore

JOB = Job(
    id="job_1",
    node_id="n",
    recording_id="rec_1",
    status="queued",
    created_at=1.5,
    command={"captureGroupId": "cap_1", "channelMap": {"entries": [{"included": True}]}},
    sequence=1,
)
FILE = StoredFile(
    cache_path="a/b.flac",
    checksum="sha256:00",
    size=5_000_000_000,
    file_name="b.flac",
    mime_type="audio/flac",
    duration_seconds=3,
)
RECORDING = Recording(
    id="rec_1",
    node_id="n",
    name="Vespers \u266b",
    status="cached",
    created_at=1.25,
    files={"raw": FILE},
)


class StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.path = Path(kept.name) / "solo.sqlite3"
        self.store = self.open()

    def open(self) -> Store:
        store = Store(self.path)
        self.addCleanup(store.close)
        return store

    def test_everything_comes_back(self) -> None:
        """What was kept is equal to what another process reads."""
        chunk = Chunk(
            id="c",
            recording_id="rec_1",
            index=1,
            status="cached",
            job_id="job_1",
            files={"raw": FILE},
        )
        claimed = claim(JOB, "n", 10.0)
        assert claimed is not None
        with self.store.transaction(durable=True):
            self.store.put_job(JOB)
            self.store.put_job(claimed)
            self.store.put_recording(RECORDING)
            self.store.put_chunk(chunk)
            self.store.add_event({"id": "e", "recordingId": "rec_1", "details": {"a": "\udc80\0"}})
            self.store.put_node({"id": "n", "interfaces": []})
            self.store.put_credential("n", "digest")
        other = self.open()
        self.assertEqual(other.job("job_1"), claimed)
        self.assertEqual(other.jobs_of("rec_1"), [claimed])
        self.assertEqual(other.recordings(), [RECORDING])
        self.assertEqual(other.chunks_of("rec_1"), [chunk])
        self.assertEqual(other.events("rec_1")[0]["details"], {"a": "\udc80\0"})
        self.assertEqual(other.node("n"), {"id": "n", "interfaces": []})
        self.assertEqual(other.node_of_token("digest"), "n")

    def test_all_or_nothing(self) -> None:
        """A transaction that fails leaves nothing, not even what an inner one did."""

        def fail() -> None:
            with self.store.transaction():
                with self.store.transaction():
                    self.store.put_job(JOB)
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, fail)
        self.assertIsNone(self.store.job("job_1"))
        with self.store.transaction():
            self.store.put_job(JOB)
        self.assertEqual(self.store.next_sequence(), 2)

    def test_ended_jobs_are_not_active(self) -> None:
        """A job that has ended is found by name only."""
        self.store.put_job(attrs.evolve(JOB, status="failed"))
        self.assertEqual(self.store.active_jobs(), [])
        self.assertIsNotNone(self.store.job("job_1"))

    def test_one_token_for_a_node(self) -> None:
        """A new token takes the place of the old one."""
        self.store.put_credential("n", "old")
        self.store.put_credential("n", "new")
        self.assertIsNone(self.store.node_of_token("old"))
        self.assertEqual(self.store.node_of_token("new"), "n")

    def test_no_database(self) -> None:
        """A file that is something else is named and left alone."""
        path = self.path.with_name("other.sqlite3")
        path.write_bytes(b"x" * 4096)
        error = self.assertRaises(UnusableStore, Store, path)
        self.assertIn("other.sqlite3", str(error))
        self.assertEqual(path.read_bytes(), b"x" * 4096)
