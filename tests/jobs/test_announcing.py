"""Tests for ``rakkr.jobs.announcing``."""

from __future__ import annotations

from rakkr.controller.commands import (
    ChannelMap,
    ChannelMapEntry,
    Denoise,
    Enhancement,
)
from rakkr.jobs.ending import Ending
from tests.jobs.case import SessionCase
from tests.jobs.making import make_job


class AnnouncingTests(SessionCase):
    """What a job is told of before its first sample."""

    def test_plain(self) -> None:
        """A job that asks for nothing special is told nothing."""
        done = self.begin(make_job(duration_seconds=1, enhancement=Enhancement(keep_raw=True)))
        self.assertEqual(self.told_types(), [])
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_enhancement(self) -> None:
        """What this agent cannot do is said, and the plain recording is delivered."""
        wished = Enhancement(denoise=Denoise(enabled=True))
        done = self.begin(make_job(duration_seconds=1, enhancement=wished))
        self.assertIn("plain recording", self.told_of("enhancement_failed")["error"])
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])

    def test_channel_map(self) -> None:
        """The map that is applied is told, with what was set up for the device."""
        mapped = ChannelMap(channel_mode="mono", entries=(ChannelMapEntry(source_channel_index=2),))
        done = self.begin(make_job(duration_seconds=1, channel_map=mapped))
        applied = self.told_of("channel_map_applied")
        self.assertEqual((applied["channelMode"], applied["entryCount"]), ("mono", 1))
        self.assertEqual(applied["configuredCaptureChannels"], 2)
        self.shop.play(3)
        self.assertEqual(self.endings(done), [Ending.DELIVERED])
