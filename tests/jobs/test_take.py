"""Tests for ``rakkr.jobs.take``: a device that is lost, and found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from rakkr.controller.commands import ChannelMap, ChannelMapEntry
from rakkr.disk.need import Short
from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.load import running_of
from rakkr.jobs.records import SegmentSealed
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job

RATE = 48_000
GONE = "arecord: pcm_read:2221: read error: No such device"
BUSY = "arecord: main:850: audio open error: Device or resource busy"
CARD = DeviceIdentity(name="USB Audio", device=0, card_id="USB", serial="7")


class TakeCase(SessionCase):
    """A capture whose program a test ends."""

    def dies(self, said: str = GONE, code: int = 1) -> None:
        """Let the program that runs say why, and end."""
        self.shop.reactor.last.writes(said.encode() + b"\n", 2)
        self.shop.reactor.last.exits(code)

    def quiet(self, seconds: float) -> None:
        """Let time pass in which nothing is captured."""
        self.shop.reactor.pump([0.25] * round(seconds * 4))

    def pieces(self, number: int = 0) -> list[tuple[str, int, int]]:
        """File ("" for silence), first frame inside it and length, of what a render was given."""
        return [
            ("" if piece.audio is None else piece.audio.path.name, piece.start, piece.frames)
            for piece in self.shop.strips[number].pieces
        ]

    def gaps(self, number: int = 1) -> list[tuple[int, int]]:
        """First frame and length of the gaps that a journal declares."""
        recorded = self.remembered(number).recorded
        assert recorded is not None
        return [(gap.start_frame, gap.frames) for gap in recorded.gaps]

    def sealed(self) -> list[SegmentSealed]:
        """The segments that are finished."""
        segments = self.remembered().segments.values()
        return [each.sealed for each in segments if each.sealed is not None]


class LossTests(TakeCase):
    """A program that ends while its window lasts."""

    def lost_and_found(self, **settings: Any) -> Deferred[list[Result]]:
        """Ten seconds with a hole: from 4.0 s to the next program's first sample."""
        self.open_shop(**settings)
        done = self.begin(make_job())
        self.shop.record(4)
        self.dies()
        self.quiet(0.5)
        self.assertEqual(len(self.shop.reactor.spawned), 2)
        self.quiet(0.5)
        self.shop.record(5)
        self.assertNoResult(done)
        self.shop.reactor.last.exits(0)
        return done

    def test_one_file_with_silence(self) -> None:
        """What is lost is silence of the length that the clock measured, and the file is one."""
        done = self.lost_and_found()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(
            self.pieces(),
            [
                ("rec_1.raw.wav", 0, 4 * RATE),
                ("", 0, RATE),
                ("rec_1.2.raw.wav", 0, 5 * RATE),
            ],
        )
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_1")])

    def test_declared(self) -> None:
        """Captured and declared frames add up to the window, in the journal and in the event."""
        self.successResultOf(self.lost_and_found())
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])
        account = self.told_of("capture_accounted")
        self.assertEqual(account["capturedFrames"], 9 * RATE)
        ((frames, reason),) = [(gap["frames"], gap["reason"]) for gap in account["gaps"]]
        self.assertEqual(frames, RATE)
        self.assertIn("No such device", reason)
        self.assertEqual(self.told_of("capture_incomplete")["capturedFrames"], 9 * RATE)

    def test_stitched(self) -> None:
        """The contract's event tells of the segments and of the length of each gap."""
        self.successResultOf(self.lost_and_found())
        facts = self.told_of("capture_segments_stitched")
        self.assertEqual((facts["segmentCount"], facts["gapCount"]), (2, 1))
        self.assertEqual(facts["gapSeconds"], [1.0])
        self.assertEqual(facts["attempts"], [1, 2])
        self.assertEqual(facts["segmentBytes"], sum(each.size for each in self.sealed()))

    def test_joined(self) -> None:
        """The setting ``join`` puts the ends together; the gap is declared all the same."""
        done = self.lost_and_found(capture_gaps="join")
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(
            self.pieces(), [("rec_1.raw.wav", 0, 4 * RATE), ("rec_1.2.raw.wav", 0, 5 * RATE)]
        )
        self.assertEqual(self.shop.uploads()[0][2], 9.0)
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])

    def test_where_segments_begin(self) -> None:
        """Each segment is in the journal with the moment of its first sample."""
        self.successResultOf(self.lost_and_found())
        one, two = self.sealed()
        assert one.started_mono is not None
        assert two.started_mono is not None
        self.assertAlmostEqual(two.started_mono - one.started_mono, 5.0, places=6)
        self.assertIn("No such device", one.error or "")
        self.assertIsNone(two.error)
        self.assertEqual([each.frames for each in (one, two)], [4 * RATE, 5 * RATE])

    def test_early_end(self) -> None:
        """A program that ends with success before its window is over was lost as well."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        self.quiet(1)
        self.shop.record(5)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        ((_, lost),) = self.every("capture_device_lost")
        self.assertIn("ended before the window was over", lost["error"])
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])

    def test_stall_of_a_group(self) -> None:
        """Each job of a capture that stalls is told with its own channel map."""
        entry = ChannelMapEntry(source_channel_index=2)
        mapped = ChannelMap(channel_mode="mono", entries=(entry,), template_name="Pulpit")
        done = self.begin(
            make_job(1, duration_seconds=40), make_job(2, duration_seconds=40, channel_map=mapped)
        )
        self.shop.record(2)
        self.quiet(31)
        self.shop.reactor.last.exits(1)
        self.quiet(1)
        self.shop.play(10)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        stalls = self.every("capture_output_stalled")
        maps = {facts["jobId"]: facts["channelMap"] for _, facts in stalls}
        self.assertIsNone(maps["job_1"])
        self.assertEqual(maps["job_2"]["templateName"], "Pulpit")

    def test_written(self) -> None:
        """The watch of the disk learns how much all segments had at the last look."""
        look = RATE  # a quarter of a second
        done = self.begin(make_job(duration_seconds=10))
        self.shop.record(3)
        self.assertApproximates(running_of([self.session]).written, 3 * RATE * 4, look)
        self.dies()
        self.quiet(1)
        self.shop.record(2)
        self.assertApproximates(running_of([self.session]).written, 5 * RATE * 4, look)
        self.shop.play(9)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(running_of([self.session]).written, 0)

    def test_stall(self) -> None:
        """A capture that stops growing is ended, told of with its evidence, and begun anew."""
        done = self.begin(make_job(duration_seconds=60))
        self.shop.record(20)
        self.quiet(31)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.quiet(1)
        self.shop.play(10)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        stalled = self.told_of("capture_output_stalled")
        self.assertGreaterEqual(stalled["lastGrowthSecondsAgo"], 30)
        self.assertTrue(stalled["willRetry"])
        self.assertIsNone(stalled["channelMap"])
        ((start, frames),) = self.gaps()
        self.assertEqual(start, 20 * RATE)
        self.assertApproximates(frames / RATE, 32.0, 0.5)
        self.assertEqual(self.shop.uploads()[0][2], 60.0)

    def test_never_overlapping(self) -> None:
        """A segment never begins before the one in front of it ends, whatever the clock says."""
        done = self.begin(make_job())
        self.shop.reactor.advance(0.25)
        self.shop.reactor.last.writes(b"\0" * 4 * 4 * RATE)  # a device that is far too fast
        self.dies()
        self.quiet(1)
        self.shop.play(9)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(sum(frames for _, _, frames in self.pieces()), 10 * RATE)
        self.assertEqual(self.gaps(), [])

    def test_lost_again_and_again(self) -> None:
        """Every loss is a gap of its own; no frame is in two segments."""
        done = self.begin(make_job())
        for _ in range(2):
            self.shop.record(3)
            self.dies()
            self.quiet(1)
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.gaps(), [(at * RATE, RATE) for at in (3, 7)])
        self.assertEqual(sum(frames for _, _, frames in self.pieces()), 10 * RATE)
        self.assertEqual(self.told_of("capture_segments_stitched")["gapCount"], 2)

    def test_pauses(self) -> None:
        """A device that dies at once is tried ever more rarely; one that ran well is trusted."""
        done = self.begin(make_job(duration_seconds=600))

        def pauses(count: int) -> list[float]:
            found = []
            for _ in range(count):
                self.dies()
                began = self.shop.reactor.seconds()
                while self.shop.reactor.last.pid is None:
                    self.shop.reactor.advance(0.05)
                found.append(round(self.shop.reactor.seconds() - began, 1))
            return found

        first = pauses(5)
        self.assertEqual(first, sorted(set(first)))
        self.assertEqual(first[0], 0.5)
        self.assertLessEqual(max(pauses(8)), 10.1)
        self.shop.record(12)
        self.assertEqual(pauses(1), [0.5])
        self.session.dismiss()
        self.shop.play(1)
        self.successResultOf(done)


class EndTests(TakeCase):
    """Ends that come while the device is away."""

    def test_window_over(self) -> None:
        """What there was until then is delivered, and the rest of the window is declared."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.dies()
        for _ in range(40):
            self.quiet(0.25)
            if self.shop.reactor.last.pid is not None:
                self.dies()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 4.0, "job_1")])
        self.assertEqual(self.gaps(), [(4 * RATE, 6 * RATE)])

    def test_stop(self) -> None:
        """A stop in a gap ends the wait at once, and delivers what there was before."""
        done = self.begin(make_job(duration_seconds=600))
        self.shop.record(4)
        self.shop.devices.found = Found(None, "USB Audio is not there")
        self.session.take.device.identity = CARD  # type: ignore[union-attr]
        self.dies()
        self.quiet(20)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.stop()
        self.quiet(2)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 4.0, "job_1")])
        ((start, frames),) = self.gaps()
        self.assertEqual(start, 4 * RATE)
        self.assertApproximates(frames / RATE, 20.0, 2.1)

    def test_dismissed(self) -> None:
        """An agent that goes down in a gap delivers, and waits for no device."""
        done = self.begin(make_job(duration_seconds=600))
        self.shop.record(4)
        self.dies()
        self.session.dismiss()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_stop_before_the_device_was_there(self) -> None:
        """A stop of a job that never had a sample is no failure."""
        done = self.begin(make_job(duration_seconds=600))
        self.dies()
        self.stop()
        self.quiet(2)
        while self.shop.reactor.last.pid is not None:
            self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.NOTHING_TO_DELIVER])
        self.assertEqual(self.controller.named("mark_failed"), [])


