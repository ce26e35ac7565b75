"""Tests for ``rakkr.jobs.service`` and ``rakkr.jobs.once``."""

from __future__ import annotations

import shutil
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.errors import Rejected, Unreachable
from rakkr.controller.messages import ClaimedGroup, UndecodableJob
from rakkr.health.problems import OpenProblems
from rakkr.jobs.ending import Ending
from rakkr.jobs.once import NextJob
from rakkr.jobs.remembered import Stage
from rakkr.jobs.service import JobWorkerService
from tests.fakes.threads import FakeThreads
from tests.jobs.making import make_job
from tests.jobs.shop import Shop, receipt


def group(*numbers: int, seconds: int = 4, device: str = "hw:0,0") -> ClaimedGroup:
    """Jobs that are claimed together."""
    asked: dict[str, Any] = {"duration_seconds": seconds, "capture_device": device}
    return ClaimedGroup(tuple(make_job(number, **asked) for number in numbers))


class ServiceCase(SynchronousTestCase):
    """A claim each second, a shutdown of 30 s."""

    def setUp(self) -> None:
        self.shop = Shop()
        self.addCleanup(shutil.rmtree, self.shop.directory)
        self.controller = self.shop.controller
        self.queue: list[Any] = []
        self.controller.answers["claim_next_group"] = [
            lambda: self.queue.pop(0) if self.queue else None
        ]
        for name in ("heartbeat_job", "get_job"):
            self.controller.answers[name] = [lambda job_id: make_job(int(job_id[4:]))]
        self.service = JobWorkerService(self.shop.place, claim_seconds=1.0, shutdown_seconds=30.0)

    def tearDown(self) -> None:
        self.assertEqual(self.shop.reactor.getDelayedCalls(), [])

    def claims(self) -> int:
        """How many claims there were."""
        return len(self.controller.named("claim_next_group"))

    def stop(self) -> None:
        """Stop the service, which must be done at once."""
        self.successResultOf(self.service.stopService())

    def again(self, down: float = 0.0) -> None:
        """Start another agent with the same directories."""
        self.shop.restart(down)
        self.service = JobWorkerService(self.shop.place, claim_seconds=1.0, shutdown_seconds=30.0)
        self.service.startService()


