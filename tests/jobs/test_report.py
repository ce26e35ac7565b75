"""Tests for ``rakkr.jobs.report``: what is told of a recording that is over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed

from rakkr.audio.recap import ChannelRecap, Cut, Recap
from rakkr.controller.messages import CacheRetention
from rakkr.jobs.ending import Ending
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job
from tests.jobs.remembering import RETENTION

RECAP = Recap(
    2.0,
    (
        ChannelRecap(
            channel=1,
            peak_dbfs=-6.0,
            true_peak_dbtp=-5.9,
            rms_dbfs=-9.0,
            loudness_lufs=-12.0,
            silent_seconds=0.0,
            clipped_seconds=0.0,
            speech_share=None,
            speech_heard_seconds=0.0,
            clipped=(),
            silent=(),
        ),
    ),
)
RATE = 48_000


class ReportTests(SessionCase):
    """A shop in which somebody measures."""

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[list[Cut]] = []
        self.answer: Any = lambda: succeed(RECAP)
        self.shop.place = attrs.evolve(self.shop.place, measured=self.measured)

    def measured(self, cuts: Sequence[Cut]) -> Deferred[Recap]:
        """Note what was asked for."""
        self.asked.append(list(cuts))
        answer: Deferred[Recap] = self.answer()
        return answer

    def reports(self) -> list[str]:
        """The names of the reports in the capture directory."""
        return [name for name in self.shop.captures() if name.endswith(".json")]

    def record(self, seconds: int = 2) -> None:
        """Record and let the program end."""
        self.shop.record(seconds)
        self.shop.reactor.last.exits(0)

    def test_file_and_event(self) -> None:
        """A recording that is over leaves its report beside its file, and one event of it."""
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(
            self.told_types(), ["capture_accounted", "capture_report", "output_rendered"]
        )
        ((severity, event),) = self.every("capture_report")
        self.assertEqual((severity, event["frames"], event["seconds"]), ("info", 2 * RATE, 2.0))
        self.assertEqual(event["channels"][0]["peakDbfs"], -6.0)
        self.assertEqual((event["jobId"], event["recordingId"]), ("job_1", "rec_1"))
        self.assertEqual(self.reports(), ["rec_1.report.json"])
        path = self.shop.directory / "captures" / "rec_1.report.json"
        self.assertEqual(event["reportPath"], str(path))
        whole = json.loads(path.read_text())
        self.assertEqual((whole["jobId"], whole["measuredSeconds"]), ("job_1", 2.0))
        self.assertEqual(whole["channels"][0]["rmsDbfs"], -9.0)
        (file,) = whole["files"]
        self.assertEqual((file["startFrame"], file["frames"], file["atFrame"]), (0, 2 * RATE, 0))

    def test_each_asks_for_its_own(self) -> None:
        """Members of a group report their own ranges of the one capture."""
        done = self.begin(make_job(1, duration_seconds=1), make_job(2, duration_seconds=3))
        self.record(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED] * 2)
        self.assertEqual(
            [(one.start, one.frames) for (one,) in self.asked], [(0, RATE), (0, 3 * RATE)]
        )
        self.assertEqual(self.reports(), ["rec_1.report.json", "rec_2.report.json"])

    def test_name_that_is_taken(self) -> None:
        """A report never replaces a file that is there."""
        directory = self.shop.directory / "captures"
        directory.mkdir(exist_ok=True)
        (directory / "rec_1.report.json").write_text("mine")
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.successResultOf(done)
        self.assertEqual((directory / "rec_1.report.json").read_text(), "mine")
        self.assertEqual(self.reports(), ["rec_1.report.2.json", "rec_1.report.json"])

    def test_upload_does_not_wait(self) -> None:
        """While the meters still read, the file is uploaded, and released, already."""
        late: Deferred[Recap] = Deferred()
        self.answer = lambda: late
        done = self.begin(make_job(duration_seconds=2, recorder_cache_retention=RETENTION))
        self.record()
        self.assertEqual(len(self.shop.uploads()), 1)
        self.assertTrue(self.shop.shelf.released)
        self.assertEqual(self.every("capture_report"), [])
        late.callback(RECAP)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.every("capture_report")), 1)
        self.assertEqual(self.reports(), [], "it goes with the files")

    def test_failure_hurts_nobody(self) -> None:
        """A defect in here costs the report, and nothing else."""

        def broken() -> Deferred[Recap]:
            raise ZeroDivisionError

        self.answer = broken
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.every("capture_report"), self.reports()), ([], []))

    def test_disk_takes_no_file(self) -> None:
        """Where no file can be written, the event says what it can, and names none."""

        def refuse(work: Any) -> None:
            if getattr(work, "__module__", "") == "rakkr.jobs.report":
                raise OSError(28, "No space left on device")

        self.shop.before_disk = refuse
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertIsNone(self.told_of("capture_report")["reportPath"])

    def test_nothing_measured(self) -> None:
        """Where nothing was measured, the report says so and has the account alone."""
        self.answer = lambda: succeed(Recap(0.0, ()))
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.successResultOf(done)
        event = self.told_of("capture_report")
        self.assertEqual((event["measuredSeconds"], event["channels"]), (0.0, []))
        self.assertEqual(event["frames"], 2 * RATE)

    def test_nothing_recorded(self) -> None:
        """A job that was stopped before its first sample has no report."""
        done = self.begin(make_job())
        self.stop()
        self.shop.reactor.advance(2)
        self.shop.reactor.last.exits(1)
        self.assertEqual(self.endings(done), [Ending.NOTHING_TO_DELIVER])
        self.assertEqual((self.asked, self.every("capture_report")), ([], []))

    def test_chunks(self) -> None:
        """A recording in chunks has one report, of the whole."""
        done = self.begin(make_job(duration_seconds=4, chunk_seconds=2))
        self.record(4)
        self.shop.reactor.pump([0.5] * 4)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.told_of("capture_report")["frames"], 4 * RATE)

    def test_nothing_stays(self) -> None:
        """Where nothing of a delivered recording may stay on the node, its report does not."""
        policy = CacheRetention(policy_id="p", delete_after_upload=True)
        done = self.begin(make_job(duration_seconds=2, recorder_cache_retention=policy))
        self.record()
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(len(self.every("capture_report")), 1)
        self.assertEqual(self.reports(), [])

    def test_restart_while_rendering(self) -> None:
        """An agent that finds a recording that was over before it does not report it again."""
        self.shop.rendering = Deferred
        done = self.begin(make_job(duration_seconds=2))
        self.record()
        self.assertEqual(len(self.every("capture_report")), 1)
        self.leave(done)
        self.shop.rendering = lambda: None
        self.go_on()
        self.shop.reactor.advance(1)
        self.assertEqual(len(self.shop.uploads()), 1)
        self.assertEqual(len(self.every("capture_report")), 1)
        self.assertEqual(len(self.reports()), 1)

    def test_agent_goes_down(self) -> None:
        """An agent that is ended while it waits for the meters leaves nothing behind."""
        self.answer = Deferred
        done = self.begin(make_job(duration_seconds=2))
        self.shop.rendering = Deferred
        self.record()
        self.leave(done)
        self.assertEqual((self.every("capture_report"), self.reports()), ([], []))
