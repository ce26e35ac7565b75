"""Tests for ``rakkr.jobs.takeover``: a job that the reference agent left unfinished."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.jobs import takeover
from rakkr.jobs.crew import Crew
from rakkr.jobs.ending import Ending
from rakkr.jobs.remembered import Stage
from tests.jobs.making import make_job, told
from tests.jobs.shop import receipt
from tests.jobs.test_take import RATE, TakeCase

S16 = sample_format("S16_LE")


class TakeoverCase(TakeCase):
    """A state file, and the files that it names."""

    def setUp(self) -> None:
        super().setUp()
        self.open_shop(agent_state_file=self.state_file())
        self.cache = self.shop.directory / "cache"
        self.cache.mkdir()

    def state_file(self) -> Path:
        """Where the state is; the shop's own directory is not known before it is open."""
        return self.shop.directory.with_name(self.shop.directory.name + ".state") / "agent.json"

    def wav(self, name: str, seconds: float, channels: int = 2) -> str:
        """A captured file whose header was never finished."""
        path = self.cache / name
        frame = 2 * channels
        path.write_bytes(wave.header(S16, RATE, channels, 0) + b"\1" * frame * int(seconds * RATE))
        return str(path)

    def file(self, name: str) -> str:
        """An encoded file."""
        path = self.cache / name
        path.write_bytes(b"encoded")
        return str(path)

    def left(self, status: str, **facts: Any) -> None:
        """Write what the other agent left of job 1."""
        state = {
            "jobId": "job_1",
            "nodeId": "node_1",
            "outputPath": None,
            "reason": None,
            "recordingId": "rec_1",
            "status": status,
            "updatedAt": "2026-01-01T00:00:00Z",
            **facts,
        }
        path = self.shop.place.live.base.agent_state_file
        path.parent.mkdir(parents=True, exist_ok=True)
        self.addCleanup(shutil.rmtree, path.parent, ignore_errors=True)
        path.write_text(json.dumps(state))

    def start(self, **command: Any) -> Crew:
        """Start our agent for the first time."""
        self.known = {"job_1": make_job(**command)}
        self.knows(*self.known.values())
        crew = Crew(self.shop.place)
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        return crew

    def over(self, crew: Crew) -> Stage:
        """How far the job came, with nothing left to be done."""
        self.assertEqual(crew.works, [])
        self.assertEqual(self.shop.reactor.spawned, [])
        return self.remembered().stage

    def ending(self) -> str:
        """How it ended, by its journal."""
        done = self.remembered().done
        assert done is not None
        return done.ending


class CaptureTests(TakeoverCase):
    """Captured audio that nobody rendered."""

    def test_running_and_captured(self) -> None:
        """What there is is rendered as the job asked, and delivered under it."""
        for status in ("running", "captured"):
            self.setUp()
            self.left(status, outputPath=self.wav("a.wav", 3))
            crew = self.start()
            self.assertIs(self.over(crew), Stage.DONE)
            self.assertIs(crew.results["job_1"].ending, Ending.DELIVERED)
            self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 3.0, "job_1")])
            self.assertEqual(self.pieces(), [("a.wav", 0, 3 * RATE)])
            told_of = self.told_of("recovered_after_restart")
            self.assertEqual((told_of["previousStatus"], told_of["willUpload"]), (status, True))

    def test_segments(self) -> None:
        """Recovered segments come first, end to end: nobody measured what lay between."""
        segments = [
            {"attempt": each, "bytes": 1, "path": self.wav(f"a.{each}.wav", each), "reason": "x"}
            for each in (1, 2)
        ]
        self.left("captured", outputPath=self.wav("a.wav", 3), recoveredSegments=segments)
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(
            self.pieces(),
            [("a.1.wav", 0, RATE), ("a.2.wav", 0, 2 * RATE), ("a.wav", 0, 3 * RATE)],
        )
        self.assertEqual(self.gaps(), [])

    def test_raw_file_of_a_rendered_one(self) -> None:
        """Where the capture is still there, the file is made of it once more."""
        self.left("upload_pending", outputPath=self.file("a.flac"), rawOutputPath=self.wav("a", 2))
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.shop.uploads()[0][2], 2.0)
        self.assertEqual(len(self.shop.rendered), 1)

    def test_missing_and_odd_segments(self) -> None:
        """A segment that is gone, or of another width, is left alone; the others are delivered."""
        segments = [
            {"attempt": 1, "bytes": 1, "path": str(self.cache / "gone.wav"), "reason": "x"},
            {"attempt": 2, "bytes": 1, "path": self.wav("a.2.wav", 1), "reason": "x"},
            {"attempt": 3, "bytes": 1, "path": self.wav("a.3.wav", 1, channels=1), "reason": "x"},
        ]
        self.left("captured", outputPath=self.wav("a.wav", 3), recoveredSegments=segments)
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.pieces(), [("a.2.wav", 0, RATE), ("a.wav", 0, 3 * RATE)])

    def test_fewer_channels_than_asked_for(self) -> None:
        """What the job's channels cannot be taken from is delivered as it is."""
        self.left("captured", outputPath=self.wav("a.wav", 3, channels=1))
        crew = self.start(capture_channel_selection=(2,))
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.ending(), Ending.DELIVERED.value)
        ((_, _, upload),) = self.controller.named("upload_cache_file")
        self.assertEqual(upload.path.name, "a.wav")

    def test_still_written(self) -> None:
        """A capture program that outlived the other agent is waited for; the lease is held."""
        writers = [[7]] * 12
        self.left("running", outputPath=self.wav("a.wav", 3))
        opened = mock.patch.object(
            takeover, "holders", side_effect=lambda _: writers.pop() if writers else []
        )
        with opened:
            crew = self.start()
            self.shop.reactor.advance(0)
            self.assertEqual(self.controller.calls[-1], ("heartbeat_job", "job_1"))
            self.shop.reactor.pump([1.0] * 20)
            self.assertEqual(self.shop.uploads(), [])
            self.assertGreaterEqual(len(self.controller.named("heartbeat_job")), 2)
            self.shop.reactor.pump([1.0] * 10)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.shop.uploads()[0][2], 3.0)

    def test_dies_while_it_waits(self) -> None:
        """Until the audio is in a journal, the next agent takes the job over anew."""
        self.left("running", outputPath=self.wav("a.wav", 3))
        with mock.patch.object(takeover, "holders", return_value=[7]):
            crew = self.start()
            self.shop.reactor.pump([1.0] * 5)
            for work in crew.works:
                work.cancel()
        crew = self.go_on(1.0)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 3.0, "job_1")])

    def test_nothing_left(self) -> None:
        """Without audio the job fails with the contract's reason, once."""
        self.left("running")
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(
            self.controller.named("mark_failed"),
            [("mark_failed", "job_1", "agent_restarted_during_recording")],
        )

    def test_lost_job(self) -> None:
        """Audio of a job that was given up is kept for a retry."""
        self.left("captured", outputPath=self.wav("a.wav", 3))
        self.known = {}
        self.controller.answers["upload_cache_file"] = [Rejected(409, "", "cache file")]
        self.controller.answers["get_job"] = [told(make_job(), "failed")]
        crew = Crew(self.shop.place)
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        self.shop.reactor.pump([1.0] * 4)
        self.assertEqual(crew.works, [])
        self.assertTrue(self.remembered().is_salvage)


