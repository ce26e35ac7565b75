"""Tests for ``rakkr.cache.service``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.service import CacheSweepService
from rakkr.controller.messages import CacheRetention, Receipt
from rakkr.jobs.workplace import Shelf
from tests.fakes.evidence import Noted
from tests.jobs.making import make_job

_check: type[Shelf] = CacheSweepService
RECEIPT = Receipt(checksum="sha256:00", size=4)
LET_GO = CacheRetention(policy_id="p1", delete_after_upload=True)
KEEP = CacheRetention(policy_id="p2", delete_after_upload=False, max_age_days=7)


class SweepTests(SynchronousTestCase):
    """Giving disk space back."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.noted = Noted()
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.service = CacheSweepService(self.clock, self.noted, maybeDeferred)
        self.service.startService()

    def tearDown(self) -> None:
        if self.service.running:
            self.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def stop(self) -> None:
        """Stop the service, which must be done at once."""
        self.successResultOf(self.service.stopService())

    def file(self, name: str) -> Path:
        """A recording on the disk."""
        path = self.directory / name
        path.write_bytes(b"data")
        return path

    def release(self, policy: CacheRetention | None, *paths: Path) -> None:
        """Hand files over."""
        self.service.release(make_job(), policy, RECEIPT, list(paths))

    def test_deletes_after_upload(self) -> None:
        """Files that a policy lets go are deleted, and an event says which."""
        paths = [self.file("a.flac"), self.file("a.raw.wav")]
        self.release(LET_GO, *paths)
        self.clock.advance(60)
        self.assertEqual(list(self.directory.iterdir()), [])
        details = self.noted.details("agent.recording_job.recorder_cache_deleted")
        self.assertEqual(details["deletedPaths"], [str(path) for path in paths])
        self.assertEqual(details["policyId"], "p1")

    def test_keeps_everything_else(self) -> None:
        """Without a policy that says so, nothing is deleted and nothing is claimed to be."""
        path = self.file("a.flac")
        for policy in (None, KEEP):
            self.release(policy, path)
        self.clock.pump([60.0] * 3)
        self.stop()
        self.assertTrue(path.exists())
        self.assertEqual(self.noted.events, [])

    def test_gone_already(self) -> None:
        """A file that somebody else deleted counts as deleted."""
        self.release(LET_GO, self.directory / "gone")
        self.clock.advance(60)
        self.assertEqual(self.noted.types(), ["agent.recording_job.recorder_cache_deleted"])

    def test_failure_is_reported_once_and_tried_again(self) -> None:
        """A file that cannot be deleted is one warning, and goes later."""
        stuck = self.directory / "stuck"
        stuck.mkdir()
        other = self.file("other")
        self.release(LET_GO, stuck, other)
        self.clock.pump([60.0] * 3)
        self.assertFalse(other.exists())
        self.assertEqual(self.noted.types(), ["agent.recording_job.recorder_cache_delete_failed"])
        details: Any = self.noted.events[0][2]
        self.assertEqual(len(details["errors"]), 1)
        self.assertIn(str(stuck), details["errors"][0])
        stuck.rmdir()
        self.clock.advance(60)
        self.assertEqual(len(self.noted.events), 2)

    def test_last_moment(self) -> None:
        """What was released just before the end is still deleted: nobody remembers it later."""
        path = self.file("a.flac")
        self.release(LET_GO, path)
        self.stop()
        self.assertFalse(path.exists())
