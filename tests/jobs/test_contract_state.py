"""Tests for ``rakkr.jobs.contract_state``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.contract_state import contract_state, status_of
from rakkr.jobs.foreign import TERMINAL, read_foreign
from rakkr.jobs.records import (
    DELIVERED,
    Done,
    Handed,
    MarkTaken,
    MarkWanted,
    Record,
    Recorded,
    Rendered,
    Salvaged,
    SegmentSealed,
    Sending,
    Split,
    Uploaded,
)
from rakkr.jobs.remembered import remember
from tests.jobs.guessing import anything
from tests.jobs.remembering import (
    RETENTION,
    RUN,
    claimed,
    known,
    planned,
    recorded,
    rendered,
    run_until,
    segment,
    sending,
    uploaded,
)

ORDER = [
    "jobId",
    "nodeId",
    "outputPath",
    "reason",
    "rawOutputPath",
    "recordingId",
    "recorderCacheRetention",
    "recoveredSegments",
    "status",
    "updatedAt",
    "uploadContentType",
    "uploadFileName",
    "uploadDurationSeconds",
    "chunkTotal",
    "uploadedChunkCount",
    "pendingChunks",
]
STATUSES = TERMINAL | {
    "running",
    "captured",
    "rendered",
    "upload_pending",
    "uploaded",
    "partial",
}
RAW = "/captures/rec_1.2.raw.wav"
FLAC = "/captures/rec_1.0.flac"
CAPTURED: tuple[Record, ...] = (planned(), *segment(2), recorded(48_000))


def state(*records: Record) -> dict[str, Any]:
    """The state of a job after these records."""
    return contract_state(known(*records), 0.0)


class ShapeTests(SynchronousTestCase):
    """The object itself."""

    def test_least(self) -> None:
        """A job that was claimed has the eight members that are always there, two of them null."""
        self.assertEqual(
            list(state().items()),
            [
                ("jobId", "job_1"),
                ("nodeId", "node_1"),
                ("outputPath", None),
                ("reason", None),
                ("recordingId", "rec_1"),
                ("status", "running"),
                ("updatedAt", "1970-01-01T00:00:00.000Z"),
            ],
        )

    def test_upload_checkpoint(self) -> None:
        """With the upload come its facts, the capture and the policy, with the policy's nulls."""
        job = run_until(Sending)
        self.assertEqual(
            list(contract_state(job, 1.5).items()),
            [
                ("jobId", "job_1"),
                ("nodeId", "node_1"),
                ("outputPath", FLAC),
                ("reason", "the controller is away"),
                ("rawOutputPath", RAW),
                ("recordingId", "rec_1"),
                (
                    "recorderCacheRetention",
                    {
                        "deleteAfterUpload": True,
                        "maxAgeDays": 3.5,
                        "maxBytes": None,
                        "minFreeDiskPercent": None,
                        "policyId": "p",
                    },
                ),
                ("status", "upload_pending"),
                ("updatedAt", "1970-01-01T00:00:01.500Z"),
                ("uploadContentType", "audio/flac"),
                ("uploadFileName", "rec_1.flac"),
                ("uploadDurationSeconds", 1.0),
            ],
        )

    @given(st.lists(st.one_of(*map(anything, get_args(Record)[1:-1])), max_size=12))
    def test_any_job(self, records: list[Record]) -> None:
        """Whatever happened: keys and order are the contract's, and its reader understands it."""
        document = state(claimed(), *records)
        self.assertEqual(list(document), [key for key in ORDER if key in document])
        self.assertIn(document["status"], STATUSES)
        if all(path for path in _paths(document)):
            found = read_foreign(json.dumps(document).encode())
            self.assertEqual((found.job_id, found.status), ("job_1", document["status"]))


def _paths(document: dict[str, Any]) -> list[str]:
    """Paths that a guess may have made of blanks, which no reader takes for text."""
    lists = document.get("recoveredSegments", []) + document.get("pendingChunks", [])
    return [str(each.get("path", each.get("outputPath"))).strip() for each in lists]