class ClaimTests(ServiceCase):
    """Taking jobs."""

    def test_claims_at_once_and_each_second(self) -> None:
        """A free node asks for work when it starts, and then every second."""
        self.service.startService()
        self.assertEqual(self.claims(), 1)
        self.shop.reactor.pump([0.5] * 6)
        self.assertEqual(self.claims(), 4)
        self.stop()
        self.shop.reactor.pump([0.5] * 6)
        self.assertEqual(self.claims(), 4)

    def test_no_claim_without_a_slot(self) -> None:
        """While the only slot records, nothing is claimed; a render and an upload hold no slot."""
        uploading: Deferred[None] = Deferred()
        self.controller.answers["upload_cache_file"].insert(0, lambda *_: uploading)
        self.queue = [group(1), group(2)]
        self.service.startService()
        self.assertEqual(self.claims(), 1)
        self.shop.record(4)
        self.assertEqual(self.claims(), 1)
        self.shop.reactor.last.exits(0)
        self.assertEqual(self.service.recording, 0)
        self.shop.reactor.advance(1)
        self.assertEqual(self.service.recording, 1)
        self.assertEqual(len(self.service.sessions), 2)
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        uploading.errback(Unreachable("reset"))
        self.shop.reactor.pump([0.5] * 4)
        self.assertEqual(self.service.sessions, [])
        self.stop()

    def test_capacity(self) -> None:
        """As many recordings run side by side as the controller allows at that moment."""
        self.queue = [group(each, device=f"hw:{each}") for each in (1, 2, 3)]
        self.shop.place.live.capacity = 2
        self.service.startService()
        self.assertEqual((self.service.recording, self.claims()), (2, 2))
        self.shop.place.live.capacity = 3
        self.shop.reactor.advance(1)
        self.assertEqual(self.service.recording, 3)
        stopped = self.service.stopService()
        for process in self.shop.reactor.spawned:
            process.exits(1)
        self.successResultOf(stopped)

    def test_one_claim_at_a_time(self) -> None:
        """A slow claim is not followed by another: two at once could split a group."""
        slow: Deferred[None] = Deferred()
        self.controller.answers["claim_next_group"] = [slow, None]
        self.service.startService()
        self.shop.reactor.pump([1.0] * 5)
        self.assertEqual(self.claims(), 1)
        slow.callback(None)
        self.shop.reactor.advance(1)
        self.assertEqual(self.claims(), 2)
        self.stop()

    def test_outage(self) -> None:
        """An outage is one event, however often claiming fails in it, and its end another."""
        self.controller.answers["claim_next_group"] = [Unreachable("refused")]
        self.service.startService()
        self.shop.reactor.pump([1.0] * 10)
        self.assertEqual(self.shop.evidence.types(), ["agent.recording_job.claim_next_failed"])
        self.controller.answers["claim_next_group"] = [None]
        self.shop.reactor.pump([1.0] * 3)
        self.assertEqual(
            self.shop.evidence.types()[1:], ["agent.recording_job.claim_next_recovered"]
        )
        details = self.shop.evidence.details("agent.recording_job.claim_next_recovered")
        self.assertEqual(details, {"failureCount": 11, "nodeId": self.shop.place.node_id})
        self.stop()

    def test_outage_over_a_restart(self) -> None:
        """The next agent does not report it again, and reports its end."""
        path = self.shop.directory / "open.json"
        for answer in (Unreachable("refused"), Unreachable("refused"), None):
            self.controller.answers["claim_next_group"] = [answer]
            self.service = JobWorkerService(
                self.shop.place,
                claim_seconds=1.0,
                shutdown_seconds=30.0,
                problems=OpenProblems(path, FakeThreads(), self.shop.reactor, "node"),
            )
            self.service.startService()
            self.stop()
        self.assertEqual(
            self.shop.evidence.types(),
            [
                "agent.recording_job.claim_next_failed",
                "agent.recording_job.claim_next_recovered",
            ],
        )

    def test_outage_without_a_slot(self) -> None:
        """Not to ask, because no slot is free, does not end an outage."""
        self.controller.answers["claim_next_group"] = [Unreachable("refused")]
        self.service.startService()
        self.shop.place.live.capacity = 0
        self.shop.reactor.pump([1.0] * 3)
        self.assertEqual(self.shop.evidence.types(), ["agent.recording_job.claim_next_failed"])
        self.stop()

    def test_undecodable(self) -> None:
        """A job that cannot be read fails alone, with the reason; its neighbour is recorded."""
        broken = UndecodableJob("job_9", "rec_9", "captureChannels is missing")
        self.queue = [attrs.evolve(group(1), undecodable=(broken,))]
        self.service.startService()
        self.assertEqual(
            self.controller.named("mark_failed"),
            [("mark_failed", "job_9", "captureChannels is missing")],
        )
        self.assertEqual(self.service.recording, 1)
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        self.stop()
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])


