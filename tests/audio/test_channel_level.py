"""
Levels as they go over the wire: the golden vectors of the reference agent.

The generators of its voice-like fixture and of its hashed noise are not known; the amplitudes of
the two tones follow from their levels.  Its synthetic frames are not made from samples.
"""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Decoder
from rakkr.audio.channel_level import ChannelLevel, channel_levels
from rakkr.audio.correlation import Peer
from rakkr.audio.meter import Meter
from rakkr.audio.pcm import sample_format

FRAMES = 4800


def levels_of(*columns: np.ndarray) -> tuple[ChannelLevel, ...]:
    """Meter 16-bit samples of 48 kHz as one frame."""
    data = np.stack([np.trunc(each) for each in columns], axis=1).astype("<i2").tobytes()
    meter = Meter(48_000, len(columns))
    for block in Decoder(sample_format("S16_LE"), len(columns)).blocks(data):
        meter.block(block)
    return channel_levels(meter.frame(np.zeros(len(columns))), -1.0)


def sine(hertz: float, amplitude: float) -> np.ndarray:
    """A sine of a tenth of a second."""
    return np.sin(2 * np.pi * hertz * np.arange(FRAMES) / 48_000) * amplitude


def basics(level: ChannelLevel) -> tuple[float, ...]:
    """RMS, peak, zero crossing rate and crest factor."""
    return level.rms, level.peak, level.crossing_rate, level.crest


class GoldenTests(SynchronousTestCase):
    def test_hum(self) -> None:
        """A sine of 60 Hz."""
        (level,) = levels_of(sine(60, 12_000))
        self.assertEqual(basics(level), (-11.7, -8.7, 0.00, 3.01))

    def test_alternating(self) -> None:
        """Values that change their sign with every sample."""
        (level,) = levels_of(np.where(np.arange(FRAMES) % 2, -10_000, 10_000))
        self.assertEqual(basics(level), (-10.3, -10.3, 1.00, 0.00))

    def test_silence(self) -> None:
        """Silence is given as -160 dB, and everything else about it is 0."""
        (level,) = levels_of(np.zeros(FRAMES))
        self.assertEqual(basics(level), (-160, -160, 0, 0))
        wire = level.as_wire()
        self.assertEqual(
            {key: value for key, value in wire["quality"].items() if value},
            {},
        )
        self.assertIs(wire["clipping"], False)

    def test_two_tones(self) -> None:
        """Two tones beside each other, which are not alike."""
        one, other = levels_of(sine(230, 11_000), sine(1370, 9000))
        self.assertEqual(basics(one), (-12.5, -9.5, 0.01, 3.01))
        self.assertEqual(basics(other), (-14.2, -11.2, 0.06, 3.01))
        self.assertEqual([one.peer, other.peer], [None, None])

    def test_copy(self) -> None:
        """A short tone and its copy, with the same sign and the other one."""
        short = np.sin(np.arange(128) / 11) * 16_000
        for sign, peer in ((1, Peer(2, "same", 1.0)), (-1, Peer(2, "inverted", -1.0))):
            one, other = levels_of(short, sign * np.trunc(short))
            self.assertEqual(basics(one), (-9.1, -6.2, 0.02, 2.86))
            self.assertEqual(basics(other), (-9.1, -6.2, 0.02, 2.86))
            self.assertEqual(one.peer, peer)

    def test_full_scale(self) -> None:
        """Three frames with the lowest sample that there is."""
        one, other = levels_of(np.array([0, 16_384, -32_768]), np.array([32_767, -16_384, 0]))
        self.assertEqual(basics(one), (-3.8, 0.0, 0.50, 3.80))
        self.assertTrue(one.clipping)
        self.assertEqual(str(other.peak), "0.0")


class WireTests(SynchronousTestCase):
    def test_names(self) -> None:
        """The fields have the names of the contract; without a peer there is no correlation."""
        (level,) = levels_of(sine(60, 12_000))
        wire = level.as_wire()
        self.assertEqual(
            sorted(wire),
            ["channelIndex", "clipping", "label", "peakDbfs", "quality", "rmsDbfs"],
        )
        self.assertEqual((wire["channelIndex"], wire["label"]), (1, "Input 1"))
        self.assertEqual(
            sorted(wire["quality"]),
            [
                "broadbandNoiseScore",
                "crestFactorDb",
                "estimatedSnrDb",
                "humScore",
                "intelligibilityScore",
                "noiseScore",
                "speechLike",
                "speechScore",
                "staticScore",
                "zeroCrossingRate",
            ],
        )

    def test_correlation(self) -> None:
        """A peer is told by its number, its phase and its score."""
        one = sine(440, 3000)
        wire = levels_of(one, -np.trunc(one))[0].as_wire()
        self.assertEqual(
            wire["quality"]["channelCorrelation"],
            {"peerChannelIndex": 2, "phase": "inverted", "score": -1.0},
        )

    def test_clipping(self) -> None:
        """A channel clips from the given level on, before its peak is rounded."""
        meter = Meter(48_000, 2)
        meter.block(np.array([[0.8912, 0.8914]], np.float32))  # -1.0006 and -0.9986 dB
        one, other = channel_levels(meter.frame(np.zeros(2)), -1.0)
        self.assertEqual([one.peak, other.peak], [-1.0, -1.0])
        self.assertEqual([one.clipping, other.clipping], [False, True])

    def test_speech(self) -> None:
        """The speech score is the one that was given, and from 0.55 on it is like speech."""
        meter = Meter(48_000, 3)
        meter.block(np.full((10, 3), 0.1, np.float32))
        levels = channel_levels(meter.frame(np.array([0.549, 0.55, 1.0])), -1.0)
        self.assertEqual([each.speech for each in levels], [0.55, 0.55, 1.0])
        self.assertEqual([each.speech_like for each in levels], [False, True, True])