class StatusTests(SynchronousTestCase):
    """The words of section 2."""

    def test_run(self) -> None:
        """A job goes through them in order."""
        words = [status_of(remember(RUN[:end])) for end in range(1, len(RUN) + 1)]
        self.assertEqual(
            list(dict.fromkeys(words)),
            ["running", "captured", "rendered", "upload_pending", "uploaded", "completed"],
        )

    def test_running(self) -> None:
        """While it runs the newest segment is named, and those before it are recovered ones."""
        self.assertIsNone(state(planned())["outputPath"])
        first, second = segment(1, error="gone"), segment(2)
        self.assertEqual(state(planned(), *first[:2])["outputPath"], "/captures/rec_1.1.raw.wav")
        document = state(planned(), *first, *second[:2])
        self.assertEqual(document["outputPath"], RAW)
        self.assertEqual(
            document["recoveredSegments"],
            [
                {
                    "attempt": 1,
                    "bytes": 80 + 48_000 * 4,
                    "path": "/captures/rec_1.1.raw.wav",
                    "reason": "gone",
                }
            ],
        )

    def test_captured(self) -> None:
        """So it stays until something is rendered."""
        document = contract_state(run_until(Recorded), 0)
        self.assertEqual((document["status"], document["outputPath"]), ("captured", RAW))
        self.assertEqual(len(document["recoveredSegments"]), 1)

    def test_empty_segments(self) -> None:
        """A segment that left nothing is not among them."""
        nothing = segment(1, path=None, frames=0)
        self.assertNotIn("recoveredSegments", state(planned(), *nothing, *segment(2)))

    def test_rendered(self) -> None:
        """A rendered file holds all segments: nobody must stitch them to it once more."""
        document = contract_state(run_until(Rendered), 0)
        self.assertEqual((document["status"], document["outputPath"]), ("rendered", FLAC))
        self.assertNotIn("recoveredSegments", document)

    def test_uploaded(self) -> None:
        """After the receipt there is no reason any more, and the policy is still there."""
        document = contract_state(run_until(Uploaded), 0)
        self.assertEqual((document["status"], document["outputPath"]), ("uploaded", FLAC))
        self.assertIsNone(document["reason"])
        self.assertIn("recorderCacheRetention", document)

    def test_completed(self) -> None:
        """At the end the file is named, and the checkpoint's members are gone."""
        document = contract_state(remember(RUN), 0)
        self.assertEqual((document["status"], document["outputPath"]), ("completed", FLAC))
        self.assertNotIn("uploadFileName", document)
        self.assertNotIn("recorderCacheRetention", document)

    def test_marks(self) -> None:
        """A job has failed, or was cancelled, once the controller knows or the job is over."""
        for what in ("failed", "cancelled"):
            wanted = MarkWanted(what, "why")
            self.assertEqual(status_of(known(planned(), wanted)), "running")
            for last in (MarkTaken(), Done("failed", "x")):
                document = state(planned(), *segment(1), wanted, last)
                self.assertEqual(document["status"], what)
                self.assertEqual((document["outputPath"], document["reason"]), (None, "why"))

    def test_done_without_mark(self) -> None:
        """An end that nobody had to be told of has its own word."""
        self.assertEqual(state(Done("failed", "lost"))["reason"], "lost")
        self.assertEqual(status_of(known(Done("failed", "lost"))), "failed")
        document = state(Done("cancelled", "stopped"))
        self.assertEqual(document["status"], "cancelled")
        self.assertEqual(document["reason"], "controller_stop_requested")

    def test_salvaged(self) -> None:
        """Audio that is kept is an upload that waits, so that another agent may try it."""
        document = state(*CAPTURED, Salvaged("the lease expired"), Done("kept", "x"))
        self.assertEqual((document["status"], document["outputPath"]), ("upload_pending", RAW))
        self.assertEqual(document["reason"], "the lease expired")
        document = state(*CAPTURED, rendered(), sending(), Salvaged("the lease expired"))
        self.assertEqual((document["outputPath"], document["rawOutputPath"]), (FLAC, RAW))

    def test_salvaged_nothing(self) -> None:
        """Where there is no audio, nothing waits."""
        self.assertEqual(status_of(known(Salvaged("x"))), "failed")

    def test_handed(self) -> None:
        """A job whose audio is another job's now has failed, by itself."""
        document = state(*CAPTURED, Salvaged("x"), Handed("job_2"))
        self.assertEqual(document["status"], "failed")
        self.assertIn("job_2", document["reason"])


