"""Tests for ``rakkr.jobs.member``: groups, and what is given up against receipts."""

from __future__ import annotations

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import CacheRetention
from rakkr.jobs.ending import Ending
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job

LET_GO = CacheRetention(policy_id="p", delete_after_upload=True)


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
        self.shop.reactor.pump([1.0] * 600)
        self.assertNoResult(done)
        self.controller.answers["mark_failed"] = [None]
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
