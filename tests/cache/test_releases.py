"""Tests for ``rakkr.cache.releases``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.releases import Releases
from rakkr.controller.messages import CacheRetention, Receipt
from tests.fakes.evidence import Noted
from tests.jobs.making import make_job

RECEIPT = Receipt(checksum="sha256:00", size=4)
LET_GO = CacheRetention(policy_id="p1", delete_after_upload=True)
KEEP = CacheRetention(policy_id="p2", delete_after_upload=False, max_age_days=7)


class ReleaseTests(SynchronousTestCase):
    """Giving files up after their upload."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.noted = Noted()
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.releases = Releases(self.clock, self.noted, maybeDeferred)

    def run_at(self, seconds: float) -> None:
        """Let time pass, and delete."""
        self.clock.advance(seconds)
        self.successResultOf(Deferred.fromCoroutine(self.releases.run()))

    def file(self, name: str) -> Path:
        """A recording on the disk."""
        path = self.directory / name
        path.write_bytes(b"data")
        return path

    def release(self, policy: CacheRetention | None, *paths: Path) -> None:
        """Hand files over."""
        self.releases.add(make_job(), policy, RECEIPT, list(paths))

    def test_deletes_after_upload(self) -> None:
        """Files that a policy lets go are deleted, and an event says which."""
        paths = [self.file("a.flac"), self.file("a.raw.wav")]
        self.release(LET_GO, *paths)
        self.assertEqual(self.releases.paths, set(paths))
        self.run_at(0)
        self.assertEqual(list(self.directory.iterdir()), [])
        details = self.noted.details("agent.recording_job.recorder_cache_deleted")
        self.assertEqual(details["deletedPaths"], [str(path) for path in paths])
        self.assertEqual((details["policyId"], details["jobId"]), ("p1", "job_1"))
        self.assertEqual(self.releases.paths, set())

    def test_keeps_everything_else(self) -> None:
        """Without a policy that says so, nothing is deleted and nothing is claimed to be."""
        path = self.file("a.flac")
        for policy in (None, KEEP):
            self.release(policy, path)
        self.run_at(0)
        self.assertTrue(path.exists())
        self.assertEqual(self.noted.events, [])

    def test_gone_already(self) -> None:
        """A file that somebody else deleted counts as deleted."""
        self.release(LET_GO, self.directory / "gone")
        self.run_at(0)
        self.assertEqual(self.noted.types(), ["agent.recording_job.recorder_cache_deleted"])

    def test_failure_is_reported_once_and_tried_again(self) -> None:
        """A file that cannot be deleted is one warning, holds nobody up, and goes later."""
        stuck = self.directory / "stuck"
        stuck.mkdir()
        other = self.file("other")
        self.release(LET_GO, stuck, other)
        for _ in range(3):
            self.run_at(60)
        self.assertFalse(other.exists())
        self.assertEqual(self.noted.types(), ["agent.recording_job.recorder_cache_delete_failed"])
        details: Any = self.noted.events[0][2]
        self.assertEqual(len(details["errors"]), 1)
        self.assertIn(str(stuck), details["errors"][0])
        self.release(LET_GO, self.file("third"))
        self.run_at(0)
        self.assertEqual(len(self.noted.events), 2)
        stuck.rmdir()
        self.run_at(3600)
        self.assertEqual(len(self.noted.events), 3)
        self.assertEqual(self.releases.paths, set())

    def test_replaced_meanwhile(self) -> None:
        """A file that somebody put in the place of one that could not be deleted stays."""
        stuck = self.directory / "stuck"
        stuck.mkdir()
        self.release(LET_GO, stuck)
        self.run_at(0)
        stuck.rmdir()
        self.file("stuck")
        self.run_at(3600)
        self.assertTrue(stuck.exists())
        self.assertEqual(self.releases.paths, set())

    def test_pauses_grow(self) -> None:
        """It is tried after one minute, then after two more, and not a second before."""
        tries: list[float] = []

        def count(function: Any, *args: Any) -> Deferred[Any]:
            tries.append(self.clock.seconds())
            return maybeDeferred(function, *args)

        self.releases = Releases(self.clock, self.noted, count)
        (self.directory / "stuck").mkdir()
        self.release(LET_GO, self.directory / "stuck")
        for _ in range(200):
            self.run_at(1)
        self.assertEqual(tries, [1.0, 61.0, 181.0])