class AtFirstTests(TakeCase):
    """A device that gives nothing at first."""

    def test_busy(self) -> None:
        """What somebody else holds is tried again, and what was missed is declared."""
        done = self.begin(make_job())
        self.dies(BUSY)
        self.quiet(0.5)
        self.dies(BUSY)
        self.quiet(1)
        self.assertEqual(len(self.shop.reactor.spawned), 3)
        self.quiet(0.5)
        self.shop.play(9)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.gaps(), [(0, 2 * RATE)])
        (_, (name, _, frames)) = self.pieces()
        self.assertEqual((name, frames), ("rec_1.3.raw.wav", 8 * RATE))
        self.assertEqual(self.pieces()[0], ("", 0, 2 * RATE))
        self.assertNotIn("capture_device_lost", self.told_types())
        self.assertEqual(len(self.every("capture_device_unavailable")), 1)
        self.assertEqual(len(self.every("capture_device_recovered")), 1)

    def test_slow_start_is_no_gap(self) -> None:
        """A device that takes its time to give the first sample of all begins the recording."""
        done = self.begin(make_job(duration_seconds=4))
        self.quiet(2)
        self.shop.play(5)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.gaps(), [])
        self.assertEqual(self.told_of("capture_accounted")["capturedFrames"], 4 * RATE)

    def test_hopeless(self) -> None:
        """What can never work fails at once when it is the first attempt."""
        done = self.begin(make_job())
        self.dies("arecord: set_params:1352: Channels count non available")
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertIn("Channels count", self.controller.named("mark_failed")[0][2])

    def test_hopeless_after_it_worked(self) -> None:
        """The same words mean nothing after the device has once worked."""
        done = self.begin(make_job())
        self.shop.record(2)
        self.dies()
        self.quiet(0.5)
        self.dies("arecord: set_params:1352: Channels count non available")
        self.quiet(1)
        self.assertEqual(len(self.shop.reactor.spawned), 3)
        self.shop.play(8)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])


