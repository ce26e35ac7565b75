"""Tests of what an upload leaves."""

from __future__ import annotations

import hashlib
import io
import wave
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.audio.wave import header
from tests.solo.desk import Desk

TAINT = "controller.recording.cache_file_failed"


def sound(seconds: float) -> bytes:
    """A WAV file of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(2 * round(8000 * seconds)))
    return file.getvalue()


class UploadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk(self)
        self.rec, self.job = self.desk.make("running")

    def kept(self) -> Any:
        return self.desk.recording(self.rec)

    def content(self, query: str = "") -> bytes:
        return self.desk.operator("GET", f"/recordings/{self.rec}/file{query}").content

    def test_primary(self) -> None:
        """A primary file completes the job, and comes back byte for byte."""
        body = bytes(range(256)) * 999
        said = self.desk.upload(
            self.rec, body, x_rakkr_file_name="x.FLAC", x_rakkr_duration_seconds="9.5"
        ).data
        self.assertEqual(
            said["file"],
            {
                "cachePath": f"ad-hoc/{self.rec}.flac",
                "checksum": f"sha256:{hashlib.sha256(body).hexdigest()}",
                "durationSeconds": 10,
                "fileName": f"{self.rec}.flac",
                "mimeType": "audio/flac",
                "size": len(body),
            },
        )
        self.assertEqual(said["uploadQueueItems"], [])
        kept = self.kept()
        self.assertEqual(
            (kept["status"], kept["cached"], kept["durationSeconds"]), ("cached", True, 10)
        )
        self.assertEqual(self.desk.job(self.job)["status"], "completed")
        reply = self.desk.operator("GET", f"/recordings/{self.rec}/file")
        self.assertEqual(reply.content, body)
        self.assertEqual(reply.headers.getRawHeaders("content-type"), ["audio/flac"])
        self.assertEqual(list((self.desk.directory / "incoming").iterdir()), [])

    def test_measured(self) -> None:
        """Without a duration a WAV file is measured; another counts at least 1 s."""
        body = sound(3.4)
        said = self.desk.upload(self.rec, body, x_rakkr_file_name="a.wav").data
        self.assertEqual(said["file"]["durationSeconds"], 3)
        other, _ = self.desk.make("running")
        self.assertEqual(self.desk.upload(other).data["file"]["durationSeconds"], 1)

    def test_measured_at_any_width_and_size(self) -> None:
        """A file of many channels is measured, and one whose header is that of a huge file."""
        for declared in (3 * 8000 * 4 * 2, 5 << 30):
            head = header(FORMATS["S16_LE"], 8000, 4, declared)
            recording, _ = self.desk.make("running")
            body = head + bytes(3 * 8000 * 4 * 2)
            said = self.desk.upload(recording, body, x_rakkr_file_name="a.wav").data
            self.assertEqual(said["file"]["durationSeconds"], 3)

    def test_raw(self) -> None:
        """A raw file stands beside, and leaves job and status alone."""
        self.desk.upload(self.rec, b"raw", "?rendition=raw", content_type="audio/wav")
        kept = self.kept()
        self.assertEqual((kept["status"], kept["cached"]), ("recording", False))
        self.assertEqual(kept["rawCachePath"], f"ad-hoc/{self.rec}.raw.wav")
        self.assertEqual(kept["cachePath"], kept["rawCachePath"])
        self.assertEqual(self.desk.job(self.job)["status"], "running")
        self.desk.upload(self.rec, b"clean", "?rendition=enhanced", content_type="audio/wav")
        self.assertEqual((self.content(), self.content("?rendition=raw")), (b"clean", b"raw"))
        self.assertEqual(self.kept()["enhancedCachePath"], f"ad-hoc/{self.rec}.wav")

    def test_again(self) -> None:
        """A repeated primary file takes the place of the first."""
        self.desk.upload(self.rec, b"first")
        self.desk.upload(self.rec, b"second")
        self.assertEqual(self.content(), b"second")

    def test_chunks(self) -> None:
        """Chunks count from 0 on the wire and from 1 in the store; the total ends the recording."""
        first = self.desk.upload(self.rec, b"a", "?chunk=0", x_rakkr_duration_seconds="5").data
        self.assertEqual((first["chunk"]["index"], first["chunk"]["offsetSeconds"]), (1, 0))
        self.assertEqual(first["chunk"]["id"], f"chunk_{self.rec}_1")
        self.assertEqual(self.desk.job(self.job)["status"], "running")
        last = self.desk.upload(
            self.rec, b"b", "?chunk=1&chunkTotal=2", x_rakkr_duration_seconds="3"
        ).data
        self.assertEqual((last["chunk"]["offsetSeconds"], last["chunk"]["chunkTotal"]), (5, 2))
        kept = self.kept()
        self.assertEqual((kept["status"], kept["durationSeconds"]), ("cached", 8))
        self.assertNotIn("cachePath", kept)
        self.assertEqual(self.desk.job(self.job)["status"], "completed")
        self.assertEqual(self.desk.operator("GET", f"/recordings/{self.rec}/file").status, 409)
        self.assertEqual(self.content("?chunk=1"), b"b")

    def test_missing_and_late_chunks(self) -> None:
        """Nobody checks that all chunks are there, and a late one does not change the length."""
        self.desk.upload(self.rec, b"b", "?chunk=3&chunkTotal=9", x_rakkr_duration_seconds="3")
        self.assertEqual(self.kept()["status"], "cached")
        late = self.desk.upload(self.rec, b"a", "?chunk=0", x_rakkr_duration_seconds="5")
        self.assertEqual((late.status, late.data["chunk"]["chunkTotal"]), (201, 9))
        self.assertEqual(self.kept()["durationSeconds"], 3)

    def test_raw_chunk(self) -> None:
        """A raw chunk that comes first waits for its sound, and its total completes nothing."""
        said = self.desk.upload(
            self.rec, b"a", "?chunk=0&chunkTotal=1&rendition=raw", x_rakkr_duration_seconds="5"
        ).data
        self.assertEqual(
            (said["chunk"]["status"], said["chunk"]["durationSeconds"]), ("capturing", 0)
        )
        self.assertEqual(self.desk.job(self.job)["status"], "running")

    def test_taints(self) -> None:
        """What goes wrong with a body is evidence on the recording; a wrong scope is none."""
        self.desk.upload(self.rec, b"")
        self.desk.upload(self.rec, b"x", x_rakkr_duration_seconds="-1")
        self.desk.upload(self.rec, bytes((1 << 20) + 1))
        self.desk.upload(self.rec, b"x", x_rakkr_recording_job_id="job_none")
        self.assertEqual(
            self.desk.events(self.rec),
            [(TAINT, "critical"), (TAINT, "warning"), (TAINT, "warning")],
        )
        self.assertEqual(list((self.desk.directory / "incoming").iterdir()), [])
        self.assertEqual(self.desk.job(self.job)["status"], "running")

    def test_no_disk(self) -> None:
        """A file that cannot be stored is a server error with evidence, and the job lives."""
        (self.desk.directory / "recordings" / "ad-hoc").write_bytes(b"in the way")
        self.assertEqual(self.desk.upload(self.rec).status, 500)
        self.assertEqual(self.desk.events(self.rec), [(TAINT, "critical")])
        self.assertEqual(self.desk.job(self.job)["status"], "running")

    def test_lease_lost_while_storing(self) -> None:
        """A file that was let in is kept even when its job failed before it was whole."""
        uploads = self.desk.solo.controller.uploads
        inner = uploads._in_thread

        def slow(*call: Any) -> Any:
            self.desk.clock.advance(31)
            return inner(*call)

        self.patch(uploads, "_in_thread", slow)
        self.assertEqual(self.desk.upload(self.rec).status, 201)
        self.assertEqual(self.desk.job(self.job)["status"], "failed")
        kept = self.kept()
        self.assertEqual((kept["status"], kept["healthStatus"]), ("cached", "critical"))
