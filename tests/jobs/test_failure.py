"""Tests for ``rakkr.jobs.failure``."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from rakkr.durable import reserve
from rakkr.jobs.ending import Ending, Result
from rakkr.render.errors import RenderFailed
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job
from tests.jobs.shop import FRAME


class FailureTests(SessionCase):
    """Jobs that cannot be done: one event, one mark, one reason."""

    def failed_with(self, done: Deferred[list[Result]], event: str) -> str:
        """The reason of a job that failed with an event of the contract."""
        self.assertEqual(self.endings(done), [Ending.FAILED])
        ((_, job_id, reason),) = self.controller.named("mark_failed")
        self.assertEqual(job_id, "job_1")
        details = self.shop.evidence.details(f"agent.recording_job.{event}")
        self.assertEqual(details["error"], reason)
        self.assertEqual((details["jobId"], details["recordingId"]), ("job_1", "rec_1"))
        self.assertEqual(self.shop.evidence.events[-1][1], "critical")
        self.assertEqual(self.shop.uploads(), [])
        return reason

    def fails(self, said: str, seconds: float) -> None:
        """Let every program of so many seconds say something, and end."""
        for _ in range(int(seconds * 4)):
            if self.shop.reactor.last.pid is not None:
                self.shop.reactor.last.writes(said.encode() + b"\n", 2)
                self.shop.reactor.last.exits(1 if said else 0)
            self.shop.reactor.advance(0.25)

    def test_missing_program(self) -> None:
        """A program that is not installed fails the job, and the reason names its package."""
        (self.shop.directory / "bin" / "arecord").unlink()
        reason = self.failed_with(self.begin(make_job()), "capture_start_failed")
        self.assertIn("alsa-utils", reason)

    def test_bad_exit(self) -> None:
        """A program that fails until the window is over fails the job, in its own words."""
        done = self.begin(make_job(duration_seconds=4))
        self.fails("audio open error: No such device", 4)
        reason = self.failed_with(done, "capture_failed")
        self.assertIn("No such device", reason)
        self.assertNotIn("chunkSeconds", self.told_of("capture_failed"))

    def test_bad_exit_of_chunks(self) -> None:
        """A job in pieces says how long they are, and that there is none."""
        done = self.begin(make_job(duration_seconds=4, chunk_seconds=2))
        self.fails("audio open error: No such device", 4)
        self.failed_with(done, "capture_failed")
        told_of = self.told_of("capture_failed")
        self.assertEqual((told_of["chunkSeconds"], told_of["uploadedChunkCount"]), (2, 0))

    def test_too_small(self) -> None:
        """A window in which nothing came is no recording."""
        done = self.begin(make_job(duration_seconds=4))
        self.fails("", 4)
        self.assertIn("too small", self.failed_with(done, "capture_failed"))

    def test_too_little(self) -> None:
        """Less audio than a recording must have is none, whatever ended the capture."""
        self.open_shop(capture_min_output_bytes=1000)
        done = self.begin(make_job(duration_seconds=2))
        self.shop.reactor.advance(1)
        self.shop.reactor.last.writes(FRAME * 249)
        self.shop.reactor.last.exits(1)
        self.fails("audio open error: No such device", 2)
        self.failed_with(done, "capture_failed")

    def test_stall(self) -> None:
        """A device that gives no sample until the window is over is told of with the evidence."""
        done = self.begin(make_job(duration_seconds=35))
        self.shop.reactor.pump([0.5] * 61)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.shop.reactor.pump([0.5] * 2)
        self.fails("audio open error: No such device", 5)
        self.failed_with(done, "capture_failed")
        (severity, details), *_ = self.every("capture_output_stalled")
        self.assertEqual(severity, "critical")
        self.assertGreaterEqual(details["lastGrowthSecondsAgo"], 30)
        self.assertEqual(details["stalledSeconds"], 30)

    def test_render_failure(self) -> None:
        """A render that fails again and again keeps the captured audio, and says where it is."""
        self.shop.rendering = lambda: RenderFailed("recording render command ffmpeg failed")
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertNoResult(done)
        self.shop.reactor.pump([0.5] * 20)
        self.assertEqual(len(self.shop.rendered), 5)
        self.assertEqual(self.shop.place.ledger.salvage_of("rec_1"), self.journal())
        self.failed_with(done, "output_render_failed")
        details = self.shop.evidence.details("agent.recording_job.output_render_failed")
        self.assertTrue(details["rawOutputPath"].endswith("rec_1.raw.wav"))
        self.assertEqual(details["rawOutputBytes"], Path(details["rawOutputPath"]).stat().st_size)
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_no_room_for_a_name(self) -> None:
        """A disk that takes not even an empty file keeps the audio, and says that it is full."""

        def see(work: Any) -> None:
            if work is reserve:
                raise OSError(errno.ENOSPC, "No space left on device")

        self.shop.before_disk = see
        done = self.begin(make_job(duration_seconds=2))
        self.shop.play(4)
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertTrue(self.remembered().is_salvage)
        self.assertGreaterEqual(self.shop.disk.gave_way, 1)
        self.assertIn("No space left", self.told_of("output_render_failed")["error"])

    def test_impossible_before_capture(self) -> None:
        """Nine channels of FLAC are refused before any program runs."""
        done = self.begin(make_job(capture_channels=9))
        self.failed_with(done, "capture_start_failed")
        self.assertEqual(self.shop.reactor.spawned, [])

    def test_device_of_no_sense(self) -> None:
        """A device name that no program can be given fails its job, and nothing else."""
        done = self.begin(make_job(capture_device="hw:\0"))
        self.failed_with(done, "capture_start_failed")
        self.successResultOf(self.session.when_gone())

    def test_defect_before_the_capture(self) -> None:
        """A defect of ours while a session begins fails its jobs, and the controller hears why."""
        self.controller.answers["channel_map_assignments"] = [ZeroDivisionError("oops")]
        reason = self.failed_with(self.begin(make_job()), "capture_start_failed")
        self.assertIn("oops", reason)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
