"""Tests for ``rakkr.jobs.take_events``: the edges of a loss, not every try."""

from __future__ import annotations

from tests.jobs.making import make_job
from tests.jobs.test_take import GONE, TakeCase


class EdgeTests(TakeCase):
    """One device, lost for a while."""

    def lose(self, seconds: float) -> None:
        """Let every try of so many seconds fail."""
        for _ in range(round(seconds * 4)):
            if self.shop.reactor.last.pid is not None:
                self.dies()
            self.quiet(0.25)

    def test_one_loss_one_event(self) -> None:
        """However often the device is tried, its loss is one warning and its return one note."""
        done = self.begin(make_job(duration_seconds=60))
        self.shop.record(4)
        self.lose(20)
        self.assertGreater(len(self.shop.reactor.spawned), 3)
        self.shop.play(45)
        self.successResultOf(done)
        ((severity, lost),) = self.every("capture_device_lost")
        self.assertEqual(severity, "warning")
        self.assertIn("No such device", lost["error"])
        self.assertTrue(lost["willRetry"])
        self.assertTrue(lost["segmentPath"].endswith("rec_1.raw.wav"))
        ((severity, back),) = self.every("capture_runtime_restarted")
        self.assertEqual(severity, "info")
        self.assertApproximates(back["secondsWithout"], 20.0, 8.0)
        self.assertGreater(back["attempt"], 3)

    def test_long_loss(self) -> None:
        """A loss that lasts half a minute is critical, once; before that it is not."""
        done = self.begin(make_job(duration_seconds=120))
        self.shop.record(4)
        self.lose(29)
        self.assertEqual(
            [severity for severity, _ in self.every("capture_device_lost")], ["warning"]
        )
        self.lose(60)
        events = self.every("capture_device_lost")
        self.assertEqual([severity for severity, _ in events], ["warning", "critical"])
        self.assertGreaterEqual(events[1][1]["secondsWithout"], 30)
        self.shop.play(40)
        self.successResultOf(done)
        self.assertEqual(len(self.every("capture_runtime_restarted")), 1)

    def test_second_loss_is_news(self) -> None:
        """After the device has worked again, a new loss is told of like the first."""
        done = self.begin(make_job(duration_seconds=10))
        for _ in range(2):
            self.shop.play(2)
            self.lose(1)
        self.shop.play(8)
        self.successResultOf(done)
        self.assertEqual(len(self.every("capture_device_lost")), 2)
        self.assertEqual(len(self.every("capture_runtime_restarted")), 2)

    def test_every_member_is_told(self) -> None:
        """Each job of the capture has the loss among its own events."""
        done = self.begin(make_job(1), make_job(2))
        self.shop.record(4)
        self.dies(GONE)
        self.quiet(1)
        self.shop.play(8)
        self.successResultOf(done)
        lost = self.every("capture_device_lost")
        self.assertEqual([each["jobId"] for _, each in lost], ["job_1", "job_2"])
