"""Tests for ``rakkr.jobs.report_form``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import sample_format
from rakkr.audio.recap import ChannelRecap, Cut, Recap, Spot
from rakkr.jobs.report_form import MOST_EVENT_BYTES, cuts_of, event_of, report_of
from rakkr.jobs.timeline import Timeline

ACCOUNT: dict[str, Any] = {
    "capturedFrames": 96_000,
    "driftPpm": 1.25,
    "dropoutCount": 2,
    "dropoutMilliseconds": 3.5,
    "endFrame": 144_000,
    "gaps": [{"frames": 48_000, "reason": "the device went", "startFrame": 48_000}],
    "missingFrames": 0,
    "plannedFrames": 144_000,
    "rate": 48_000,
    "reason": "its window is over",
    "startFrame": 0,
}


def channel(number: int, **more: Any) -> ChannelRecap:
    """A channel with something of everything."""
    spots = tuple(Spot(10.0 * each, 1.0, 100 - each, (number,)) for each in range(10))
    one = ChannelRecap(
        channel=number,
        peak_dbfs=-3.014,
        true_peak_dbtp=-2.914,
        rms_dbfs=-20.006,
        loudness_lufs=-23.04,
        silent_seconds=10.0,
        clipped_seconds=0.02,
        speech_share=0.51234,
        speech_heard_seconds=30.5,
        clipped=spots,
        silent=tuple(attrs.evolve(each, samples=0) for each in spots),
    )
    return attrs.evolve(one, **more)


def report(channels: int, gaps: int = 1) -> dict[str, Any]:
    """A report of so many channels."""
    recap = Recap(1.9, tuple(channel(each + 1) for each in range(channels)))
    return report_of({**ACCOUNT, "gaps": ACCOUNT["gaps"] * gaps}, [], recap)


class ReportTests(SynchronousTestCase):
    """What the file has."""

    def test_account(self) -> None:
        """The report has the account's own numbers, and says how much was measured."""
        found = report(2)
        same = ("driftPpm", "dropoutCount", "dropoutMilliseconds", "gaps", "missingFrames")
        self.assertEqual([found[each] for each in same], [ACCOUNT[each] for each in same])
        self.assertEqual((found["frames"], found["seconds"]), (96_000, 2.0))
        self.assertEqual((found["gapCount"], found["measuredSeconds"]), (1, 1.9))

    def test_channel(self) -> None:
        """A channel's numbers are rounded, and its worst stretches are in the file."""
        one = report(1)["channels"][0]
        self.assertEqual((one["channel"], one["peakDbfs"], one["rmsDbfs"]), (1, -3.01, -20.01))
        self.assertEqual((one["loudnessLufs"], one["speechShare"]), (-23.0, 0.512))
        self.assertEqual(
            one["clipped"][1],
            {"channels": [1], "samples": 99, "seconds": 1.0, "startSeconds": 10.0},
        )
        self.assertEqual(len(one["silent"]), 10)
        self.assertNotIn("samples", one["silent"][0])

    def test_not_known(self) -> None:
        """What is not known is null, and never a number."""
        recap = Recap(2.0, (channel(1, loudness_lufs=None, speech_share=None),))
        (one,) = report_of(ACCOUNT, [], recap)["channels"]
        self.assertEqual((one["loudnessLufs"], one["speechShare"]), (None, None))
        nothing = report_of(ACCOUNT, [], Recap(0.0, ()))
        self.assertEqual((nothing["measuredSeconds"], nothing["channels"]), (0.0, []))

    def test_cuts(self) -> None:
        """A range of a take is mapped to frames of its files, and their places in it are told."""
        audio = [
            CapturedAudio(Path(name), 44, sample_format("S16_LE"), 48_000, 2, frames, wav=True)
            for name, frames in (("a", 100), ("b", 50), ("c", 10))
        ]
        timeline = Timeline()
        for number, (offset, each) in enumerate(zip((0, 120, 200), audio, strict=True), 1):
            timeline = timeline.with_segment(number, each, offset)
        self.assertEqual(
            cuts_of(timeline, 30, 150), [Cut(Path("a"), 30, 70, 0), Cut(Path("b"), 0, 30, 90)]
        )
        self.assertEqual(cuts_of(timeline, 100, 120), [])


class EventTests(SynchronousTestCase):
    """What the event has."""

    def test_few_channels(self) -> None:
        """All of a few channels is told, but for what only the file has."""
        found = event_of(report(8), "/captures/a.report.json")
        self.assertEqual([each["channel"] for each in found["channels"]], list(range(1, 9)))
        self.assertNotIn("clipped", found["channels"][0])
        self.assertNotIn("files", found)
        self.assertEqual(found["reportPath"], "/captures/a.report.json")

    def test_many_channels(self) -> None:
        """Of many channels there is a summary, and the way to the file with all of them."""
        found = event_of(report(128), "/captures/a.report.json")
        self.assertNotIn("channels", found)
        summary = found["channelSummary"]
        self.assertEqual((summary["count"], summary["clippedChannels"]), (128, 128))
        self.assertEqual(found["reportPath"], "/captures/a.report.json")
        self.assertEqual(found["measuredSeconds"], 1.9)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 512), st.integers(0, 400), st.integers(0, 4000))
    def test_small(self, channels: int, gaps: int, reason: int) -> None:
        """However much there is to tell, the event stays small and says where the rest is."""
        whole = {**report(channels, gaps), "reason": "x" * reason}
        found = event_of(whole, "/captures/a.report.json")
        self.assertLessEqual(len(json.dumps(found).encode()), MOST_EVENT_BYTES)
        for name in ("frames", "seconds", "gapCount", "measuredSeconds", "reportPath"):
            self.assertIn(name, found)
