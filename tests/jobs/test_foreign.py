"""Tests for ``rakkr.jobs.foreign``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.commands import CacheRetention
from rakkr.health.catalogue import faults
from rakkr.jobs.foreign import (
    BadState,
    ForeignChunk,
    ForeignSegment,
    ForeignState,
    foreign_files,
    is_foreign,
    read_foreign,
    takeover_facts,
)
from tests.jobs.guessing import anything

LEGACY: dict[str, Any] = {
    "jobId": "job_9",
    "nodeId": "node_1",
    "outputPath": "/cache/a.wav",
    "reason": None,
    "recordingId": "rec_9",
    "status": "running",
    "updatedAt": "2026-01-01T00:00:00Z",
}
WHOLE: dict[str, Any] = {
    **LEGACY,
    "rawOutputPath": "/cache/a.raw.wav",
    "recorderCacheRetention": {
        "deleteAfterUpload": True,
        "maxAgeDays": None,
        "maxBytes": 5,
        "minFreeDiskPercent": None,
        "policyId": "p",
    },
    "recoveredSegments": [
        {"attempt": 1, "bytes": 44, "path": "/cache/a.1.wav", "reason": "lost"},
        {"attempt": 2, "bytes": 48, "path": "/cache/a.2.wav", "reason": "lost"},
    ],
    "uploadContentType": "audio/wav",
    "uploadFileName": "a.wav",
    "uploadDurationSeconds": 12.5,
    "chunkTotal": 4,
    "uploadedChunkCount": 1,
    "pendingChunks": [
        {"index": 2, "outputPath": "/cache/a.c2.wav", "rawOutputPath": "/cache/a.c2.raw.wav"},
        {"index": 1, "outputPath": "/cache/a.c1.wav", "rawOutputPath": None},
    ],
}
TAKEN_OVER = "agent.recording_job.recovered_after_restart"


def read(document: object) -> ForeignState:
    """Read a document as a file."""
    return read_foreign(json.dumps(document).encode())


class ReadTests(SynchronousTestCase):
    """Files of the reference agent."""

    def test_legacy(self) -> None:
        """The oldest form has seven members."""
        state = read(LEGACY)
        self.assertEqual((state.job_id, state.recording_id), ("job_9", "rec_9"))
        self.assertEqual((state.output_path, state.reason), ("/cache/a.wav", None))
        self.assertFalse(state.is_chunked)

    def test_whole(self) -> None:
        """Every member of the newest form is understood."""
        self.assertEqual(
            read(WHOLE),
            ForeignState(
                job_id="job_9",
                node_id="node_1",
                recording_id="rec_9",
                status="running",
                updated_at="2026-01-01T00:00:00Z",
                output_path="/cache/a.wav",
                raw_output_path="/cache/a.raw.wav",
                recorder_cache_retention=CacheRetention(
                    policy_id="p", delete_after_upload=True, max_bytes=5
                ),
                recovered_segments=(
                    ForeignSegment(attempt=1, bytes=44, path="/cache/a.1.wav", reason="lost"),
                    ForeignSegment(attempt=2, bytes=48, path="/cache/a.2.wav", reason="lost"),
                ),
                upload_content_type="audio/wav",
                upload_file_name="a.wav",
                upload_duration_seconds=12.5,
                chunk_total=4,
                uploaded_chunk_count=1,
                pending_chunks=(
                    ForeignChunk(
                        index=2,
                        output_path="/cache/a.c2.wav",
                        raw_output_path="/cache/a.c2.raw.wav",
                    ),
                    ForeignChunk(index=1, output_path="/cache/a.c1.wav"),
                ),
            ),
        )

    def test_nulls(self) -> None:
        """A member that is null is the same as absent, and unknown ones are ignored."""
        optional = dict.fromkeys(WHOLE.keys() - LEGACY.keys())
        self.assertEqual(read({**LEGACY, **optional, "mood": "good"}), read(LEGACY))

    def test_required(self) -> None:
        """A file that lacks what is always there is bad, and the sentence names it."""
        for member in ("jobId", "nodeId", "recordingId", "status", "updatedAt"):
            for document in ({**LEGACY, member: None}, {**LEGACY, member: 3}):
                error = self.assertRaises(BadState, read, document)
                self.assertIn(member, str(error))

    def test_wrong(self) -> None:
        """So is one with a member of the wrong kind."""
        for member, value in (
            ("recoveredSegments", {"a": 1}),
            ("recoveredSegments", [{"attempt": 1}]),
            ("pendingChunks", [{"index": "one", "outputPath": "x"}]),
            ("chunkTotal", 1.5),
        ):
            self.assertRaises(BadState, read, {**LEGACY, member: value})

    def test_no_object(self) -> None:
        """What is no JSON object is bad."""
        for content in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":1}'):
            self.assertRaises(BadState, read_foreign, content)

    @given(st.binary(max_size=50) | anything(Any).map(lambda value: json.dumps(value).encode()))
    def test_anything(self, content: bytes) -> None:
        """Whatever is in the file, it is read or called bad."""
        try:
            read_foreign(content)
        except BadState as error:
            self.assertTrue(str(error))


class JudgeTests(SynchronousTestCase):
    """Whether there is something to take over."""

    def test_terminal(self) -> None:
        """A job that was over is none; partial is not over, and neither is a new word."""
        for status in ("cancelled", "completed", "failed"):
            self.assertFalse(is_foreign(read({**LEGACY, "status": status}), ()))
        for status in ("running", "uploaded", "partial", "daydreaming"):
            self.assertTrue(is_foreign(read({**LEGACY, "status": status}), ()))

    def test_ours(self) -> None:
        """A job that has a journal is none."""
        self.assertFalse(is_foreign(read(LEGACY), {"job_9"}))
        self.assertTrue(is_foreign(read(LEGACY), {"job_8"}))

    def test_chunked(self) -> None:
        """Any sign of pieces makes it a job in pieces (section 4), also a count of 0."""
        for member in ("chunkTotal", "uploadedChunkCount"):
            self.assertTrue(read({**LEGACY, member: 0}).is_chunked)
        self.assertTrue(read({**LEGACY, "pendingChunks": WHOLE["pendingChunks"]}).is_chunked)
        self.assertFalse(read({**LEGACY, "pendingChunks": []}).is_chunked)


class FileTests(SynchronousTestCase):
    """Where the audio is."""

    def test_segments(self) -> None:
        """The recovered segments come before what was captured last."""
        segments = {**LEGACY, "recoveredSegments": WHOLE["recoveredSegments"]}
        names = [path.name for path in foreign_files(read(segments))]
        self.assertEqual(names, ["a.1.wav", "a.2.wav", "a.wav"])

    def test_chunks(self) -> None:
        """Pieces are in the order of their numbers."""
        names = [path.name for path in foreign_files(read(WHOLE))]
        self.assertEqual(names, ["a.c1.wav", "a.c2.wav"])

    def test_none(self) -> None:
        """A job that was only claimed has none."""
        self.assertEqual(foreign_files(read({**LEGACY, "outputPath": None})), ())
        self.assertEqual(foreign_files(read(LEGACY)), (Path("/cache/a.wav"),))


class FactsTests(SynchronousTestCase):
    """What is told of a takeover."""

    @given(anything(ForeignState))
    def test_every_state(self, state: ForeignState) -> None:
        """Whatever was left, the event is one that the catalogue has."""
        facts = {**takeover_facts(state), "jobId": "job_9", "recordingId": "rec_9"}
        self.assertEqual(faults(TAKEN_OVER, "warning", facts, "rec_9"), [])

    def test_segments(self) -> None:
        """Segments are told each; pieces are counted."""
        facts = takeover_facts(read({**LEGACY, "recoveredSegments": WHOLE["recoveredSegments"]}))
        self.assertEqual(facts["recoveredSegmentCount"], 2)
        self.assertEqual(
            facts["recoveredSegments"][0], {"attempt": 1, "bytes": 44, "path": "/cache/a.1.wav"}
        )
        facts = takeover_facts(read(WHOLE))
        counts = (facts["chunkTotal"], facts["uploadedChunkCount"], facts["pendingChunkCount"])
        self.assertEqual(counts, (4, 1, 2))
        self.assertNotIn("outputPath", facts)
