"""Tests for ``rakkr.jobs.session``, ``member`` and ``delivery``, which are one story."""

from __future__ import annotations

import shutil
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import CacheRetention, Job
from rakkr.jobs.member import Ending, Result
from rakkr.jobs.session import Session
from rakkr.render.errors import RenderFailed
from rakkr.stamps import format_stamp
from tests.jobs.making import make_job, told
from tests.jobs.shop import Shop, receipt

LET_GO = CacheRetention(policy_id="p", delete_after_upload=True)
STOPPED = "1970-01-12T13:46:40.000Z"


class SessionCase(SynchronousTestCase):
    """A session in a shop."""

    def setUp(self) -> None:
        self.open_shop()

    def open_shop(self, **settings: Any) -> None:
        """Begin with other settings."""
        self.shop = Shop(**settings)
        self.addCleanup(shutil.rmtree, self.shop.directory)
        self.controller = self.shop.controller

    def tearDown(self) -> None:
        self.assertEqual(self.shop.reactor.getDelayedCalls(), [])

    def begin(self, *jobs: Job) -> Deferred[list[Result]]:
        """Run a session for these jobs; every look at one shows it running."""
        known = {job.id: job for job in jobs}
        self.controller.answers["heartbeat_job"] = [lambda job_id: known[job_id]]
        self.controller.answers["get_job"] = [lambda job_id: known[job_id]]
        self.known = known
        self.session = Session(self.shop.place, jobs)
        return Deferred.fromCoroutine(self.session.run())

    def tell(self, number: int, status: str, **facts: Any) -> None:
        """Let the controller say something else of a job."""
        job_id = f"job_{number}"
        self.known[job_id] = told(self.known[job_id], status, **facts)
        if status != "running":
            refusal = Rejected(409, "", "job heartbeat")
            self.controller.answers["heartbeat_job"] = [
                lambda asked: refusal if asked == job_id else self.known[asked]
            ]

    def stop(self, number: int = 1) -> None:
        """Let an operator stop a job."""
        self.tell(number, "stop_requested", stop_requested_at=STOPPED)

    def endings(self, done: Deferred[list[Result]]) -> list[Ending]:
        """How the jobs of a finished session ended."""
        return [result.ending for result in self.successResultOf(done)]


