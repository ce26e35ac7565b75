"""Tests for ``rakkr.jobs.crew``: an agent goes on with what an earlier one left."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from rakkr.controller.messages import Job
from rakkr.jobs.crew import Crew
from rakkr.jobs.ending import Ending
from rakkr.jobs.records import Done
from rakkr.jobs.remembered import Stage
from tests.jobs.making import make_job, told
from tests.jobs.test_take import RATE, TakeCase


class CrewCase(TakeCase):
    """An agent that is gone, and the next one."""

    def recorded_until_gone(self, seconds: float, **command: Any) -> None:
        """Record for so long, and let the agent end with its capture running."""
        done = self.begin(make_job(**command))
        self.shop.record(seconds)
        self.leave(done)
        self.assertEqual(self.shop.reactor.last.signals, [])

    def ending(self, crew: Crew, number: int = 1) -> Ending:
        """How a job ended, with nothing left to be done."""
        self.assertEqual(crew.works, [])
        return crew.results[f"job_{number}"].ending


class ClaimingCase(CrewCase):
    """
    Jobs that come one after another.

    :ivar crew: their agent.
    """

    crew: Crew

    def claims(self, *jobs: Job) -> None:
        """Let the crew have jobs that were claimed just now."""
        self.known |= {job.id: job for job in jobs}
        self.successResultOf(Deferred.fromCoroutine(self.crew.take_on(jobs)))

    def start(self, *jobs: Job) -> None:
        """Begin with jobs in a crew."""
        self.knows(*jobs)
        self.crew = Crew(self.shop.place)
        self.claims(*jobs)


class DeadProgramTests(CrewCase):
    """The capture program is gone, too."""

    def exit_note(self, seconds: float, **facts: Any) -> None:
        """Let the shim have said how the program ended, at that second."""
        note = {"code": None, "signal": 9, "endedAt": seconds, **facts}
        (self.shop.directory / "captures" / "rec_1.exit").write_text(json.dumps(note))

    def test_one_file_with_a_declared_gap(self) -> None:
        """What was captured counts, the rest of the window is captured anew, the hole declared."""
        self.recorded_until_gone(4)
        self.shop.crash()
        crew = self.go_on(1.0)
        self.shop.play(6)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(
            self.pieces(),
            [("rec_1.raw.wav", 0, 4 * RATE), ("", 0, RATE), ("rec_1.2.raw.wav", 0, 5 * RATE)],
        )
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 10.0, "job_1")])

    def test_with_an_exit_note(self) -> None:
        """What the program said at its end is the reason of the gap."""
        self.recorded_until_gone(4)
        self.shop.reactor.last.writes(b"arecord: read error: Input/output error\n", 2)
        self.shop.crash()
        self.exit_note(4.0)
        crew = self.go_on(1.0)
        self.shop.play(6)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])
        recorded = self.remembered().recorded
        assert recorded is not None
        self.assertIn("KILL", recorded.gaps[0].reason)
        self.assertIn("Input/output error", recorded.gaps[0].reason)

    def test_samples_after_the_agent(self) -> None:
        """Samples that came while no agent ran are part of the recording."""
        self.recorded_until_gone(4)
        self.shop.record(3)
        self.shop.crash()
        crew = self.go_on(1.0)
        self.shop.play(3)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.gaps(), [(7 * RATE, RATE)])
        self.assertEqual(self.shop.uploads()[0][2], 10.0)

    def test_window_over_meanwhile(self) -> None:
        """When the window ended while nobody was there, no device is opened any more."""
        self.recorded_until_gone(4)
        self.shop.crash()
        crew = self.go_on(60.0)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 4.0, "job_1")])
        self.assertEqual(self.gaps(), [(4 * RATE, 6 * RATE)])

    def test_whole_window_meanwhile(self) -> None:
        """A program that recorded to the end without an agent leaves no gap."""
        self.recorded_until_gone(4)
        self.shop.record(6.25)
        self.shop.crash()
        self.exit_note(10.25, code=0, signal=None, leash=True)
        crew = self.go_on(5.0)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.gaps(), [])
        self.assertEqual(self.shop.uploads()[0][2], 10.0)
        self.assertEqual(self.told_of("capture_accounted")["capturedFrames"], 10 * RATE)

    def test_nothing_recorded_and_window_over(self) -> None:
        """A job of which no sample exists fails when its window is over, and says why."""
        self.recorded_until_gone(0)
        self.shop.crash()
        crew = self.go_on(60.0)
        self.assertIs(self.ending(crew), Ending.FAILED)
        self.assertEqual(len(self.controller.named("mark_failed")), 1)
        self.assertEqual(len(self.shop.reactor.spawned), 1)

    def test_lease_is_held_at_once(self) -> None:
        """The first thing that the controller hears is a heartbeat for the job."""
        self.recorded_until_gone(4, duration_seconds=60)
        self.shop.crash()
        self.controller.calls.clear()
        crew = self.go_on(20.0)
        self.shop.reactor.advance(0)
        self.assertEqual(self.controller.calls[0], ("heartbeat_job", "job_1"))
        self.shop.play(38)
        self.assertIs(self.ending(crew), Ending.DELIVERED)

    def test_stopped_meanwhile(self) -> None:
        """A stop that came while no agent ran ends the recording, and delivers what there is."""
        self.recorded_until_gone(4, duration_seconds=600)
        self.shop.crash()
        self.stop()
        crew = self.go_on(10.0)
        self.shop.play(1)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 4.0, "job_1")])
        ((start, frames),) = self.gaps()
        self.assertEqual(start, 4 * RATE)
        self.assertApproximates(frames / RATE, 10.0, 1.0)

    def test_lease_lost_meanwhile(self) -> None:
        """After an outage that was too long, the room is recorded on, and the audio kept."""
        self.recorded_until_gone(4)
        self.shop.crash()
        self.tell(1, "failed", failure_reason="lease_expired")
        crew = self.go_on(1.0)
        self.shop.play(6)
        self.assertIs(self.ending(crew), Ending.KEPT)
        self.assertEqual(self.shop.uploads(), [])
        self.assertEqual(self.gaps(), [(4 * RATE, RATE)])
        self.assertEqual(self.shop.place.ledger.salvage_of("rec_1"), self.journal())


class RebootTests(CrewCase):
    """The machine was booted in between: the monotonic clock began anew."""

    def test_gap_by_wall_time(self) -> None:
        """Wall time says how long nothing was captured, and when the window ends."""
        self.recorded_until_gone(10, duration_seconds=60)
        self.shop.crash()
        crew = self.go_on(20.0, boot_id="second boot")
        self.shop.play(31)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.gaps(), [(10 * RATE, 20 * RATE)])
        self.assertEqual(self.shop.uploads()[0][2], 60.0)

    def test_window_over(self) -> None:
        """A window that ended before the machine was up again is delivered as far as it came."""
        self.recorded_until_gone(10, duration_seconds=60)
        self.shop.crash()
        crew = self.go_on(90.0, boot_id="second boot")
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.shop.reactor.spawned, [])
        self.assertEqual(self.gaps(), [(10 * RATE, 50 * RATE)])

    def test_twice(self) -> None:
        """Two boots make two gaps on one axis."""
        self.recorded_until_gone(10, duration_seconds=60)
        self.shop.crash()
        crew = self.go_on(10.0, boot_id="second boot")
        self.shop.play(10)
        (session,) = crew.sessions
        session.keep_running()
        for work in crew.works:
            work.cancel()
        self.successResultOf(session.when_gone())
        self.shop.crash()
        crew = self.go_on(10.0, boot_id="third boot")
        self.shop.play(21)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.gaps(), [(10 * RATE, 10 * RATE), (30 * RATE, 10 * RATE)])
        self.assertEqual(self.shop.uploads()[0][2], 60.0)


class OldJobTests(CrewCase):
    """Jobs that nobody waits for any more, or that were never begun."""

    def claimed_only(self, status: str, **facts: Any) -> Crew:
        """A claim in a journal, nothing else, and what the controller says a minute later."""
        self.knows(make_job())
        self.shop.claim(make_job())
        self.known["job_1"] = told(make_job(), status, **facts)
        return self.go_on(60.0)

    def test_never_begun(self) -> None:
        """A job that is still ours is begun, with its whole window."""
        crew = self.claimed_only("running")
        self.shop.play(11)
        self.assertIs(self.ending(crew), Ending.DELIVERED)
        self.assertEqual(self.shop.uploads()[0][2], 10.0)

    def test_given_up(self) -> None:
        """A job that was lost before a sample was recorded is not begun: nobody wants it."""
        for status in ("failed", "cancelled", "completed"):
            self.open_shop()
            crew = self.claimed_only(status)
            self.assertIs(self.ending(crew), Ending.FAILED)
            self.assertEqual(self.shop.reactor.spawned, [])
            self.assertEqual(self.controller.named("mark_failed"), [])
            self.assertIs(self.remembered().stage, Stage.DONE)

    def test_finished_jobs_stay_finished(self) -> None:
        """A job that is over is not looked at again."""
        done = self.begin(make_job(duration_seconds=1))
        self.shop.play(2)
        self.successResultOf(done)
        self.controller.calls.clear()
        crew = self.go_on(1.0)
        self.assertEqual((crew.works, self.controller.calls), ([], []))

    def test_orphan(self) -> None:
        """The program of a job that is over, and was never seen to end, is looked for."""
        done = self.begin(make_job(duration_seconds=600))
        self.shop.record(2)
        self.leave(done)
        self.tell(1, "cancelled")
        journal = self.journal()
        self.successResultOf(journal.note(Done("failed", "by hand", 0.0)))
        self.shop.crash()
        crew = self.go_on(1.0)
        self.assertEqual(crew.works, [])
        self.assertIsNotNone(self.remembered().segments[1].sealed)
        self.assertEqual(self.shop.uploads(), [])
        self.assertEqual(len(self.shop.reactor.spawned), 1)


class GroupAgainTests(CrewCase):
    """A group that an earlier agent began."""

    def test_members_keep_their_windows(self) -> None:
        """Each member gets its own window; the one that was delivered is not touched again."""
        done = self.begin(
            make_job(1, duration_seconds=2),
            make_job(2, duration_seconds=6),
            make_job(3, duration_seconds=8),
        )
        self.shop.record(4)
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])
        self.leave(done)
        self.shop.crash()
        crew = self.go_on(1.0)
        self.assertEqual(len(crew.sessions), 1)
        self.shop.play(4)
        self.assertEqual(crew.works, [])
        self.assertEqual(
            [(upload[3], upload[2]) for upload in self.shop.uploads()],
            [("job_1", 2.0), ("job_2", 6.0), ("job_3", 8.0)],
        )
        for number in (2, 3):
            self.assertEqual(self.gaps(number), [(4 * RATE, RATE)])
        self.assertEqual(len(self.shop.reactor.spawned), 2)
