"""Tests for ``rakkr.jobs.heir``: a retry delivers what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import CacheRetention, Job
from rakkr.jobs.ending import Ending
from rakkr.jobs.heir import can_inherit
from rakkr.jobs.records import DELIVERED, Done, Gap, Handed, Punched, Record, Salvaged
from rakkr.jobs.remembered import Stage
from tests.jobs.making import make_job
from tests.jobs.remembering import RETENTION, known, planned, recorded, sealed
from tests.jobs.shop import receipt
from tests.jobs.test_crew import ClaimingCase
from tests.jobs.test_take import BUSY, RATE


class HeirCase(ClaimingCase):
    """A recording whose job the controller gave up."""

    def retry(self, number: int = 2, of: int = 1, **command: Any) -> Job:
        """Another job for the same recording."""
        job = make_job(number, output_file_name=f"rec_{of}.flac", **command)
        return attrs.evolve(job, recording_id=f"rec_{of}")

    def kept(self, **command: Any) -> None:
        """A recording of ten seconds that is kept here."""
        self.start(make_job(1, **command))
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(8)
        self.assertIs(self.crew.results["job_1"].ending, Ending.KEPT)
        self.controller.calls.clear()


class InheritTests(HeirCase):
    """The recording is over, and its audio here."""

    def test_uploaded_under_the_new_job(self) -> None:
        """The new job delivers what the old one recorded, and no device is opened."""
        self.kept()
        self.claims(self.retry())
        self.shop.play(2)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_2")])
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        told_of = self.told_of("salvage_uploading")
        self.assertEqual((told_of["jobId"], told_of["previousJobId"]), ("job_2", "job_1"))
        self.assertEqual((told_of["frames"], told_of["framesGivenBack"]), (10 * RATE, 0))

    def test_handed_over_once(self) -> None:
        """What was handed over waits for nobody else."""
        self.kept()
        self.claims(self.retry())
        self.shop.play(2)
        self.assertEqual(self.remembered(1).handed_to, "job_2")
        self.assertEqual(self.shop.place.ledger.salvages(), [])
        self.claims(self.retry(3))
        self.shop.play(12)
        self.assertEqual(len(self.shop.reactor.spawned), 2)
        self.assertEqual(self.shop.uploads()[1][3], "job_3")

    def test_recorded_anew(self) -> None:
        """The setting ``record`` lets a retry record what is to be heard now."""
        self.open_shop(salvage_on_retry="record")
        self.kept()
        self.claims(self.retry())
        self.shop.play(12)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(len(self.shop.reactor.spawned), 2)
        self.assertTrue(self.remembered(1).is_salvage)
        self.assertNotIn("salvage_uploading", self.told_types())

    def test_another_recording(self) -> None:
        """A job for another recording has nothing to do with what is kept."""
        self.kept()
        self.claims(make_job(3))
        self.shop.play(12)
        self.assertEqual(len(self.shop.reactor.spawned), 2)
        self.assertTrue(self.remembered(1).is_salvage)

    def test_audio_is_gone(self) -> None:
        """Where somebody deleted the files, the retry records."""
        self.kept()
        for path in self.remembered(1).local_paths():
            path.unlink()
        self.claims(self.retry())
        self.shop.play(12)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(len(self.shop.reactor.spawned), 2)

    def test_gaps_come_along(self) -> None:
        """What was missing is missing still: silence in the file, declared in the journal."""
        self.start(make_job(1))
        self.shop.play(4)
        self.dies()
        self.quiet(1)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(8)
        self.claims(self.retry())
        self.shop.play(2)
        self.assertEqual(self.gaps(2), [(4 * RATE, RATE)])
        self.assertEqual(self.pieces()[1], ("", 0, RATE))
        self.assertEqual(self.shop.uploads()[0][2], 10.0)

    def test_while_others_record(self) -> None:
        """What still grows for others is handed over when they are done, and is not lost."""
        for policy in (None, RETENTION):
            self.open_shop()
            neighbour = make_job(2, duration_seconds=30, recorder_cache_retention=policy)
            self.start(make_job(1), neighbour)
            self.shop.play(4)
            self.tell(1, "failed", failure_reason="lease_expired")
            self.shop.play(8)
            self.assertIs(self.remembered(1).stage, Stage.DONE)
            self.claims(self.retry(3))
            self.shop.play(4)
            self.assertTrue(self.remembered(1).is_salvage)
            self.assertEqual(self.shop.uploads(), [])
            self.shop.play(24)
            self.assertIs(self.crew.results["job_3"].ending, Ending.DELIVERED)
            self.assertIn(("rec_1", "rec_1.flac", 10.0, "job_3"), self.shop.uploads())
            self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_nothing_was_kept(self) -> None:
        """A retry of a job that recorded nothing joins what is captured now, at once."""
        self.start(make_job(1, duration_seconds=1), make_job(2, duration_seconds=30))
        for _ in range(3):
            self.dies(BUSY)
            self.quiet(1)
        self.shop.play(2)
        self.assertIs(self.remembered(1).stage, Stage.DONE)
        self.assertFalse(self.remembered(1).is_salvage)
        self.tell(1, "failed", failure_reason="capture failed")
        self.shop.play(12)  # until the lease has read that
        spawned = len(self.shop.reactor.spawned)
        self.claims(self.retry(3, duration_seconds=5))
        self.shop.play(8)
        self.assertIs(self.crew.sessions[0].journals[-1], self.journal(3))
        self.assertIn(("rec_1", "rec_1.flac", 5.0, "job_3"), self.shop.uploads())
        self.assertEqual(len(self.shop.reactor.spawned), spawned)
        self.shop.play(30)

    def test_neighbour_deletes_nothing_of_it(self) -> None:
        """After a restart a neighbour's delivery gives up no file that a salvage needs."""
        self.controller.answers["upload_cache_file"] = [Unreachable("reset")]
        self.start(*(make_job(each, recorder_cache_retention=RETENTION) for each in (1, 2)))
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(8)
        self.assertTrue(self.remembered(1).is_salvage)
        self.abandon(self.crew)
        self.crew = self.go_on(1.0)
        self.controller.answers["upload_cache_file"] = [receipt]
        self.shop.play(40)
        self.assertTrue(self.remembered(2).is_delivered)
        released = [path.name for _, _, paths in self.shop.shelf.released for path in paths]
        self.assertNotIn("rec_1.raw.wav", released)
        self.claims(self.retry(3))
        self.shop.play(2)
        self.assertIn(("rec_1", "rec_1.flac", 10.0, "job_3"), self.shop.uploads())

    def test_a_neighbour_keeps_the_capture(self) -> None:
        """A retry that is to leave nothing here leaves what a neighbour's policy keeps."""
        keep = CacheRetention(policy_id="keep", max_age_days=7)
        neighbour = make_job(2, duration_seconds=5, recorder_cache_retention=keep)
        self.start(make_job(1), neighbour)
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(12)
        self.assertTrue(self.remembered(2).is_delivered)
        self.claims(self.retry(3, recorder_cache_retention=RETENTION))
        self.shop.play(12)
        self.assertTrue(self.remembered(3).is_delivered)
        released = [path.name for _, _, paths in self.shop.shelf.released for path in paths]
        self.assertIn("rec_1.flac", released)
        self.assertNotIn("rec_1.raw.wav", released)

    def test_refused_upload(self) -> None:
        """An upload that was refused is kept as well, and inherited."""
        self.controller.answers["upload_cache_file"] = [Rejected(413, "", "cache file")]
        self.start(make_job(1, duration_seconds=2))
        self.shop.play(4)
        self.assertIs(self.crew.results["job_1"].ending, Ending.KEPT)
        self.controller.answers["upload_cache_file"] = [receipt]
        self.claims(self.retry())
        self.shop.play(1)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)

    def test_by_the_next_agent(self) -> None:
        """What an earlier agent kept is inherited all the same."""
        self.kept()
        self.crew = self.go_on(100.0)
        self.claims(self.retry())
        self.shop.play(2)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_2")])

    def test_died_while_handing_over(self) -> None:
        """A retry whose agent died at once is delivered by the next agent."""
        self.kept()
        self.known["job_2"] = self.retry()
        self.shop.claim(self.retry())
        self.crew = self.go_on(1.0)
        self.shop.play(2)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_2")])
        self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_given_back(self) -> None:
        """Frames whose space was given back are left out, and the event says how many."""
        self.shop.disk.tight = True
        self.start(make_job(1, duration_seconds=10, chunk_seconds=2))
        self.shop.play(5)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.controller.answers["upload_cache_file"] = [Rejected(409, "", "cache file")]
        self.shop.play(8)
        self.assertIs(self.crew.results["job_1"].ending, Ending.KEPT)
        punched = self.remembered(1).punched
        self.assertEqual(punched, 4 * RATE)
        self.controller.answers["upload_cache_file"] = [receipt]
        self.claims(self.retry())
        self.shop.play(2)
        told_of = self.told_of("salvage_uploading")
        self.assertEqual((told_of["frames"], told_of["framesGivenBack"]), (6 * RATE, 4 * RATE))
        sent = [each for each in self.shop.uploads() if each[3] == "job_2"]
        self.assertEqual([each[2] for each in sent], [2.0] * 3)
        self.assertEqual(self.gaps(2), [(0, 4 * RATE)])