class OneJobTests(SessionCase):
    """A lone job."""

    def test_delivered(self) -> None:
        """A whole window is rendered from first to last frame, and uploaded under the job."""
        done = self.begin(make_job())
        self.shop.record(10)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        ((captured, start, end, target),) = self.shop.rendered
        self.assertEqual((captured.name, start, end), ("rec_1.raw.wav", 0, 480_000))
        self.assertEqual(target.name, "rec_1.flac")
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_1")])
        self.assertEqual(self.shop.evidence.types(), ["agent.recording_job.output_rendered"])
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_the_program_is_asked_for_the_window(self) -> None:
        """The capture program gets the job's device, format, rate, channels and seconds."""
        done = self.begin(make_job(capture_device="hw:3,1", duration_seconds=7))
        argv = " ".join(self.shop.reactor.last.argv)
        for wanted in ("-D hw:3,1", "-f S16_LE", "-r 48000", "-c 2", "-d 7"):
            self.assertIn(wanted, argv)
        self.shop.record(7)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)

    def test_heartbeats_until_the_receipt(self) -> None:
        """The lease is kept while audio is rendered and uploaded, and not a moment longer."""
        rendering: Deferred[None] = Deferred()
        uploading: Deferred[None] = Deferred()
        self.shop.rendering = lambda: rendering
        self.controller.answers["upload_cache_file"] = [
            uploading,
            *self.controller.answers["upload_cache_file"],
        ]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([1.0] * 40)
        during_render = len(self.controller.named("heartbeat_job"))
        self.assertGreaterEqual(during_render, 4)
        rendering.callback(None)
        self.shop.reactor.pump([1.0] * 40)
        during_upload = len(self.controller.named("heartbeat_job"))
        self.assertGreaterEqual(during_upload, during_render + 4)
        uploading.errback(Unreachable("reset"))
        self.shop.reactor.advance(1)
        self.successResultOf(done)
        self.shop.reactor.pump([1.0] * 40)
        self.assertEqual(len(self.controller.named("heartbeat_job")), during_upload)

    def test_operator_stop_delivers(self) -> None:
        """A stop ends the capture gracefully, and what was recorded until then is delivered."""
        done = self.begin(make_job(duration_seconds=3600))
        self.shop.record(5)
        self.stop()
        self.shop.record(2)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        ((_, _, end, _),) = self.shop.rendered
        self.assertEqual(end, 7 * 48_000)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 7.0, "job_1")])
        self.assertEqual(self.controller.named("mark_cancelled"), [])

    def test_stop_before_any_sample(self) -> None:
        """A stop with nothing recorded is told as such, and nothing is uploaded."""
        done = self.begin(make_job())
        self.stop()
        self.shop.reactor.advance(2)
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.NOTHING_TO_DELIVER])
        self.assertEqual(
            self.controller.named("mark_cancelled"),
            [("mark_cancelled", "job_1", "controller_stop_requested")],
        )
        self.assertEqual(self.shop.uploads(), [])

    def test_capture_that_dies_while_stopping(self) -> None:
        """What a capture left that broke at the very end is still delivered."""
        done = self.begin(make_job())
        self.shop.record(5)
        self.stop()
        self.shop.reactor.advance(2)
        self.shop.reactor.last.exits(None, 11)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_capture_that_cannot_be_killed(self) -> None:
        """What a program recorded that outlives even KILL is delivered after a stop."""
        done = self.begin(make_job())
        self.shop.record(5)
        self.stop()
        self.shop.reactor.pump([1.0] * 16)
        self.assertEqual(self.shop.reactor.last.signals, ["INT", "KILL"])
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 5.0, "job_1")])
        self.shop.reactor.last.exits(None, 9)

    def test_lost_lease_records_on(self) -> None:
        """A lease that expired in an outage ends nothing: the window is recorded, and kept here."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.record(6)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertEqual(self.shop.uploads(), [])
        kept = self.shop.evidence.details("agent.recording_job.cache_upload_failed")
        self.assertIn("rec_1.raw.wav", kept["outputPath"])
        self.assertIn("lease_expired", kept["error"])
        self.assertEqual(kept["durationSeconds"], 10)
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_cancelled_by_the_controller(self) -> None:
        """A job that was ended elsewhere stops the capture; its audio stays on the disk."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.tell(1, "cancelled")
        self.shop.record(2)
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_outage_changes_nothing(self) -> None:
        """A controller that is silent for minutes loses no sample of the recording."""
        done = self.begin(make_job(duration_seconds=120))
        silence = [Unreachable("refused")]
        self.controller.answers["heartbeat_job"] = silence
        self.controller.answers["get_job"] = silence
        self.shop.record(120)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads()[0][2], 120.0)

    def test_wav_needs_no_render(self) -> None:
        """A whole WAV of all captured channels is delivered as it was captured."""
        wav = make_job(output_codec="wav", output_file_name="rec_1.wav", duration_seconds=2)
        done = self.begin(wav)
        self.shop.record(2)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.rendered, [])
        ((_, _, upload),) = self.controller.named("upload_cache_file")
        self.assertEqual((upload.path.name, upload.content_type), ("rec_1.raw.wav", "audio/wav"))

    def test_short_source(self) -> None:
        """A source that ended early is delivered with the length that it really has."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads()[0][2], 4.0)
        details = self.shop.evidence.details("agent.recording_job.capture_incomplete")
        self.assertEqual((details["capturedFrames"], details["plannedFrames"]), (192_000, 480_000))

    def test_dropouts(self) -> None:
        """Samples that the device lost are declared, not passed over."""
        done = self.begin(make_job())
        self.shop.record(9)
        self.shop.reactor.last.writes(b"overrun!!! (at least 12.500 ms long)\n", 2)
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        details = self.shop.evidence.details("agent.recording_job.capture_incomplete")
        self.assertEqual((details["dropoutCount"], details["dropoutMilliseconds"]), (1, 12.5))

    def test_names_of_an_earlier_attempt(self) -> None:
        """Files that an earlier attempt left are neither overwritten nor taken for this one's."""
        earlier = self.shop.directory / "captures"
        earlier.mkdir()
        (earlier / "rec_1.flac").write_text("earlier")
        (earlier / "rec_1.raw.wav").write_text("earlier")
        done = self.begin(make_job(duration_seconds=2))
        self.shop.record(2)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        for name in ("rec_1.flac", "rec_1.raw.wav"):
            self.assertEqual((earlier / name).read_text(), "earlier")
        ((captured, _, end, target),) = self.shop.rendered
        self.assertEqual(end, 96_000)
        self.assertNotIn(captured.name, {"rec_1.raw.wav"})
        self.assertEqual(target.name, "rec_1.2.flac")