class StopTests(ServiceCase):
    """The way down."""

    def test_claim_under_way(self) -> None:
        """A job whose claim is answered during the stop is not forgotten: it fails, or more."""
        claim: Deferred[ClaimedGroup] = Deferred()
        self.controller.answers["claim_next_group"] = [claim]
        self.service.startService()
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        claim.callback(group(1, 2))
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.successResultOf(stopped)
        self.assertEqual(
            [call[1] for call in self.controller.named("mark_failed")], ["job_1", "job_2"]
        )
        self.assertEqual(self.shop.place.ledger.unfinished(), [])

    def test_delivers_what_runs(self) -> None:
        """A stop drains the capture, uploads it, and only then is done."""
        self.queue = [group(1, seconds=100)]
        self.service.startService()
        self.shop.record(3)
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        self.assertEqual(self.shop.reactor.last.signals, ["INT"])
        self.shop.reactor.last.exits(1)
        self.successResultOf(stopped)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 3.0, "job_1")])

    def test_bound(self) -> None:
        """An upload that does not end in time is left to the next agent, which ends it."""
        self.controller.answers["upload_cache_file"] = [Deferred()]
        self.queue = [group(1)]
        self.service.startService()
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        stopped = self.service.stopService()
        self.shop.reactor.pump([0.5] * 59)
        self.assertNoResult(stopped)
        self.shop.reactor.pump([0.5] * 2)
        self.successResultOf(stopped)
        (journal,) = self.shop.place.ledger.unfinished()
        self.assertIs(journal.remembered.stage, Stage.SENDING)
        self.controller.answers["upload_cache_file"] = [receipt]
        self.again()
        self.shop.reactor.pump([0.5] * 4)
        self.assertEqual(self.shop.place.ledger.unfinished(), [])
        self.assertEqual(len(self.shop.uploads()), 2)
        self.stop()

    def test_stubborn_program(self) -> None:
        """A capture program that ignores every signal does not keep the agent for ever."""
        self.queue = [group(1)]
        self.service.startService()
        self.shop.record(1)
        stopped = self.service.stopService()
        self.shop.reactor.pump([0.5] * 70)
        self.assertEqual(self.shop.reactor.last.signals, ["INT", "KILL"])
        self.successResultOf(stopped)


class LeaveTests(ServiceCase):
    """A stop that leaves captures running for the agent that comes next."""

    def setUp(self) -> None:
        super().setUp()
        self.service.way_down = "leave"

    def test_program_runs_on(self) -> None:
        """The capture program is not touched, and nothing is told to the controller."""
        self.queue = [group(1, seconds=8)]
        self.service.startService()
        self.shop.record(3)
        self.stop()
        self.shop.reactor.pump([1.0] * 10)
        self.assertEqual(self.shop.reactor.last.signals, [])
        self.assertEqual(self.controller.named("mark_failed"), [])
        self.assertEqual(self.shop.uploads(), [])
        (journal,) = self.shop.place.ledger.unfinished()
        self.assertIs(journal.remembered.stage, Stage.RECORDING)
        self.shop.crash()

    def test_busy(self) -> None:
        """Devices are needed while a capture runs, and whoever asks on the way down keeps away."""
        self.assertTrue(self.service.busy, "nobody knows yet what an earlier agent left")
        self.service.startService()
        self.assertFalse(self.service.busy)
        self.queue = [group(1, seconds=8)]
        self.shop.reactor.advance(1)
        self.shop.record(3)
        self.assertTrue(self.service.busy)
        self.stop()
        self.assertTrue(self.service.busy)
        self.shop.crash()

    def test_claim_under_way(self) -> None:
        """A job whose claim is answered during the stop is in a journal: the next agent has it."""
        claim: Deferred[ClaimedGroup] = Deferred()
        self.controller.answers["claim_next_group"] = [claim, None]
        self.service.startService()
        stopped = self.service.stopService()
        self.shop.reactor.advance(1)
        self.assertNoResult(stopped)
        claim.callback(group(1))
        self.successResultOf(stopped)
        self.assertEqual(self.controller.named("mark_failed"), [])
        self.shop.crash()
        self.again(1.0)
        self.shop.play(5)
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])
        self.stop()

    def test_claim_without_an_answer(self) -> None:
        """A claim that is not answered does not hold the stop up for long."""
        self.controller.answers["claim_next_group"] = [Deferred()]
        self.service.startService()
        stopped = self.service.stopService()
        self.shop.reactor.advance(1.9)
        self.assertNoResult(stopped)
        self.shop.reactor.advance(0.2)
        self.successResultOf(stopped)

    def test_upload_is_left(self) -> None:
        """An upload is cut short, and done by the next agent."""
        self.controller.answers["upload_cache_file"] = [Deferred(), receipt]
        self.queue = [group(1)]
        self.service.startService()
        self.shop.play(5)
        self.stop()
        self.again()
        self.shop.reactor.pump([0.5] * 4)
        self.assertEqual(self.shop.place.ledger.unfinished(), [])
        self.stop()