class LiveTests(HeirCase):
    """The recording goes on, under the job that was lost."""

    def lost(self) -> None:
        """Four seconds of ten, whose lease is lost."""
        self.start(make_job(1))
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(2)

    def test_awaited(self) -> None:
        """The retry waits for the recording's end, holds its lease, and delivers it as its own."""
        self.lost()
        self.claims(self.retry())
        self.shop.play(2)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.controller.calls.clear()
        self.shop.play(4)
        self.assertIs(self.crew.results["job_1"].ending, Ending.KEPT)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_2")])
        self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_lease_is_held(self) -> None:
        """The job that waits is not lost in its turn."""
        self.start(make_job(1, duration_seconds=60))
        self.shop.play(4)
        self.tell(1, "failed", failure_reason="lease_expired")
        self.shop.play(2)
        self.claims(self.retry())
        self.shop.play(40)
        beats = [call for call in self.controller.named("heartbeat_job") if call[1] == "job_2"]
        self.assertGreaterEqual(len(beats), 3)
        self.shop.play(20)
        self.assertEqual(self.crew.works, [])

    def test_stopped(self) -> None:
        """A stop of the new job ends the recording, and what there is is delivered under it."""
        self.lost()
        self.claims(self.retry())
        self.stop(2)
        self.shop.play(4)
        self.assertIs(self.crew.results["job_2"].ending, Ending.DELIVERED)
        ((_, _, seconds, job_id),) = self.shop.uploads()
        self.assertEqual(job_id, "job_2")
        assert seconds is not None
        self.assertGreaterEqual(seconds, 6.0)
        self.assertLess(seconds, 9.0)

    def test_cancelled(self) -> None:
        """A new job that is given up ends nothing: the room is recorded to its end, and kept."""
        self.lost()
        self.claims(self.retry())
        self.tell(2, "cancelled")
        self.controller.answers["upload_cache_file"] = [Rejected(409, "", "cache file")]
        self.shop.play(8)
        self.assertIs(self.crew.results["job_2"].ending, Ending.KEPT)
        self.assertEqual(self.crew.works, [])
        (kept,) = self.shop.place.ledger.salvages()
        recorded_ = kept.remembered.recorded
        assert recorded_ is not None
        self.assertEqual(recorded_.end_frame, 10 * RATE)


class CanInheritTests(SynchronousTestCase):
    """Which journals have something to inherit."""

    def test_only_salvage_whose_files_exist(self) -> None:
        """A journal needs a plan, an end, the word salvage, and every file."""
        here = sealed(1, path=Path(__file__))
        whole: list[Record] = [
            planned(),
            here,
            recorded(48_000),
            Salvaged("x"),
            Done("kept", "x", 2.0),
        ]
        self.assertTrue(can_inherit(known(*whole)))
        for index in (0, 1, 2, 3):
            less = [each for number, each in enumerate(whole) if number != index]
            self.assertFalse(can_inherit(known(*less)), whole[index])
        self.assertFalse(can_inherit(known(*whole, sealed(2))))
        self.assertFalse(can_inherit(known(*whole, Handed("job_2"))))
        self.assertFalse(can_inherit(known(*whole[:-1], Done(DELIVERED, "x", 2.0))))
        self.assertTrue(can_inherit(known(*whole, Punched(9), recorded(48_000, Gap(0, 1, "x")))))
