"""Tests for ``rakkr.modes``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.service import CacheSweepService
from rakkr.modes import _Shop
from rakkr.settings import Settings
from tests.fakes.controller import FakeController
from tests.fakes.processes import FakeReactor
from tests.fakes.world import fake_world


class Closable(FakeController):
    """A controller whose connections are closed once."""

    closed = 0

    async def close(self) -> None:
        """Count."""
        self.closed += 1


class ShopTests(SynchronousTestCase):
    """A workplace for one piece of work."""

    def test_defect_on_the_way_out(self) -> None:
        """Whatever breaks while it is closed, the log, the delivery and the connections end."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        settings = Settings(
            capture_dir=directory / "captures",
            agent_state_file=directory / "state.json",
            recorder_cache_manifest_file=directory / "manifest.json",
            agent_health_log_file=directory / "health.jsonl",
        )
        world = fake_world(FakeReactor(), {})
        controller = Closable()

        async def work() -> None:
            async with _Shop(settings, world):
                pass

        with (
            patch("rakkr.modes._controller", return_value=controller),
            patch.object(CacheSweepService, "tidy", side_effect=ZeroDivisionError("oops")),
        ):
            done = Deferred.fromCoroutine(work())
            world.reactor.pump([1.0] * 30)
        self.failureResultOf(done, ZeroDivisionError)
        self.assertEqual((world.reactor.getDelayedCalls(), controller.closed), ([], 1))
