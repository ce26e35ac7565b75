"""Tests for ``rakkr.meters.failures``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.meters.failures import SamplingFailures, Source, classify
from tests.meters.watching import judged

SOURCE = Source("alsa", "hw:CARD=XUSB,DEV=0", "S32_LE")
OTHER = Source("alsa", "default", "S16_LE")
BUSY = (
    "meter command exited with exit status: 1: arecord: audio open error: Device or resource BUSY"
)
ERRORS = {
    "overrun!!! (at least 12.3 ms long)": "xrun",
    "ALSA buffer underrun": "xrun",
    "Xrun": "xrun",
    "write: Broken pipe": "xrun",
    "broken pipe; no such device": "xrun",
    "No such device": "device_unavailable",
    "open: No such file or directory": "device_unavailable",
    "Unknown PCM hw:9": "device_unavailable",
    "Cannot find card '9'": "device_unavailable",
    BUSY: "device_unavailable",
    "read error: Input/output error": "device_unavailable",
    "Channels count non available": "capture_failed",
    "": "capture_failed",
}


class ClassTests(SynchronousTestCase):
    """Telling failures apart."""

    def test_classes(self) -> None:
        """An error is of the first class of the contract that it shows a sign of, in any case."""
        self.assertEqual({error: classify(error).name for error in ERRORS}, ERRORS)


class FailureTests(SynchronousTestCase):
    """Reporting them."""

    def setUp(self) -> None:
        self.failures = SamplingFailures("node_1")

    def test_details(self) -> None:
        """A failure names its class, the device and what was said, and claims no invented data."""
        (event,) = self.failures.failed(SOURCE, f"{BUSY}\n")
        self.assertEqual(
            (event.type, event.severity), ("agent.meter.device_unavailable", "critical")
        )
        self.assertEqual(
            event.details,
            {
                "backend": "alsa",
                "classification": "device_unavailable",
                "device": "hw:CARD=XUSB,DEV=0",
                "error": BUSY,
                "format": "S32_LE",
                "nodeId": "node_1",
                "usingSyntheticFallback": False,
            },
        )

    def test_recovery(self) -> None:
        """The first good sample ends any failure, once."""
        for error, kind in ERRORS.items():
            self.failures.failed(SOURCE, error)
            (event,) = self.failures.worked(SOURCE)
            self.assertEqual(
                (event.type, event.severity), ("agent.meter.capture_recovered", "info")
            )
            self.assertEqual(event.details["previousKind"], kind)
            self.assertEqual(event.details["previousType"], f"agent.meter.{kind}")
            self.assertEqual(self.failures.worked(SOURCE), [])

    def test_change_of_class(self) -> None:
        """Each change of class is one event; the recovery names every class that there was."""
        errors = ["x", "x again", BUSY, BUSY, "xrun", BUSY]
        told = [event.type for error in errors for event in self.failures.failed(SOURCE, error)]
        names = ("capture_failed", "device_unavailable", "xrun", "device_unavailable")
        self.assertEqual(told, [f"agent.meter.{name}" for name in names])
        (event,) = self.failures.worked(SOURCE)
        kinds = ["capture_failed", "xrun", "device_unavailable"]
        self.assertEqual(event.details["previousKinds"], kinds)
        self.assertEqual(event.details["previousKind"], "device_unavailable")

    def test_other_source(self) -> None:
        """A source that works says nothing about another; its format is no other source."""
        self.failures.failed(SOURCE, BUSY)
        self.assertEqual(self.failures.worked(OTHER), [])
        again = Source(SOURCE.backend, SOURCE.device, "S16_LE")
        self.assertEqual(self.failures.failed(again, BUSY), [])
        self.assertEqual(len(self.failures.worked(again)), 1)

    @given(st.lists(st.sampled_from([None, "x", "xrun", BUSY])))
    def test_in_turn(self, seen: list[str | None]) -> None:
        """Never twice the same class, and never a recovery without a failure."""
        failures = SamplingFailures("node_1")
        last = "agent.meter.capture_recovered"
        for error in seen:
            events = failures.worked(SOURCE) if error is None else failures.failed(SOURCE, error)
            for event in judged(events):
                self.assertNotEqual(event.type, last)
                last = event.type
            recovered = last == "agent.meter.capture_recovered"
            self.assertEqual(recovered, error is None)