class ChunkTests(SynchronousTestCase):
    """Jobs in pieces."""

    start = (claimed(recorder_cache_retention=RETENTION), planned(chunk_seconds=1), *segment(2)[:2])

    def test_running(self) -> None:
        """From the start on the delivered pieces are counted; no file is the recording."""
        document = state(*self.start)
        self.assertEqual((document["status"], document["outputPath"]), ("running", None))
        self.assertEqual(document["uploadedChunkCount"], 0)
        self.assertNotIn("pendingChunks", document)
        self.assertNotIn("chunkTotal", document)
        self.assertIn("recorderCacheRetention", document)

    def test_pending(self) -> None:
        """Pieces without a receipt are pending, by the controller's number."""
        document = state(
            *self.start,
            rendered(0, chunk=0),
            uploaded(0, 0, 10, chunk=0),
            rendered(2, chunk=2),
            rendered(1, chunk=1),
        )
        self.assertEqual(document["uploadedChunkCount"], 1)
        self.assertEqual(
            document["pendingChunks"],
            [
                {"index": 1, "outputPath": "/captures/rec_1.1.flac", "rawOutputPath": RAW},
                {"index": 2, "outputPath": "/captures/rec_1.2.flac", "rawOutputPath": RAW},
            ],
        )

    def test_total(self) -> None:
        """How many there are is known with the last one."""
        document = state(*self.start, uploaded(0, 0, 10, chunk=0, chunk_total=1))
        self.assertEqual(document["chunkTotal"], 1)

    def test_partial(self) -> None:
        """A job whose pieces did not all arrive is partial; else it is like any other."""
        some = (*self.start, recorded(20), rendered(1, chunk=1), uploaded(0, 0, 10, chunk=0))
        self.assertEqual(status_of(known(*some, Salvaged("x"))), "partial")
        self.assertEqual(status_of(known(*some, Done("kept", "x"))), "partial")
        every = (*some, uploaded(1, 10, 20, chunk=1, chunk_total=2))
        self.assertEqual(status_of(known(*every)), "uploaded")
        self.assertEqual(status_of(known(*every, Done(DELIVERED, "x"))), "completed")

    def test_split(self) -> None:
        """So is one that was not to be in pieces and had to be."""
        document = state(*CAPTURED, Split(480, "too large"))
        self.assertEqual((document["uploadedChunkCount"], document["outputPath"]), (0, None))

    def test_late(self) -> None:
        """A file that turned out too large becomes a job in pieces."""
        document = state(*CAPTURED, rendered(0, chunk=0))
        self.assertEqual(document["uploadedChunkCount"], 0)
        self.assertEqual(len(document["pendingChunks"]), 1)


class TerminalTests(SynchronousTestCase):
    """The words behind which nothing follows."""

    def test_terminal(self) -> None:
        """As long as audio waits here, the state is none that a reader may forget."""
        unsent: tuple[Record, ...] = (*CAPTURED, rendered())
        for more in ((), (sending(),), (Salvaged("x"),), (Done("kept", "x"),)):
            self.assertNotIn(status_of(known(*unsent, *more)), TERMINAL)
        self.assertIsInstance(CAPTURED[-2], SegmentSealed)
        self.assertEqual(Path(RAW), CAPTURED[-2].path)  # type: ignore[union-attr]
