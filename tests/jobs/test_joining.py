"""Tests for ``rakkr.jobs.joining``: jobs that come while their device is being captured."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import Job
from rakkr.jobs import session as session_module
from rakkr.jobs.ending import Ending
from rakkr.jobs.joining import by_capture
from rakkr.jobs.remembered import Stage
from tests.jobs.making import make_job
from tests.jobs.shop import receipt
from tests.jobs.test_crew import ClaimingCase
from tests.jobs.test_take import RATE


class JoinCase(ClaimingCase):
    """A capture that runs, and a job for the same device."""

    def window(self, number: int) -> tuple[int, int]:
        """First frame and the one behind the last of what a job was delivered."""
        (receipt_,) = self.remembered(number).receipts.values()
        return receipt_.start_frame, receipt_.end_frame

    def late(self, **command: Any) -> None:
        """A capture of ten seconds, and another job that comes after four."""
        self.start(make_job(1))
        self.shop.play(4)
        self.claims(make_job(2, **command))


class LateTests(JoinCase):
    """A job that joins."""

    def test_exact_window(self) -> None:
        """It gets exactly its frames, from the moment at which it came, of the same program."""
        self.late(duration_seconds=3)
        self.shop.play(8)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.window(2), (4 * RATE, 7 * RATE))
        self.assertEqual(self.window(1), (0, 10 * RATE))
        seconds = {upload[3]: upload[2] for upload in self.shop.uploads()}
        self.assertEqual(seconds, {"job_1": 10.0, "job_2": 3.0})
        (own,) = [strip for strip in self.shop.strips if strip.frames == 3 * RATE]
        self.assertEqual((own.pieces[0].start, own.pieces[0].frames), (4 * RATE, 3 * RATE))

    def test_longer_than_the_first(self) -> None:
        """The capture goes on until the last window is over, and ends there."""
        self.late(duration_seconds=10)
        self.shop.play(11)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.window(2), (4 * RATE, 14 * RATE))
        self.assertEqual(self.window(1), (0, 10 * RATE))
        segment = self.remembered(2).segments[1].sealed
        assert segment is not None
        self.assertEqual(segment.frames, 14 * RATE)

    def test_segment_is_in_its_journal(self) -> None:
        """The next agent finds the capture in the late job's journal alone."""
        self.late(duration_seconds=10)
        self.assertEqual(list(self.remembered(2).segments), [1])
        self.assertEqual(self.remembered(2).axis, self.remembered(1).axis)
        planned = self.remembered(2).planned
        assert planned is not None
        self.assertEqual(planned.start_frame, 4 * RATE)
        self.shop.play(12)

    def test_first_one_stopped(self) -> None:
        """A stop of the job that began the capture does not touch the one that joined."""
        self.late(duration_seconds=10)
        self.stop(1)
        self.shop.play(3)
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.shop.play(8)
        self.assertEqual(self.window(2), (4 * RATE, 14 * RATE))

    def test_upload_trouble_of_the_first(self) -> None:
        """An upload that hangs for one holds the other up in nothing."""
        self.controller.answers["upload_cache_file"] = [
            lambda recording, _: Unreachable("reset") if recording == "rec_1" else receipt()
        ]
        self.late(duration_seconds=10)
        self.shop.play(11)
        self.assertIs(self.remembered(2).stage, Stage.DONE)
        self.assertIs(self.remembered(1).stage, Stage.SENDING)
        self.controller.answers["upload_cache_file"] = [receipt]
        self.shop.play(31)
        self.assertEqual(self.crew.works, [])

    def test_during_a_loss(self) -> None:
        """A job that comes while the device is away waits for it with the others."""
        self.start(make_job(1, duration_seconds=20))
        self.shop.play(4)
        self.dies()
        self.quiet(0.25)
        self.claims(make_job(2, duration_seconds=10))
        self.quiet(1.75)
        self.shop.play(18)
        self.assertEqual(self.crew.works, [])
        start, end = self.window(2)
        self.assertEqual(end - start, 10 * RATE)
        self.assertGreaterEqual(start, 4 * RATE)
        ((first, frames),) = self.gaps(2)
        self.assertEqual(first + frames, 6 * RATE)

    def test_long_after_a_loss(self) -> None:
        """What was missing before a job came is not in its window."""
        self.start(make_job(1, duration_seconds=60))
        self.shop.play(4)
        self.dies()
        self.quiet(20)
        self.claims(make_job(2, duration_seconds=10))
        self.quiet(2)
        self.shop.play(60)
        self.assertEqual(self.crew.works, [])
        start, end = self.window(2)
        self.assertEqual(end - start, 10 * RATE)
        self.assertAlmostEqual(start / RATE, 24, delta=0.5)
        ((_, frames),) = self.gaps(2)
        self.assertLess(frames, 8 * RATE)

    def test_restart(self) -> None:
        """After a restart both windows are what they were."""
        self.late(duration_seconds=10)
        self.shop.play(2)
        (session,) = self.crew.sessions
        session.keep_running()
        for work in self.crew.works:
            work.cancel()
        self.successResultOf(session.when_gone())
        self.shop.crash()
        crew = self.go_on(1.0)
        self.shop.play(9)
        self.assertEqual(crew.works, [])
        self.assertEqual(self.window(1), (0, 10 * RATE))
        self.assertEqual(self.window(2), (4 * RATE, 14 * RATE))
        for number in (1, 2):
            self.assertEqual(self.gaps(number), [(6 * RATE, RATE)])


