"""Tests for ``rakkr.jobs.lease``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unauthorised, Unreachable
from rakkr.health.event import Severity
from rakkr.jobs.decisions import Standing, Wish
from rakkr.jobs.lease import Lease, Rhythm
from rakkr.jobs.workplace import JobEvidence
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.jobs.making import make_job, told


def refusal(status: int) -> Rejected:
    """What the client raises for a status."""
    if status == 401:
        return Unauthorised("{}", "job heartbeat")
    return Rejected(status, "{}", "job heartbeat")


class LeaseTests(SynchronousTestCase):
    """Holding one job: 8 s between heartbeats here, 2 s between looks."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.job = make_job()
        self.controller = FakeController(heartbeat_job=[self.job], get_job=[self.job])
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def hold(self, jitter: float = 0.0) -> Lease:
        """Hold the job; released at the end of the test."""
        rhythm = Rhythm(8.0, lambda: jitter, 2.0)
        lease = Lease(
            self.clock,
            self.controller,
            self.job,
            rhythm,
            self.report,
        )
        lease.hold()
        return lease

    def report(self, type_: str, severity: Severity, details: Mapping[str, Any]) -> None:
        """Note an event, which must be one of the catalogue."""
        self.events.append((type_, severity, details))
        JobEvidence(Noted(), self.job).emit(type_, severity, details)

    def release(self, lease: Lease) -> None:
        """Release it, which must end at once."""
        self.successResultOf(lease.release())

    def heartbeats_at(self, seconds: int) -> list[float]:
        """Let time pass, and say when heartbeats were sent."""
        seen: list[float] = []
        before = len(self.controller.named("heartbeat_job"))
        for _ in range(seconds * 4):
            self.clock.advance(0.25)
            now = len(self.controller.named("heartbeat_job"))
            if now > before:
                seen.append(self.clock.seconds())
                before = now
        return seen

    def test_rhythm(self) -> None:
        """Heartbeats keep their distance, with the jitter added, as long as the job is held."""
        lease = self.hold(jitter=1.5)
        self.assertEqual(self.heartbeats_at(30), [8.0, 17.5, 27.0])
        self.release(lease)
        self.assertEqual(self.heartbeats_at(20), [])

    def test_never_later_than_ten_seconds(self) -> None:
        """With the largest jitter there are still two heartbeats in every lease of 30 s."""
        lease = self.hold(jitter=1.99)
        beats = self.heartbeats_at(60)
        self.assertTrue(all(later - one <= 10 for one, later in itertools.pairwise(beats)))
        self.release(lease)

    def test_looks_while_recording(self) -> None:
        """A stop is noticed within the poll period while audio is recorded, not after."""
        lease = self.hold()
        self.clock.pump([0.5] * 12)
        self.assertEqual(len(self.controller.named("get_job")), 3)
        lease.recording_ended()
        self.clock.pump([0.5] * 40)
        self.assertLessEqual(len(self.controller.named("get_job")), 4)
        self.release(lease)

    def test_stop_seen_by_look(self) -> None:
        """A stop request is told with the moment until which an upload may begin."""
        lease = self.hold()
        seen: list[Standing] = []
        lease.when_not_recording().addCallback(seen.append)
        self.controller.answers["get_job"] = [
            told(self.job, "stop_requested", stop_requested_at="1970-01-01T00:16:40.000Z")
        ]
        self.clock.advance(1.9)
        self.assertEqual(seen, [])
        self.clock.advance(0.2)
        self.assertEqual([(s.wish, s.deliver_before) for s in seen], [(Wish.DELIVER, 1030.0)])
        self.release(lease)

    def test_refused_heartbeat_is_read_up(self) -> None:
        """A 409 is no verdict: the job is read, and only what it says counts."""
        lease = self.hold()
        lease.recording_ended()
        self.controller.answers["heartbeat_job"] = [refusal(409), self.job]
        self.clock.advance(8)
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.controller.answers["heartbeat_job"] = [refusal(409)]
        self.controller.answers["get_job"] = [
            told(self.job, "failed", failure_reason="lease_expired")
        ]
        self.clock.advance(8)
        self.assertIs(lease.standing.wish, Wish.FINISH)
        self.release(lease)

    def test_vanished(self) -> None:
        """A job that is not there any more ends no recording, and is believed after a minute."""
        lease = self.hold()
        self.controller.answers["get_job"] = [refusal(404)]
        self.clock.pump([2.0] * 30)
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.clock.pump([2.0] * 2)
        self.assertIs(lease.standing.wish, Wish.FINISH)
        self.release(lease)

    def test_vanished_for_a_while(self) -> None:
        """A proxy without its controller says 404, too: when the job is back, all is as it was."""
        lease = self.hold()
        self.controller.answers["get_job"] = [refusal(404)]
        self.clock.pump([2.0] * 40)
        self.assertIs(lease.standing.wish, Wish.FINISH)
        self.controller.answers["get_job"] = [self.job]
        self.clock.pump([2.0] * 8)
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.controller.answers["get_job"] = [refusal(404)]
        self.clock.pump([2.0] * 10)
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.assertGreaterEqual(len(self.controller.named("heartbeat_job")), 2)
        self.release(lease)

    def test_waiting_after_the_fact(self) -> None:
        """Who asks after the stop is told at once, and each asker for itself."""
        lease = self.hold()
        first = lease.when_not_recording()
        self.controller.answers["get_job"] = [told(self.job, "cancelled")]
        self.clock.advance(2)
        self.assertIs(self.successResultOf(first).wish, Wish.KEEP)
        self.assertIs(self.successResultOf(lease.when_not_recording()).wish, Wish.KEEP)
        self.release(lease)

    def test_outage(self) -> None:
        """An outage is one event and one recovery, and heartbeats come faster meanwhile."""
        self.controller.answers["heartbeat_job"] = [Unreachable("refused")]
        lease = self.hold()
        lease.recording_ended()
        self.assertEqual(self.heartbeats_at(14), [8.0, 10.0, 12.0, 14.0])
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.controller.answers["heartbeat_job"] = [self.job]
        self.heartbeats_at(3)
        self.assertEqual(
            [(name, severity) for name, severity, _ in self.events],
            [
                ("agent.recording_job.control_plane_failed", "warning"),
                ("agent.recording_job.control_plane_recovered", "info"),
            ],
        )
        self.assertIn("refused", self.events[0][2]["error"])
        self.release(lease)

    def test_outage_of_looks_alone(self) -> None:
        """While only reading the job fails, good heartbeats do not make it look well."""
        self.controller.answers["get_job"] = [Unreachable("reset")]
        lease = self.hold()
        self.heartbeats_at(20)
        self.assertEqual([e[0] for e in self.events], ["agent.recording_job.status_poll_failed"])
        self.release(lease)

    def test_stop_of_an_operator(self) -> None:
        """The 409 to a heartbeat that a stop brings about is no outage."""
        self.controller.answers["heartbeat_job"] = [refusal(409)]
        self.controller.answers["get_job"] = [told(self.job, "stop_requested")]
        lease = self.hold()
        lease.recording_ended()
        self.heartbeats_at(20)
        self.assertIs(lease.standing.wish, Wish.DELIVER)
        self.assertEqual(self.events, [])
        self.release(lease)

    def test_outage_that_ends_with_a_stop(self) -> None:
        """Once no heartbeats are sent any more, a job that can be read ends their outage."""
        self.controller.answers["heartbeat_job"] = [Unreachable("refused")]
        self.controller.answers["get_job"] = [Unreachable("refused")]
        lease = self.hold()
        self.heartbeats_at(12)
        self.controller.answers["get_job"] = [told(self.job, "stop_requested")]
        self.successResultOf(lease.look())
        self.heartbeats_at(20)
        self.assertEqual(
            [name for name, _, _ in self.events],
            [
                "agent.recording_job.status_poll_failed",
                "agent.recording_job.control_plane_recovered",
            ],
        )
        self.release(lease)

    def test_unauthorised_is_not_final(self) -> None:
        """A controller whose database is away answers 401 too: the job is held on."""
        self.controller.answers["heartbeat_job"] = [refusal(401)]
        lease = self.hold()
        lease.recording_ended()
        self.heartbeats_at(30)
        self.assertIs(lease.standing.wish, Wish.RECORD)
        self.assertGreater(len(self.controller.named("heartbeat_job")), 5)
        self.release(lease)

    def test_defect(self) -> None:
        """A defect of ours in one look does not end the heartbeats."""
        self.controller.answers["get_job"] = [ZeroDivisionError("oops")]
        lease = self.hold()
        self.assertEqual(self.heartbeats_at(17), [8.0, 16.0])
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 3)
        self.release(lease)

    def test_unreadable_stamp(self) -> None:
        """A stop whose moment cannot be read is a stop all the same."""
        self.controller.answers["get_job"] = [
            told(self.job, "stop_requested", stop_requested_at="yesterday")
        ]
        lease = self.hold()
        self.clock.advance(2)
        self.assertIs(lease.standing.wish, Wish.DELIVER)
        self.assertIsNone(lease.standing.deliver_before)
        self.release(lease)

    def test_release_in_flight(self) -> None:
        """Releasing while a heartbeat is under way cancels it, and leaves nothing."""
        cancelled: list[object] = []
        self.controller.answers["heartbeat_job"] = [Deferred(cancelled.append)]
        lease = self.hold()
        lease.recording_ended()
        self.clock.advance(8)
        self.release(lease)
        self.assertEqual(len(cancelled), 1)

    def test_swallowed_cancel(self) -> None:
        """A client that reports the cancelled call as an outage does not bring the lease back."""
        call: Deferred[Any] = Deferred(lambda d: d.errback(Unreachable("cancelled")))
        self.controller.answers["heartbeat_job"] = [call]
        lease = self.hold()
        lease.recording_ended()
        self.clock.advance(8)
        self.release(lease)
        self.assertEqual(self.heartbeats_at(20), [])