class SlowRenderTests(SessionCase):
    """A stop whose render takes longer than the controller waits: stopped at controller time 0."""

    def stopped(self, **command: Any) -> tuple[Deferred[list[Result]], Deferred[Any]]:
        """A job that was stopped after four seconds, and whose render does not end by itself."""
        rendering: Deferred[Any] = Deferred()
        answers = [rendering]
        self.shop.rendering = lambda: answers.pop(0) if answers else None
        self.shop.place.wall.now = lambda: 1_000_000.0 + self.shop.reactor.seconds()
        done = self.begin(make_job(duration_seconds=600, **command))
        self.shop.record(4)
        self.tell(1, "stop_requested", stop_requested_at=format_stamp(1_000_004.0))
        self.shop.record(2)
        self.shop.reactor.last.exits(1)
        return done, rendering

    def test_in_time(self) -> None:
        """A render that ends inside the window is all that is uploaded."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 34)
        self.assertEqual(self.shop.uploads(), [])
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 6.0, "job_1")])

    def test_secured(self) -> None:
        """Before the window closes the audio goes as WAV, and is replaced when it is encoded."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 38)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.wav", 6.0, "job_1")])
        self.tell(1, "completed")
        self.shop.reactor.pump([1.0] * 60)
        self.assertNoResult(done)
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads()[1], ("rec_1", "rec_1.flac", 6.0, "job_1"))
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_only_own_channels(self) -> None:
        """A member of a wide capture is secured with its own channels, and the file is cleared."""
        done, rendering = self.stopped(capture_channel_selection=(2,))
        self.shop.reactor.pump([0.5] * 38)
        self.assertEqual(self.shop.rendered[1][3].name, "rec_1.stopgap.wav")
        self.assertEqual(len(self.shop.uploads()), 1)
        self.assertNotIn("rec_1.stopgap.wav", self.shop.captures())
        rendering.callback(None)
        self.successResultOf(done)

    def test_render_fails_after_all(self) -> None:
        """A render that fails when the audio is secured leaves a delivered recording."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 38)
        rendering.callback(RenderFailed("killed"))
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.controller.named("mark_failed"), [])

    def test_stop_while_rendering(self) -> None:
        """A stop that comes while the whole recording is being rendered has the same window."""
        rendering: Deferred[Any] = Deferred()
        self.shop.rendering = lambda: rendering
        self.shop.place.wall.now = lambda: 1_000_000.0 + self.shop.reactor.seconds()
        done = self.begin(make_job(duration_seconds=4))
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([1.0] * 30)
        self.assertEqual(self.shop.uploads(), [])
        self.tell(1, "stop_requested", stop_requested_at=format_stamp(1_000_034.0))
        self.shop.reactor.pump([1.0] * 21)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.wav", 4.0, "job_1")])
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_cancelled(self) -> None:
        """A session that is cut short ends its render too."""
        done, rendering = self.stopped()
        self.assertFalse(rendering.called)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertTrue(rendering.called)


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

    def test_missing_program(self) -> None:
        """A program that is not installed fails the job, and the reason names its package."""
        (self.shop.directory / "bin" / "arecord").unlink()
        reason = self.failed_with(self.begin(make_job()), "capture_start_failed")
        self.assertIn("alsa-utils", reason)

    def test_bad_exit(self) -> None:
        """A capture program that fails does so with its status and its own words."""
        done = self.begin(make_job())
        self.shop.reactor.last.writes(b"audio open error: No such device\n", 2)
        self.shop.reactor.last.exits(1)
        reason = self.failed_with(done, "capture_failed")
        self.assertIn("No such device", reason)

    def test_too_small(self) -> None:
        """A capture of nothing is no recording."""
        done = self.begin(make_job())
        self.shop.reactor.last.exits(0)
        self.assertIn("too small", self.failed_with(done, "capture_failed"))

    def test_stall(self) -> None:
        """A capture that stops growing fails with the evidence, and its audio stays."""
        done = self.begin(make_job(duration_seconds=600))
        self.shop.record(20)
        self.shop.reactor.pump([1.0] * 29)
        self.assertNoResult(done)
        self.shop.reactor.pump([1.0] * 3)
        self.shop.reactor.last.exits(1)
        self.failed_with(done, "capture_output_stalled")
        details = self.shop.evidence.details("agent.recording_job.capture_output_stalled")
        self.assertGreaterEqual(details["lastGrowthSecondsAgo"], 30)
        self.assertEqual(details["stalledSeconds"], 30)
        self.assertEqual(self.shop.captures()[0], "rec_1.raw.wav")

    def test_render_failure(self) -> None:
        """A render that fails keeps the captured audio, and says where it is."""
        self.shop.rendering = lambda: RenderFailed("recording render command ffmpeg failed")
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.failed_with(done, "output_render_failed")
        details = self.shop.evidence.details("agent.recording_job.output_render_failed")
        self.assertTrue(details["rawOutputPath"].endswith("rec_1.raw.wav"))
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])

    def test_impossible_before_capture(self) -> None:
        """Nine channels of FLAC are refused before any program runs."""
        done = self.begin(make_job(capture_channels=9))
        self.failed_with(done, "capture_start_failed")
        self.assertEqual(self.shop.reactor.spawned, [])

    def test_upload_refused_for_good(self) -> None:
        """A file that the controller will never take is kept, and an event says where."""
        self.controller.answers["upload_cache_file"] = [Rejected(413, "too large", "cache file")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        kept = self.shop.evidence.details("agent.recording_job.cache_upload_failed")
        self.assertIn("413", kept["error"])
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])
        self.assertEqual(self.shop.shelf.released, [])

    def test_upload_is_tried_again(self) -> None:
        """Resets and busy controllers are waited out, longer each time."""
        answer = self.controller.answers["upload_cache_file"][0]
        self.controller.answers["upload_cache_file"] = [
            Unreachable("reset"),
            Rejected(503, "", "cache file"),
            Unreachable("timed out"),
            answer,
        ]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([0.25] * 13)
        self.assertNoResult(done)
        self.shop.reactor.pump([0.25] * 2)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.uploads()), 4)

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

    def test_upload_that_fails_for_long(self) -> None:
        """An upload that fails again and again is reported once, and tried on."""
        self.controller.answers["upload_cache_file"] = [Unreachable("reset")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([0.5] * 14)
        self.assertEqual(len(self.shop.uploads()), 4)
        self.assertNotIn("agent.recording_job.cache_upload_failed", self.shop.evidence.types())
        self.shop.reactor.pump([1.0] * 200)
        told_of = self.shop.evidence.details("agent.recording_job.cache_upload_failed")
        self.assertTrue(told_of["willRetry"])
        self.controller.answers["upload_cache_file"] = [receipt]
        self.shop.reactor.pump([1.0] * 31)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_recording_that_is_gone(self) -> None:
        """A recording that was deleted is not uploaded for ever, though its job still runs."""
        self.controller.answers["upload_cache_file"] = [Rejected(404, "", "cache file")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([1.0] * 60)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        self.assertEqual(len(self.shop.uploads()), 5)

    def test_upload_after_lost_job(self) -> None:
        """A 409 is read up: a job that is gone ends the tries, one that lives does not."""
        answer = self.controller.answers["upload_cache_file"][0]
        refused = Rejected(409, "", "cache file")
        self.controller.answers["upload_cache_file"] = [refused, answer]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.advance(1)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

        self.controller.answers["upload_cache_file"] = [refused]
        done = self.begin(make_job(2, duration_seconds=1))
        self.shop.record(1)
        self.tell(2, "failed", failure_reason="lease_expired")
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.KEPT])


class GroupTests(SessionCase):
    """Several jobs of one capture."""

    def test_two_members(self) -> None:
        """Members share one program and get a file each, of their own channels."""
        one = make_job(1, capture_channels=2, capture_channel_selection=(1, 2))
        two = make_job(2, capture_channels=2, capture_channel_selection=(3, 4))
        done = self.begin(one, two)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertIn("-c 4", " ".join(self.shop.reactor.last.argv))
        for _ in range(10):
            self.shop.reactor.advance(1)
            self.shop.reactor.last.writes(b"\0" * 8 * 48_000)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual(
            self.shop.uploads(),
            [("rec_1", "rec_1.flac", 10.0, "job_1"), ("rec_2", "rec_2.flac", 10.0, "job_2")],
        )

    def test_stop_of_one(self) -> None:
        """Stopping one member delivers it at once, and the other goes on to its end."""
        done = self.begin(make_job(1), make_job(2))
        self.shop.record(4)
        self.stop(1)
        self.shop.record(3)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])
        self.assertLessEqual(self.shop.uploads()[0][2] or 0, 7.0)
        self.assertGreaterEqual(self.shop.uploads()[0][2] or 0, 4.0)
        self.shop.record(3)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual(self.shop.uploads()[1], ("rec_2", "rec_2.flac", 10.0, "job_2"))

    def test_last_one_stops_the_capture(self) -> None:
        """When every member was stopped, the program is ended."""
        done = self.begin(make_job(1), make_job(2))
        self.shop.record(4)
        self.stop(1)
        self.shop.record(3)
        self.controller.answers["heartbeat_job"] = [Rejected(409, "", "job heartbeat")]
        self.stop(2)
        self.shop.record(2)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)

    def test_shorter_window(self) -> None:
        """A member with a shorter window gets exactly its frames, while the other records on."""
        done = self.begin(make_job(1, duration_seconds=3), make_job(2, duration_seconds=6))
        self.assertIn("-d 6", " ".join(self.shop.reactor.last.argv))
        self.shop.record(5)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 3.0, "job_1")])
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)

    def test_misfit_member(self) -> None:
        """A member that asks for another rate is refused, without harm to the others."""
        done = self.begin(make_job(1, duration_seconds=1), make_job(2, capture_sample_rate=44_100))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        results = {r.job_id: r.ending for r in self.successResultOf(done)}
        self.assertEqual(results, {"job_1": Ending.DELIVERED, "job_2": Ending.FAILED})
        ((_, _, reason),) = self.controller.named("mark_failed")
        self.assertIn("sample rate", reason)

    def test_refusal_delays_nobody(self) -> None:
        """A refusal that the controller does not take holds no recording up."""
        self.controller.answers["mark_failed"] = [Unreachable("refused")]
        done = self.begin(make_job(1, duration_seconds=2), make_job(2, capture_sample_rate=44_100))
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.shop.record(2)
        self.shop.reactor.last.exits(0)
        self.assertEqual(len(self.shop.uploads()), 1)
        self.shop.reactor.pump([1.0] * 60)
        self.assertEqual(self.endings(done), [Ending.FAILED, Ending.DELIVERED])

    def test_same_name(self) -> None:
        """Two members that would be called alike get a file each."""
        jobs = [
            make_job(number, duration_seconds=1, output_file_name="talk.flac") for number in (1, 2)
        ]
        done = self.begin(*jobs)
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual(
            [target.name for _, _, _, target in self.shop.rendered], ["talk.flac", "talk.2.flac"]
        )

    def test_failure_of_one_delivery(self) -> None:
        """A member whose upload is refused does not touch the other's."""
        answer = self.controller.answers["upload_cache_file"][0]
        refused = Rejected(413, "", "cache file")
        self.controller.answers["upload_cache_file"] = [
            lambda recording, upload: refused if recording == "rec_1" else answer()
        ]
        done = self.begin(make_job(1, duration_seconds=1), make_job(2, duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.KEPT, Ending.DELIVERED])

    def test_defect_in_one_member(self) -> None:
        """A defect of ours in one member fails that job, with the error named, and no other."""
        defects = [ZeroDivisionError("oops"), None]
        self.shop.rendering = lambda: defects.pop(0)
        done = self.begin(make_job(1, duration_seconds=1), make_job(2, duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.FAILED, Ending.DELIVERED])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        ((_, job_id, reason),) = self.controller.named("mark_failed")
        self.assertEqual(job_id, "job_1")
        self.assertIn("oops", reason)


