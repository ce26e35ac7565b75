"""Tests for ``rakkr.jobs.session``."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from rakkr.controller.errors import Unreachable
from rakkr.jobs.ending import Ending
from rakkr.jobs.remembered import Stage
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job
from tests.jobs.shop import receipt
from tests.jobs.test_plan import assigned


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
        self.assertEqual(self.told_types(), ["capture_accounted", "output_rendered"])
        account = self.told_of("capture_accounted")
        counts = ("capturedFrames", "plannedFrames", "gaps", "missingFrames", "dropoutCount")
        self.assertEqual([account[each] for each in counts], [480_000, 480_000, [], 0, 0])
        self.assertIs(self.remembered().stage, Stage.DONE)
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_the_program_is_asked_for_the_window(self) -> None:
        """The capture program gets the job's device, format, rate and channels, but no end."""
        done = self.begin(make_job(capture_device="hw:3,1", duration_seconds=7))
        argv = " ".join(self.shop.reactor.last.argv)
        for wanted in ("-D hw:3,1", "-f S16_LE", "-r 48000", "-c 2"):
            self.assertIn(wanted, argv)
        self.assertNotIn("-d", self.shop.reactor.last.argv)
        self.shop.record(7)
        self.shop.reactor.last.exits(0)
        self.successResultOf(done)

    def test_exactly_the_window(self) -> None:
        """The agent ends the program when the frames are there, and what is beyond them is cut."""
        done = self.begin(make_job(duration_seconds=3))
        self.shop.record(3)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.shop.record(0.5)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.told_of("capture_accounted")["capturedFrames"], 3 * 48_000)
        self.assertEqual(self.shop.uploads()[0][2], 3.0)
        (audio,) = [each.sealed for each in self.remembered().segments.values()]
        assert audio is not None
        self.assertEqual(audio.frames, 3 * 48_000)
        assert audio.path is not None
        self.assertEqual(audio.path.stat().st_size, audio.size)

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

    def test_dropouts(self) -> None:
        """Samples that the device lost are declared, not passed over."""
        done = self.begin(make_job())
        self.shop.record(9)
        self.shop.reactor.last.writes(b"overrun!!! (at least 12.500 ms long)\n", 2)
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        details = self.told_of("capture_incomplete")
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
        """A session that is cut short holds no lease any more, and the journal has what to send."""
        self.controller.answers["upload_cache_file"] = [Deferred(), receipt]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.successResultOf(self.session.when_gone())
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])
        self.assertIs(self.remembered().stage, Stage.SENDING)
        self.go_on()
        self.shop.reactor.pump([0.25] * 4)
        self.assertIs(self.remembered().stage, Stage.DONE)
        self.assertEqual(len(self.shop.uploads()), 2)

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

    def test_lookup_failure(self) -> None:
        """When the assigned channel maps cannot be asked for, the job is recorded without."""
        self.controller.answers["channel_map_assignments"] = [Unreachable("refused")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertIn("agent.recording_job.channel_map_lookup_failed", self.shop.evidence.types())

    def test_map_of_the_interface(self) -> None:
        """A map that was assigned under the controller's id holds for the device by its name."""
        self.shop.devices.ids["uuid-1"] = make_job().command.capture_device
        found = assigned("interface", "uuid-1", 2, 1)
        other = assigned("interface", "uuid-2", 1, 2)
        self.controller.answers["channel_map_assignments"] = [[other, found]]
        done = self.begin(make_job(duration_seconds=1))
        planned = self.remembered().planned
        assert planned is not None
        assert planned.channel_map is not None
        self.assertEqual(planned.channel_map.target_id, "uuid-1")
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
