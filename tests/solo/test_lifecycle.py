"""Tests of the rules by which jobs live."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.lifecycle import (
    LEASE_EXPIRED,
    LEASE_SECONDS,
    STOP_EXPIRED,
    STOP_REASON,
    STOP_WINDOW_SECONDS,
    TERMINAL,
    Job,
    alarm_for,
    claim,
    complete,
    end,
    expire,
    heartbeat,
    next_group,
    queue,
    recording_after_end,
    stop,
)

QUEUED = Job(id="job_1", node_id="n", recording_id="rec_1", status="queued", created_at=0.0)

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "heartbeat", "stop", "expire", "complete", "failed", "cancelled"]
        ),
        st.floats(0, 40),
    ),
    max_size=30,
)


def taken(job: Job, step: str, now: float) -> Job:
    """The job after a step, or as it was where the step is refused."""
    after = {
        "claim": lambda: claim(job, "n", now),
        "heartbeat": lambda: heartbeat(job, "n", now),
        "stop": lambda: stop(job, now),
        "expire": lambda: expire(job, now),
        "complete": lambda: complete(job, now),
        "failed": lambda: end(job, "failed", "why", now),
        "cancelled": lambda: end(job, "cancelled", None, now),
    }[step]()
    return after or job


def running(since: float = 0.0) -> Job:
    job = claim(QUEUED, "n", since)
    assert job is not None
    return job


class TransitionTests(SynchronousTestCase):
    @given(steps)
    def test_final(self, taking: list[tuple[str, float]]) -> None:
        """A job that has ended never changes again, whatever comes."""
        job, now = QUEUED, 0.0
        for step, seconds in taking:
            now += seconds
            after = taken(job, step, now)
            if job.status in TERMINAL:
                self.assertEqual(after, job)
            job = after

    @given(steps)
    def test_stopping_is_one_way(self, taking: list[tuple[str, float]]) -> None:
        """A job that was asked to stop is never queued or running again."""
        job, now, asked = QUEUED, 0.0, False
        for step, seconds in taking:
            now += seconds
            job = taken(job, step, now)
            asked = asked or job.status == "stop_requested"
            self.assertFalse(asked and job.status in {"queued", "running"})

    @given(st.lists(st.sampled_from(["n", "other"]), max_size=8))
    def test_one_claim_wins(self, claimants: list[str]) -> None:
        """Of any number of claims at most one succeeds, and only the node's own."""
        job, won = QUEUED, []
        for at, node in enumerate(claimants):
            after = claim(job, node, float(at))
            if after is not None:
                job = after
                won.append(node)
        self.assertEqual(won, ["n"] if "n" in claimants else [])

    @given(st.integers(0, 10**9), st.integers(0, 60_000))
    def test_lease(self, since: int, later_ms: int) -> None:
        """A lease lasts up to, and not including, the moment that it names."""
        after = expire(running(float(since)), since + later_ms / 1000)
        if later_ms / 1000 < LEASE_SECONDS:
            self.assertIsNone(after)
        else:
            assert after is not None
            self.assertEqual((after.status, after.failure_reason), ("failed", LEASE_EXPIRED))

    def test_lease_on_both_sides(self) -> None:
        """A millisecond before its end a lease holds, and at its end it does not."""
        self.assertIsNone(expire(running(), LEASE_SECONDS - 0.001))
        self.assertIsNotNone(expire(running(), LEASE_SECONDS))

    def test_heartbeat_renews(self) -> None:
        """A heartbeat gives 30 seconds from now on."""
        job = heartbeat(running(), "n", 29.0)
        assert job is not None
        self.assertEqual(job.lease_expires_at, 59.0)
        self.assertIsNone(expire(job, 58.999))

    def test_heartbeat_of_another(self) -> None:
        """Nobody renews the lease of another node."""
        self.assertIsNone(heartbeat(running(), "other", 1.0))

    def test_stop_window(self) -> None:
        """A stop leaves 30 seconds, counted from the stop and not from the lease."""
        job = stop(running(), 25.0)
        assert job is not None
        self.assertIsNone(expire(job, 25.0 + STOP_WINDOW_SECONDS - 0.001))
        after = expire(job, 25.0 + STOP_WINDOW_SECONDS)
        assert after is not None
        self.assertEqual((after.status, after.failure_reason), ("cancelled", STOP_EXPIRED))

    def test_queue_waits(self) -> None:
        """A queued job has no lease, and waits for ever."""
        self.assertIsNone(expire(QUEUED, 1e9))

    def test_upload_beats_the_window(self) -> None:
        """An upload completes a job that was asked to stop, and one that nobody claimed."""
        stopped = stop(QUEUED, 1.0)
        assert stopped is not None
        for job in (stopped, QUEUED, running()):
            done = complete(job, 2.0)
            assert done is not None
            self.assertEqual(done.status, "completed")

    def test_repeated_end(self) -> None:
        """Reporting the same end again changes nothing; another end is lost."""
        failed = end(running(), "failed", "first", 1.0)
        assert failed is not None
        self.assertIs(end(failed, "failed", "second", 2.0), failed)
        self.assertIsNone(end(failed, "cancelled", None, 2.0))

    def test_default_reasons(self) -> None:
        """An end without a reason gets one."""
        for ending, reason in (("failed", "agent_failed"), ("cancelled", "agent_cancelled")):
            ended = end(running(), ending, None, 1.0)  # type: ignore[arg-type]
            assert ended is not None
            self.assertEqual(ended.failure_reason, reason)