class ReleaseTests(SessionCase):
    """Files are given up against receipts."""

    def test_alone(self) -> None:
        """A delivered job gives up its file and its capture under its policy."""
        done = self.begin(make_job(duration_seconds=1, recorder_cache_retention=LET_GO))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)
        self.assertEqual(
            [(job_id, deletes, path.name) for job_id, deletes, (path,) in self.shop.shelf.released],
            [("job_1", True, "rec_1.flac"), ("job_1", True, "rec_1.raw.wav")],
        )

    def test_own_file_waits_for_nobody(self) -> None:
        """A member's own file is given up with its receipt, while the others still record."""
        short = make_job(1, duration_seconds=1, recorder_cache_retention=LET_GO)
        done = self.begin(short, make_job(2, duration_seconds=9))
        self.shop.record(3)
        ((_, _, paths),) = self.shop.shelf.released
        self.assertEqual([path.name for path in paths], ["rec_1.flac"])
        self.shop.record(6)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)

    def test_capture_is_shared(self) -> None:
        """The capture stays as long as one member of it has no receipt."""
        answer = self.controller.answers["upload_cache_file"][0]
        refused = Rejected(413, "", "cache file")
        self.controller.answers["upload_cache_file"] = [
            lambda recording, upload: refused if recording == "rec_1" else answer()
        ]
        jobs = [
            make_job(number, duration_seconds=1, recorder_cache_retention=LET_GO)
            for number in (1, 2)
        ]
        done = self.begin(*jobs)
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)
        ((job_id, _, paths),) = self.shop.shelf.released
        self.assertEqual(job_id, "job_2")
        self.assertEqual([path.name for path in paths], ["rec_2.flac"])

    def test_capture_of_one_policy(self) -> None:
        """The capture stays when only one of its members may be deleted."""
        let_go = make_job(1, duration_seconds=1, recorder_cache_retention=LET_GO)
        done = self.begin(let_go, make_job(2, duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)
        names = [path.name for _, _, paths in self.shop.shelf.released for path in paths]
        self.assertEqual(names, ["rec_1.flac", "rec_2.flac"])


class EndTests(SessionCase):
    """The agent goes down."""

    def test_dismissed(self) -> None:
        """A dismissed session ends its capture and delivers what there is."""
        done = self.begin(make_job())
        self.shop.record(3)
        self.session.dismiss()
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads()[0][2], 3.0)

    def test_cancelled_while_uploading(self) -> None:
        """A session that is cut short says where the audio is, and holds no lease any more."""
        self.controller.answers["upload_cache_file"] = [Deferred()]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.successResultOf(self.session.when_gone())
        self.assertIn("agent.recording_job.cache_upload_failed", self.shop.evidence.types())
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_cancelled_while_recording(self) -> None:
        """A session that is cut short ends its capture before it counts as gone."""
        done = self.begin(make_job())
        self.shop.record(1)
        done.cancel()
        gone = self.session.when_gone()
        self.assertNoResult(gone)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.successResultOf(gone)
        self.failureResultOf(done, CancelledError)


class NoteTests(SessionCase):
    """What is reported beside the main road."""

    def test_what_is_not_there_yet(self) -> None:
        """Chunks that this agent does not make are mentioned, not silently dropped."""
        done = self.begin(make_job(duration_seconds=1, chunk_seconds=60))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)
        self.assertEqual(
            self.shop.evidence.details("agent.recording_job.chunked_fallback")["reason"],
            "chunking_not_available",
        )

    def test_lookup_failure(self) -> None:
        """When the assigned channel maps cannot be asked for, the job is recorded without."""
        self.controller.answers["channel_map_assignments"] = [Unreachable("refused")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertIn("agent.recording_job.channel_map_lookup_failed", self.shop.evidence.types())