class FileTests(TakeoverCase):
    """Encoded files that only have to be sent."""

    def test_rendered(self) -> None:
        """A rendered file without its capture goes as it is."""
        self.left("rendered", outputPath=self.file("a.flac"))
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.ending(), Ending.DELIVERED.value)
        ((_, _, upload),) = self.controller.named("upload_cache_file")
        self.assertEqual((upload.path.name, upload.content_type), ("a.flac", "audio/flac"))

    def test_upload_pending(self) -> None:
        """Name, kind and length are those that the other agent wrote down."""
        self.left(
            "upload_pending",
            outputPath=self.file("a.bin"),
            uploadContentType="audio/mpeg",
            uploadFileName="talk.mp3",
            uploadDurationSeconds=12.5,
        )
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        ((_, _, upload),) = self.controller.named("upload_cache_file")
        facts = (upload.content_type, upload.file_name, upload.duration_seconds)
        self.assertEqual(facts, ("audio/mpeg", "talk.mp3", 12.5))

    def test_uploaded(self) -> None:
        """What is at the controller is not sent again."""
        self.left("uploaded", outputPath=self.file("a.flac"), rawOutputPath=self.wav("a.wav", 2))
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.ending(), Ending.DELIVERED.value)
        self.assertEqual(self.shop.uploads(), [])
        told_of = self.told_of("recovered_after_restart")
        self.assertEqual((told_of["uploadAlreadyAccepted"], told_of["willUpload"]), (True, False))

    def test_refused(self) -> None:
        """A file that the controller does not take stays, and its journal says so."""
        self.controller.answers["upload_cache_file"] = [Rejected(413, "", "cache file")]
        path = Path(self.file("a.flac"))
        self.left("rendered", outputPath=str(path))
        crew = self.start()
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.ending(), Ending.KEPT.value)
        self.assertTrue(path.exists())
        self.assertEqual(self.shop.place.ledger.salvages(), [self.journal()])

    def test_dies_while_it_uploads(self) -> None:
        """The next agent sends the file, and records nothing in its place."""
        self.controller.answers["upload_cache_file"] = [Deferred(), receipt]
        self.left("upload_pending", outputPath=self.file("a.flac"), uploadFileName="talk.flac")
        crew = self.start()
        self.assertEqual(len(self.shop.uploads()), 1)
        for work in crew.works:
            work.cancel()
        crew = self.go_on(1.0)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.ending(), Ending.DELIVERED.value)
        self.assertEqual([upload[1] for upload in self.shop.uploads()], ["talk.flac"] * 2)