class FullDiskTests(TakeCase):
    """A disk that takes no more."""

    def filled(self) -> Deferred[list[Result]]:
        """Four seconds of ten, and then no room."""
        done = self.begin(make_job())
        self.shop.record(4)
        self.dies("arecord: pcm_write: write error: No space left on device")
        return done

    def test_delivered_as_far_as_it_came(self) -> None:
        """Nothing is tried again; what there is is sealed and delivered, the rest declared."""
        done = self.filled()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 4.0, "job_1")])
        self.assertEqual(self.gaps(), [(4 * RATE, 6 * RATE)])

    def test_room_is_made_and_told(self) -> None:
        """The reserve is given up, so that sealing and journals succeed, and an event says so."""
        self.shop.disk.free = 12_345
        self.successResultOf(self.filled())
        self.assertGreaterEqual(self.shop.disk.gave_way, 1)
        ((severity, facts),) = self.every("disk_space_exhausted")
        self.assertEqual(severity, "critical")
        self.assertEqual(facts["freeBytes"], 12_345)
        self.assertIn("No space left on device", facts["error"])
        self.assertEqual(facts["writtenBytes"], 4 * RATE * 4)
        self.assertEqual(facts["estimatedCaptureBytes"], 10 * RATE * 4)
        self.assertAlmostEqual(facts["remainingBytes"], 6 * RATE * 4, delta=RATE * 4)
        self.assertIn(facts["growthAgeSeconds"], {3, 4})
        self.assertEqual(facts["systemHealthDiskPath"], str(Path(facts["outputPath"]).parent))
        self.assertNotIn("capture_device_lost", self.told_types())

    def test_nothing_recorded(self) -> None:
        """A disk that was full from the start fails the job with that reason."""
        done = self.begin(make_job())
        self.dies("arecord: pcm_write: write error: No space left on device")
        self.assertEqual(self.endings(done), [Ending.FAILED])
        self.assertIn("No space left", self.controller.named("mark_failed")[0][2])

    def test_every_member(self) -> None:
        """Each job of the capture is delivered as far as it came."""
        done = self.begin(make_job(1, duration_seconds=2), make_job(2))
        self.shop.record(4)
        self.dies("arecord: pcm_write: write error: No space left on device")
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual([upload[2] for upload in self.shop.uploads()], [2.0, 4.0])

    def test_too_short_before(self) -> None:
        """A recording for which there is no room is refused before the device is opened."""
        self.shop.disk.short = Short(10, 5, "/captures")
        done = self.begin(make_job(1), make_job(2))
        self.assertEqual(self.endings(done), [Ending.FAILED] * 2)
        self.assertEqual(self.shop.reactor.spawned, [])
        self.assertEqual(
            [call[1] for call in self.controller.named("mark_failed")], ["job_1", "job_2"]
        )
        self.assertIn("required 10 bytes", self.controller.named("mark_failed")[0][2])
        # It is the watch of the disk that tells of it, to both.
        self.assertEqual([each.job_id for each in self.shop.disk.concerned], ["job_1", "job_2"])
        self.assertEqual(self.every("capture_start_failed"), [])
