"""
Levels as they go over the wire: the golden vectors of the reference agent.

The generators of its voice-like fixture and of its hashed noise are not known; the amplitudes of
the two tones follow from their levels.  Its synthetic frames are not made from samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Decoder
from rakkr.audio.meter import Meter
from rakkr.audio.pcm import sample_format
from rakkr.meters.levels import levels_of

FRAMES = 4800


def wires_of(meter: Meter, *speech: float, clip_dbfs: float = -1.0) -> list[dict[str, Any]]:
    """Sum up, and say it as it is sent."""
    levels = levels_of(meter.frame(np.array(speech)), clip_dbfs, heard=True)
    return [each.rounded().as_wire() for each in levels]


def metered(*columns: np.ndarray) -> list[dict[str, Any]]:
    """Meter 16-bit samples of 48 kHz as one frame."""
    data = np.stack([np.trunc(each) for each in columns], axis=1).astype("<i2").tobytes()
    meter = Meter(48_000, len(columns))
    for block in Decoder(sample_format("S16_LE"), len(columns)).blocks(data):
        meter.block(block)
    return wires_of(meter, *(0.0 for _ in columns))


def sine(hertz: float, amplitude: float) -> np.ndarray:
    """A sine of a tenth of a second."""
    return np.sin(2 * np.pi * hertz * np.arange(FRAMES) / 48_000) * amplitude


def basics(wire: dict[str, Any]) -> tuple[float, ...]:
    """RMS, peak, zero crossing rate and crest factor."""
    quality = wire["quality"]
    levels = wire["rmsDbfs"], wire["peakDbfs"]
    return *levels, quality["zeroCrossingRate"], quality["crestFactorDb"]


def peer(wire: dict[str, Any]) -> dict[str, Any] | None:
    """What is said of the channel that is most alike."""
    found: dict[str, Any] | None = wire["quality"].get("channelCorrelation")
    return found


class GoldenTests(SynchronousTestCase):
    def test_hum(self) -> None:
        """A sine of 60 Hz."""
        (level,) = metered(sine(60, 12_000))
        self.assertEqual(basics(level), (-11.7, -8.7, 0.00, 3.01))

    def test_alternating(self) -> None:
        """Values that change their sign with every sample."""
        (level,) = metered(np.where(np.arange(FRAMES) % 2, -10_000, 10_000))
        self.assertEqual(basics(level), (-10.3, -10.3, 1.00, 0.00))

    def test_silence(self) -> None:
        """Silence is given as -160 dB, and everything else about it is 0."""
        (level,) = metered(np.zeros(FRAMES))
        self.assertEqual(basics(level), (-160, -160, 0, 0))
        self.assertEqual({key: value for key, value in level["quality"].items() if value}, {})
        self.assertIs(level["clipping"], False)

    def test_two_tones(self) -> None:
        """Two tones beside each other, which are not alike."""
        one, other = metered(sine(230, 11_000), sine(1370, 9000))
        self.assertEqual(basics(one), (-12.5, -9.5, 0.01, 3.01))
        self.assertEqual(basics(other), (-14.2, -11.2, 0.06, 3.01))
        self.assertEqual([peer(one), peer(other)], [None, None])

    def test_copy(self) -> None:
        """A short tone and its copy, with the same sign and the other one."""
        short = np.sin(np.arange(128) / 11) * 16_000
        for sign, phase in ((1, "same"), (-1, "inverted")):
            one, other = metered(short, sign * np.trunc(short))
            self.assertEqual(basics(one), (-9.1, -6.2, 0.02, 2.86))
            self.assertEqual(basics(other), (-9.1, -6.2, 0.02, 2.86))
            expected = {"peerChannelIndex": 2, "phase": phase, "score": float(sign)}
            self.assertEqual(peer(one), expected)

    def test_full_scale(self) -> None:
        """Three frames with the lowest sample that there is."""
        one, other = metered(np.array([0, 16_384, -32_768]), np.array([32_767, -16_384, 0]))
        self.assertEqual(basics(one), (-3.8, 0.0, 0.50, 3.80))
        self.assertTrue(one["clipping"])
        self.assertEqual(str(other["peakDbfs"]), "0.0")


class WireTests(SynchronousTestCase):
    def test_clipping(self) -> None:
        """A channel clips from the given level on, before its peak is rounded."""
        meter = Meter(48_000, 2)
        meter.block(np.array([[0.8912, 0.8914]], np.float32))  # -1.0006 and -0.9986 dB
        one, other = wires_of(meter, 0.0, 0.0)
        self.assertEqual([one["peakDbfs"], other["peakDbfs"]], [-1.0, -1.0])
        self.assertEqual([one["clipping"], other["clipping"]], [False, True])

    def test_speech(self) -> None:
        """The speech score is the one that was given, and from 0.55 on it is like speech."""
        meter = Meter(48_000, 3)
        meter.block(np.full((10, 3), 0.1, np.float32))
        qualities = [wire["quality"] for wire in wires_of(meter, 0.549, 0.55, 1.0)]
        self.assertEqual([each["speechScore"] for each in qualities], [0.55, 0.55, 1.0])
        self.assertEqual([each["speechLike"] for each in qualities], [False, True, True])
