"""Tests for ``rakkr.jobs.timely``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from rakkr.controller.errors import Unreachable
from rakkr.jobs.ending import Ending, Result
from rakkr.render.errors import RenderFailed
from rakkr.stamps import format_stamp
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job
from tests.jobs.shop import NOON, receipt


class SlowRenderTests(SessionCase):
    """A stop whose render takes longer than the controller waits: stopped at controller time 0."""

    def stopped(self, **command: Any) -> tuple[Deferred[list[Result]], Deferred[Any]]:
        """A job that was stopped after four seconds, and whose render does not end by itself."""
        rendering: Deferred[Any] = Deferred()
        answers = [rendering]
        self.shop.rendering = lambda: answers.pop(0) if answers else None
        done = self.begin(make_job(duration_seconds=600, **command))
        self.shop.record(4)
        self.tell(1, "stop_requested", stop_requested_at=format_stamp(NOON + 4.0))
        self.shop.record(2)
        self.shop.reactor.last.exits(1)
        return done, rendering

    def test_in_time(self) -> None:
        """A render that ends inside the window is all that is uploaded."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 34)
        self.assertEqual(self.shop.uploads(), [])
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.flac", 6.0, "job_1")])

    def test_secured(self) -> None:
        """Before the window closes the audio goes as WAV, and is replaced when it is encoded."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 38)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.wav", 6.0, "job_1")])
        self.tell(1, "completed")
        self.shop.reactor.pump([1.0] * 60)
        self.assertNoResult(done)
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.shop.uploads()[1], ("rec_1", "rec_1.flac", 6.0, "job_1"))
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_secured_and_restarted(self) -> None:
        """A receipt for the WAV is none for the file that was asked for."""
        done, rendering = self.stopped()
        self.controller.answers["upload_cache_file"] = [receipt, Unreachable("reset")]
        self.shop.reactor.pump([0.5] * 38)
        self.tell(1, "completed")
        rendering.callback(None)
        self.shop.reactor.pump([1.0] * 2)
        self.assertGreater(len(self.shop.uploads()), 1)
        self.leave(done)
        self.shop.rendering = lambda: None
        self.controller.answers["upload_cache_file"] = [receipt]
        crew = self.go_on(1.0)
        self.shop.reactor.pump([1.0] * 5)
        self.assertEqual(crew.works, [])
        self.assertEqual(self.shop.uploads()[-1][1], "rec_1.flac")
        self.assertEqual(self.shop.captures(), ["rec_1.flac", "rec_1.raw.wav"])

    def test_only_own_channels(self) -> None:
        """A member of a wide capture is secured with its own channels, and the file is cleared."""
        done, rendering = self.stopped(capture_channel_selection=(2,))
        self.shop.reactor.pump([0.5] * 38)
        self.assertEqual(self.shop.rendered[1][3].name, "rec_1.stopgap.wav")
        self.assertEqual(len(self.shop.uploads()), 1)
        self.assertNotIn("rec_1.stopgap.wav", self.shop.captures())
        rendering.callback(None)
        self.successResultOf(done)

    def test_render_fails_after_all(self) -> None:
        """A render that fails when the audio is secured leaves a delivered recording."""
        done, rendering = self.stopped()
        self.shop.reactor.pump([0.5] * 38)
        self.shop.rendering = lambda: RenderFailed("killed")
        rendering.callback(RenderFailed("killed"))
        self.shop.reactor.pump([1.0] * 20)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
        self.assertEqual(self.controller.named("mark_failed"), [])

    def test_stop_while_rendering(self) -> None:
        """A stop that comes while the whole recording is being rendered has the same window."""
        rendering: Deferred[Any] = Deferred()
        self.shop.rendering = lambda: rendering
        done = self.begin(make_job(duration_seconds=4))
        self.shop.record(4)
        self.shop.reactor.last.exits(0)
        self.shop.reactor.pump([1.0] * 30)
        self.assertEqual(self.shop.uploads(), [])
        self.tell(1, "stop_requested", stop_requested_at=format_stamp(NOON + 34.0))
        self.shop.reactor.pump([1.0] * 21)
        self.assertEqual(self.shop.uploads(), [("rec_1", "rec_1.wav", 4.0, "job_1")])
        rendering.callback(None)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_cancelled(self) -> None:
        """A session that is cut short ends its render too."""
        done, rendering = self.stopped()
        self.assertFalse(rendering.called)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertTrue(rendering.called)
