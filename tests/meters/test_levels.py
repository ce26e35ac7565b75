"""Tests for ``rakkr.meters.levels``."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.meter import Meter
from rakkr.meters.frame import ChannelLevels, Correlation
from rakkr.meters.levels import levels_of

RATE = 8000


def levels(
    *channels: object, clip_dbfs: float = -1.0, speech: float | None = None
) -> list[ChannelLevels]:
    """Measure channels, each an array."""
    block = np.ascontiguousarray(np.stack(channels, axis=1), np.float32)  # type: ignore[arg-type]
    meter = Meter(RATE, len(channels), 10.0 ** (clip_dbfs / 20.0))
    meter.block(block)
    said = None if speech is None else np.full(len(channels), speech)
    return list(levels_of(meter.frame(said), clip_dbfs, heard=speech is not None))


def tone(level: float, hertz: float = 440.0, seconds: float = 2.0) -> np.ndarray:
    """A sine."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


class LevelsTests(SynchronousTestCase):
    def test_numbers(self) -> None:
        """Channels are counted from 1, and each has its own numbers."""
        first, second = levels(tone(0.5), tone(0.25, 1000.0) + 0.125)
        self.assertEqual([first.index, second.index], [1, 2])
        self.assertAlmostEqual(first.rms_dbfs, -9.03, 1)
        self.assertAlmostEqual(first.peak_dbfs, -6.02, 1)
        self.assertAlmostEqual(first.crest_factor_db, first.peak_dbfs - first.rms_dbfs, 6)
        self.assertAlmostEqual(first.zero_crossing_rate, 0.11, 2)
        self.assertAlmostEqual(first.dc, 0.0, 3)
        self.assertAlmostEqual(second.dc, 0.125, 3)
        self.assertIsNone(first.correlation)

    def test_clipping(self) -> None:
        """A peak at the limit clips, and one a hair below does not."""
        limit = 10.0 ** (-6.0 / 20.0)
        for level, clips in ((limit * 1.0001, True), (limit * 0.9999, False)):
            square = np.where(np.arange(RATE) % 2, -level, level)
            (found,) = levels(square, clip_dbfs=-6.0)
            self.assertEqual(found.clipping, clips)
            self.assertEqual(found.clipped_run > 0, clips)

    def test_runs(self) -> None:
        """Digital silence and a stuck sample are told in seconds."""
        quiet = tone(0.5)
        quiet[:RATE] = 0.0
        stuck = tone(0.5)
        stuck[-RATE:] = 0.25
        first, second = levels(quiet, stuck)
        self.assertAlmostEqual(first.zero_run_seconds, 1.0, 2)
        self.assertEqual(first.stuck_run_seconds, 0.0)
        self.assertAlmostEqual(second.stuck_run_seconds, 1.0, 2)

    def test_alike(self) -> None:
        """A channel that is another one turned over names it, by its number from 1."""
        found = levels(tone(0.5), tone(0.3, 1000.0), -tone(0.5))
        self.assertEqual(found[0].correlation, Correlation(3, -1.0))
        self.assertEqual(found[2].correlation, Correlation(1, -1.0))
        self.assertIsNone(found[1].correlation)

    def test_speech(self) -> None:
        """A channel counts as speech from a limit on, and only where somebody listened for it."""
        for said, like in ((0.9, True), (0.1, False), (None, False)):
            (found,) = levels(tone(0.5), speech=said)
            assert found.quality is not None
            self.assertEqual(found.quality.speech_like, like)

    def test_silence(self) -> None:
        """Silence has the lowest level there is, and no crest."""
        (found,) = levels(np.zeros(RATE))
        self.assertEqual((found.rms_dbfs, found.peak_dbfs), (-160.0, -160.0))
        self.assertEqual(found.crest_factor_db, 0.0)
