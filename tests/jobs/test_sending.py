"""Tests for ``rakkr.jobs.sending``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import Job, Receipt
from rakkr.controller.upload import Upload
from rakkr.jobs.ending import Ending
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job
from tests.jobs.shop import receipt


class SendingTests(SessionCase):
    """Files on their way to a controller."""

    def test_upload_refused_for_good(self) -> None:
        """Audio that the controller will never take is kept, and an event says where."""
        self.controller.answers["upload_cache_file"] = [Rejected(413, "too large", "cache file")]
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.KEPT])
        kept = self.told_of("cache_upload_failed")
        self.assertIn("413", kept["error"])
        self.assertEqual(self.shop.captures(), ["rec_1.raw.wav"])
        self.assertEqual(Path(kept["outputPath"]).name, "rec_1.raw.wav")
        self.assertEqual(kept["outputBytes"], Path(kept["outputPath"]).stat().st_size)
        self.assertEqual(self.shop.place.ledger.salvage_of("rec_1"), self.journal())
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

    def test_a_wrong_clock(self) -> None:
        """The age of an upload counts by the controller's clock, whatever ours said at the time."""
        self.shop.place.wall.skew_seconds = 86_400.0
        done = self.begin(make_job(duration_seconds=1))
        self.shop.record(1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        ours = self.shop.place.wall.now()
        self.assertGreater(self.remembered().receipts[0].wall, ours + 86_000)

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
        self.assertIn("reset", told_of["error"])
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


class WayTests(SessionCase):
    """What is learnt of the way, and that files of one recording do not meet on it."""

    def wav(self, **command: Any) -> Job:
        """A job whose file is the capture itself: 192 kB for each second."""
        return make_job(output_codec="wav", output_file_name="rec_1.wav", **command)

    def test_measured(self) -> None:
        """An upload of a megabyte and more is the measure of the way."""
        uploading: Deferred[Receipt] = Deferred()
        self.controller.answers["upload_cache_file"] = [uploading]
        done = self.begin(self.wav(duration_seconds=10))
        self.shop.play(11)
        before = self.shop.reactor.seconds()
        self.shop.reactor.pump([1.0] * 19)
        uploading.callback(Receipt(checksum="sha256:00", size=2_000_000))
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        rate = self.shop.place.uploads.bytes_per_second
        assert rate is not None
        self.assertApproximates(
            rate, 2_000_000 / (self.shop.reactor.seconds() - before + 0.75), 1e4
        )

    def test_cut_off(self) -> None:
        """A request that runs out of time says how fast the way is, and the file goes in pieces."""
        stuck: Deferred[Receipt] = Deferred()

        def answer(_recording: str, upload: Upload) -> Any:
            return stuck if upload.chunk is None else receipt()

        self.controller.answers["upload_cache_file"] = [answer]
        self.controller.sent = 1_500_000
        done = self.begin(self.wav(duration_seconds=10))
        self.shop.play(11)
        self.shop.reactor.pump([10.0] * 30)
        stuck.errback(Unreachable("timed out"))
        self.shop.reactor.pump([1.0] * 3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        rate = self.shop.place.uploads.bytes_per_second
        assert rate is not None
        self.assertApproximates(rate, 5000.0, 50.0)
        uploads = [upload for _, _, upload in self.controller.named("upload_cache_file")]
        self.assertEqual(uploads[0].chunk, None)
        self.assertEqual(uploads[-1].chunk_total, len(uploads) - 1)
        self.assertIn("300 s", self.told_of("upload_split")["error"])

    def test_408(self) -> None:
        """A controller that says itself that a request took too long is believed."""
        timed_out = Rejected(408, "", "cache file")
        self.controller.answers["upload_cache_file"] = [timed_out, receipt]
        self.controller.sent = 1_200_000
        done = self.begin(self.wav(duration_seconds=10))
        self.shop.play(11)
        self.shop.reactor.pump([1.0] * 3)
        self.successResultOf(done)
        self.assertIsNone(self.shop.place.uploads.bytes_per_second)

    def test_short_outage(self) -> None:
        """A reset soon after the start says nothing about the way."""
        self.controller.answers["upload_cache_file"] = [Unreachable("reset"), receipt]
        self.controller.sent = 1000
        done = self.begin(self.wav(duration_seconds=2))
        self.shop.play(4)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertIsNone(self.shop.place.uploads.bytes_per_second)

    def test_one_at_a_time(self) -> None:
        """Two jobs of one recording never upload at once."""
        under_way = [0]
        most = [0]

        def answer(_recording: str, _upload: Upload) -> Deferred[Receipt]:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            done: Deferred[Receipt] = Deferred()

            def end() -> None:
                under_way[0] -= 1
                done.callback(receipt())

            self.shop.reactor.callLater(3.0, end)
            return done

        self.controller.answers["upload_cache_file"] = [answer]
        two = attrs.evolve(make_job(2, duration_seconds=1), recording_id="rec_1")
        done = self.begin(make_job(1, duration_seconds=1), two)
        self.shop.play(2)
        self.shop.reactor.pump([0.5] * 14)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual(most, [1])