class ChunkTests(TakeoverCase):
    """A job in pieces, some of which were delivered."""

    def pending(self, *indices: int, **facts: Any) -> None:
        """Pieces that were not."""
        chunks = [
            {"index": each, "outputPath": self.file(f"a.{each}.flac"), "rawOutputPath": None}
            for each in indices
        ]
        self.left("partial", pendingChunks=chunks, **facts)

    def sent(self) -> list[tuple[int | None, int | None]]:
        """Chunk and chunk total of each upload."""
        uploads = self.controller.named("upload_cache_file")
        return [(upload.chunk, upload.chunk_total) for _, _, upload in uploads]

    def test_in_order(self) -> None:
        """They go in order, however they were written down, the last with the total."""
        self.pending(3, 2, chunkTotal=4, uploadedChunkCount=2)
        crew = self.start(chunk_seconds=5)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.sent(), [(2, None), (3, 4)])
        self.assertEqual(self.ending(), Ending.DELIVERED.value)

    def test_total_that_nobody_wrote(self) -> None:
        """Without a total, the pieces say how many there are."""
        self.pending(1, 2, uploadedChunkCount=1)
        self.start(chunk_seconds=5)
        self.assertEqual(self.sent(), [(1, None), (2, 3)])

    def test_last_one_is_gone(self) -> None:
        """The last piece that exists completes the job."""
        self.pending(1, 2, chunkTotal=3, uploadedChunkCount=1)
        (self.cache / "a.2.flac").unlink()
        self.start(chunk_seconds=5)
        self.assertEqual(self.sent(), [(1, 3)])

    def test_dies_in_the_middle(self) -> None:
        """The next agent goes on behind the last receipt, and completes the job."""
        self.pending(1, 2, 3, chunkTotal=4, uploadedChunkCount=1)
        self.controller.answers["upload_cache_file"] = [receipt, Deferred(), receipt]
        crew = self.start(chunk_seconds=5)
        for work in crew.works:
            work.cancel()
        crew = self.go_on(1.0)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.sent(), [(1, None), (2, None), (2, None), (3, 4)])
        self.assertEqual(self.ending(), Ending.DELIVERED.value)

    def test_nothing_pending(self) -> None:
        """Pieces that were all delivered leave nothing to be sent, and no failure."""
        self.left("running", uploadedChunkCount=2, chunkTotal=2)
        crew = self.start(chunk_seconds=5)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(self.sent(), [])
        self.assertEqual(self.controller.named("mark_failed"), [])


class ControllerTests(TakeoverCase):
    """What the controller says of the job."""

    def test_away_at_first(self) -> None:
        """A controller that does not answer is asked again until it does."""
        self.left("captured", outputPath=self.wav("a.wav", 3))
        crew = Crew(self.shop.place)
        self.controller.answers["get_job"] = [
            Unreachable("refused"),
            Rejected(503, "", "job"),
            Unauthorised("", "job"),
            make_job(),
        ]
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        self.shop.reactor.pump([1.0] * 5)
        self.assertEqual(self.shop.uploads(), [])
        self.shop.reactor.pump([1.0] * 2)
        self.assertIs(self.over(crew), Stage.DONE)
        self.assertEqual(len(self.shop.uploads()), 1)

    def test_gone(self) -> None:
        """A job that nobody knows any more is left alone, and so is its audio."""
        path = Path(self.wav("a.wav", 3))
        self.left("captured", outputPath=str(path))
        self.controller.answers["get_job"] = [Rejected(404, "", "job")]
        crew = Crew(self.shop.place)
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        self.assertEqual(crew.works, [])
        self.assertEqual(self.shop.uploads(), [])
        self.assertTrue(path.exists())

    def test_over(self) -> None:
        """A job that the other agent ended, and one of ours, are no business of the takeover."""
        for status in ("completed", "failed", "cancelled"):
            self.left(status, outputPath=self.wav("a.wav", 3))
            crew = self.start()
            self.assertEqual(crew.works, [])
            self.assertEqual(self.controller.named("get_job"), [])

    def test_one_of_ours(self) -> None:
        """A job that has a journal is gone on with from there."""
        self.left("captured", outputPath=self.wav("a.wav", 3))
        self.knows(make_job(duration_seconds=1))
        done = self.begin(make_job(duration_seconds=1))
        self.shop.play(3)
        self.successResultOf(done)
        crew = self.go_on(1.0)
        self.assertEqual(crew.works, [])
        self.assertEqual(len(self.shop.uploads()), 1)

    def test_next_recording_does_not_wait(self) -> None:
        """While the controller is away for the old job, a new one is recorded."""
        self.left("captured", outputPath=self.wav("a.wav", 3))
        crew = Crew(self.shop.place)
        self.controller.answers["get_job"] = [Unreachable("refused")]
        self.controller.answers["heartbeat_job"] = [make_job(2)]
        self.successResultOf(Deferred.fromCoroutine(crew.open()))
        self.successResultOf(
            Deferred.fromCoroutine(crew.take_on([make_job(2, duration_seconds=1)]))
        )
        self.shop.play(3)
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_2"])
        self.controller.answers["get_job"] = [make_job()]
        self.controller.answers["upload_cache_file"] = [receipt]
        self.shop.play(4)
        self.assertEqual(crew.works, [])