class JoinTests(ServiceCase):
    """Jobs for a device that is being captured."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = [group(1, seconds=8)]
        self.service.startService()
        self.controller.answers["peek_next"] = [lambda: self.offered]
        self.controller.answers["claim"] = [self.claimed]
        self.offered: Any = None

    def claimed(self, job_id: str) -> Any:
        """Give out what was offered, once."""
        job, self.offered = self.offered, None
        assert job.id == job_id
        return job

    def end(self) -> None:
        """Let everything come to its end."""
        self.shop.play(12)
        self.stop()

    def test_no_slot_is_needed(self) -> None:
        """On a full node a queued job for the device is claimed by its id, and joins."""
        self.shop.record(1)
        self.offered = make_job(2, duration_seconds=4)
        self.shop.record(1)
        self.assertEqual(self.controller.named("claim"), [("claim", "job_2")])
        self.assertEqual(self.service.recording, 1)
        self.end()
        self.assertEqual(len(self.shop.reactor.spawned), 1)
        self.assertEqual({upload[3] for upload in self.shop.uploads()}, {"job_1", "job_2"})

    def test_other_device(self) -> None:
        """A job for another device stays queued until a slot is free."""
        self.offered = make_job(2, capture_device="hw:1,0")
        self.shop.record(2)
        self.assertEqual(self.controller.named("claim"), [])
        self.offered = None
        self.end()

    def test_other_format(self) -> None:
        """A job that the capture cannot serve stays queued: it can be done afterwards."""
        self.offered = make_job(2, capture_format="S32_LE")
        self.shop.record(2)
        self.assertEqual(self.controller.named("claim"), [])
        self.offered = None
        self.end()

    def test_claim_lost(self) -> None:
        """Another node that was quicker is an outage like any other, and no harm."""
        self.controller.answers["claim"] = [Rejected(409, "", "job claim")]
        self.offered = make_job(2)
        self.shop.record(3)
        self.assertEqual(len(self.controller.named("claim")), 3)
        claims = [each for each in self.shop.evidence.types() if "claim_next" in each]
        self.assertEqual(claims, ["agent.recording_job.claim_next_failed"], "a look is no claim")
        self.offered = None
        self.end()
        self.assertEqual([upload[3] for upload in self.shop.uploads()], ["job_1"])

    def test_no_look_without_a_capture(self) -> None:
        """A node without a capture has nothing to join, and asks for whole groups only."""
        self.end()
        peeks = len(self.controller.named("peek_next"))
        self.again()
        self.shop.reactor.pump([1.0] * 4)
        self.assertEqual(len(self.controller.named("peek_next")), peeks)
        self.stop()


class NextJobTests(ServiceCase):
    """``--run-next-job``."""

    def test_nothing_queued(self) -> None:
        """With nothing queued, there is nothing to do."""
        done = Deferred.fromCoroutine(NextJob(self.shop.place).run())
        self.assertIsNone(self.successResultOf(done))

    def test_runs_it(self) -> None:
        """What is queued first is recorded and delivered, and nothing else is claimed."""
        self.queue = [group(1), group(2)]
        done = Deferred.fromCoroutine(NextJob(self.shop.place).run())
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        (result,) = self.successResultOf(done) or []
        self.assertIs(result.ending, Ending.DELIVERED)
        self.assertEqual(self.claims(), 1)

    def test_dismissed(self) -> None:
        """A signal ends the recording, and what there is is delivered."""
        self.queue = [group(1, seconds=100)]
        job = NextJob(self.shop.place)
        done = Deferred.fromCoroutine(job.run())
        self.shop.record(2)
        job.dismiss()
        self.shop.reactor.last.exits(1)
        (result,) = self.successResultOf(done) or []
        self.assertIs(result.ending, Ending.DELIVERED)
        self.assertEqual(self.shop.uploads()[0][2], 2.0)

    def test_undecodable(self) -> None:
        """A job that cannot be read is a failure of the run."""
        broken = UndecodableJob(None, None, "no id")
        self.queue = [ClaimedGroup((), (broken,))]
        (result,) = (
            self.successResultOf(Deferred.fromCoroutine(NextJob(self.shop.place).run())) or []
        )
        self.assertIs(result.ending, Ending.FAILED)