class NotAdmittedTests(JoinCase):
    """Jobs that the capture cannot serve."""

    def test_other_format_or_rate_or_width(self) -> None:
        """A job that the running capture does not fit is not let in, and nothing is harmed."""
        self.start(make_job(1))
        self.shop.play(2)
        for facts in (
            {"capture_format": "S32_LE"},
            {"capture_sample_rate": 44_100},
            {"capture_channels": 4},
            {"capture_device": "hw:1,0"},
            {"capture_backend": "pipewire"},
        ):
            self.assertFalse(self.crew.admits(make_job(2, **facts)), facts)
        self.assertTrue(self.crew.admits(make_job(2)))
        self.shop.play(10)
        self.assertEqual(self.gaps(1), [])

    def test_too_late(self) -> None:
        """A capture that is being ended takes nobody in."""
        self.start(make_job(1, duration_seconds=600))
        self.shop.record(2)
        (session,) = self.crew.sessions
        session.dismiss()
        self.assertFalse(self.crew.admits(make_job(2)))
        self.shop.play(1)
        self.assertEqual(self.crew.works, [])

    def test_lookup_takes_its_time(self) -> None:
        """A capture that ends while a late job is looked up leaves that job one of its own."""
        lookup: Deferred[Any] = Deferred()
        self.start(make_job(1, duration_seconds=600))
        self.shop.record(2)
        self.controller.answers["channel_map_assignments"] = [lookup]
        self.claims(make_job(2))
        (session,) = self.crew.sessions
        self.stop(1)
        self.shop.play(5)
        self.controller.answers["channel_map_assignments"] = [[]]
        lookup.callback([])
        self.shop.play(12)
        self.assertEqual(self.crew.works, [])
        self.assertEqual(self.controller.named("mark_failed"), [])
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(self.window(2), (0, 10 * RATE))
        self.assertEqual(session.recording_members, [])

    def test_defect_of_one(self) -> None:
        """A defect in the work for a late job fails that one alone."""
        self.start(make_job(1))
        self.shop.play(2)
        broken = mock.patch.object(session_module, "plan_late", side_effect=RuntimeError("defect"))
        with mock.patch.object(self.crew.sessions[0], "admits", return_value=True), broken:
            self.claims(make_job(2))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.shop.play(10)
        endings = {job_id: result.ending for job_id, result in self.crew.results.items()}
        self.assertEqual(endings, {"job_1": Ending.DELIVERED, "job_2": Ending.FAILED})


class PlanningTests(JoinCase):
    """Jobs that come while the first one's capture is only being planned."""

    def planning(self, *jobs: Job) -> Deferred[Any]:
        """Two claims in a row, and the answer that the first one waits for."""
        lookup: Deferred[Any] = Deferred()
        self.controller.answers["channel_map_assignments"] = [lookup, []]
        for job in jobs:
            if hasattr(self, "crew"):
                self.claims(job)
            else:
                self.start(job)
        return lookup

    def test_one_capture_for_both(self) -> None:
        """The second does not fight for the device: it joins the capture that is planned."""
        lookup = self.planning(make_job(1), make_job(2))
        self.assertTrue(self.crew.admits(make_job(3)))
        self.assertFalse(self.crew.admits(make_job(3, capture_device="hw:1,0")))
        self.shop.play(1)
        lookup.callback([])
        self.shop.play(14)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        endings = {job_id: result.ending for job_id, result in self.crew.results.items()}
        self.assertEqual(endings, dict.fromkeys(("job_1", "job_2"), Ending.DELIVERED))
        for number in (1, 2):
            start, end = self.window(number)
            self.assertEqual(end - start, 10 * RATE)

    def test_nothing_comes_of_it(self) -> None:
        """When the first one is refused, the second has a capture of its own."""
        lookup = self.planning(make_job(1, capture_channels=9), make_job(2))
        lookup.callback([])
        self.shop.play(14)
        self.assertEqual(self.crew.works, [])
        endings = {job_id: result.ending for job_id, result in self.crew.results.items()}
        self.assertEqual(endings, {"job_1": Ending.FAILED, "job_2": Ending.DELIVERED})


class GroupTests(JoinCase):
    """Members that have nothing in common but the capture."""

    def test_lease_of_one(self) -> None:
        """A lease that is lost keeps its own audio, and nobody else's."""
        self.start(make_job(1), make_job(2))
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(8)
        endings = {job_id: result.ending for job_id, result in self.crew.results.items()}
        self.assertEqual(endings, {"job_1": Ending.KEPT, "job_2": Ending.DELIVERED})
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_2"])

    def test_cancel_of_one(self) -> None:
        """A job that is ended elsewhere stops at once, and the others record on."""
        self.start(make_job(1), make_job(2))
        self.shop.play(4)
        self.tell(1, "cancelled")
        self.shop.play(3)
        recorded = self.remembered(1).recorded
        assert recorded is not None
        self.assertLess(recorded.end_frame, 7 * RATE)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.shop.play(5)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(self.window(2), (0, 10 * RATE))

    def test_refusals_of_one(self) -> None:
        """Uploads that are refused for one are tried for the other as usual."""
        self.controller.answers["upload_cache_file"] = [
            lambda recording, _: (
                Rejected(413, "", "cache file") if recording == "rec_2" else receipt()
            )
        ]
        self.start(make_job(1, duration_seconds=2), make_job(2, duration_seconds=2))
        self.shop.play(4)
        endings = {job_id: result.ending for job_id, result in self.crew.results.items()}
        self.assertEqual(endings, {"job_1": Ending.DELIVERED, "job_2": Ending.KEPT})

    def test_together_again(self) -> None:
        """Jobs that were claimed and not begun are put together by what captures them."""
        one, two = make_job(1), make_job(2)
        other = make_job(3, capture_device="hw:1,0")
        journals = self.shop.claim(one, two, other)
        self.assertEqual(
            [[each.job_id for each in group] for group in by_capture(journals)],
            [["job_1", "job_2"], ["job_3"]],
        )