def waiting(sequence: int, created_at: float, **command: object) -> Job:
    return attrs.evolve(
        QUEUED, id=f"job_{sequence}", sequence=sequence, created_at=created_at, command=command
    )


class QueueTests(SynchronousTestCase):
    def names(self, jobs: list[Job]) -> list[str]:
        return [job.id for job in jobs]

    def test_oldest_first(self) -> None:
        """The oldest job is handed out first, then by track, then as they were made."""
        jobs = [
            waiting(1, 5.0),
            waiting(2, 1.0, trackGroupId="t", trackIndex=2),
            waiting(3, 1.0, trackGroupId="t", trackIndex=1),
            waiting(4, 5.0),
        ]
        self.assertEqual(self.names(queue(jobs, "n")), ["job_3", "job_2", "job_1", "job_4"])

    def test_group(self) -> None:
        """The head brings those that wait in its group, and no others."""
        jobs = [
            waiting(1, 1.0, captureGroupId="g"),
            waiting(2, 2.0, captureGroupId="h"),
            waiting(3, 3.0, captureGroupId="g"),
            attrs.evolve(waiting(4, 4.0, captureGroupId="g"), status="running"),
            attrs.evolve(waiting(5, 5.0, captureGroupId="g"), node_id="other"),
        ]
        self.assertEqual(self.names(next_group(jobs, "n")), ["job_1", "job_3"])

    def test_alone(self) -> None:
        """A job without a group comes alone, and an empty queue gives nothing."""
        self.assertEqual(self.names(next_group([waiting(1, 1.0), waiting(2, 2.0)], "n")), ["job_1"])
        self.assertEqual(next_group([], "n"), [])


class ConsequenceTests(SynchronousTestCase):
    def test_recording_after_failure(self) -> None:
        """A failed job fails its recording, unless some of it is secured."""
        self.assertEqual(recording_after_end("failed", "recording", []), "failed")
        self.assertEqual(recording_after_end("failed", "recording", ["capturing"]), "failed")
        self.assertEqual(recording_after_end("failed", "recording", ["cached"]), "partial")
        self.assertEqual(recording_after_end("failed", "cached", []), "cached")

    def test_recording_after_cancellation(self) -> None:
        """A cancelled job completes its recording, even one with chunks."""
        self.assertEqual(recording_after_end("cancelled", "recording", ["cached"]), "completed")
        self.assertEqual(recording_after_end("cancelled", "uploaded", []), "uploaded")

    def test_alarms(self) -> None:
        """A failure is critical, a cancellation a warning, and an operator's stop is neither."""
        failed, cancelled = alarm_for("failed", "x"), alarm_for("cancelled", STOP_EXPIRED)
        assert failed is not None
        assert cancelled is not None
        self.assertEqual((failed.severity, cancelled.severity), ("critical", "warning"))
        self.assertIsNone(alarm_for("cancelled", STOP_REASON))
