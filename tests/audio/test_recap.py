"""Tests for ``rakkr.audio.recap``, ``tally`` and ``seconds``: a recording, second by second."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.gauge import Gauge
from rakkr.audio.loudness import LoudnessMeter
from rakkr.audio.recap import Cut, Recap, recap
from rakkr.audio.seconds import SILENCE, UNKNOWN, Seconds, millibels, powers, row_type
from rakkr.audio.tally import Spoken, Tally

Floats = NDArray[np.float32]
RATE = 500
FILE = Path("a.raw.wav")


def record(samples: Floats, pieces: list[int], rate: int = RATE) -> Seconds:
    """Tally samples that come in pieces of these lengths, again and again."""
    seconds = Seconds(rate, samples.shape[1])
    feed(Tally(seconds), samples, pieces, rate)
    return seconds


def feed(tally: Tally, samples: Floats, pieces: list[int], rate: int = RATE) -> None:
    """Give samples to a tally."""
    gauge = Gauge(rate, samples.shape[1])
    at = turn = 0
    while at < len(samples):
        upto = at + min(pieces[turn % len(pieces)], tally.left)
        part = samples[at:upto]
        tally.add(part, gauge.measure(part), None)
        at, turn = upto, turn + 1


def cut(start: int, end: int, at: int = 0) -> Cut:
    """A cut of the file."""
    return Cut(FILE, start, end - start, at)


def noise(seconds: float, channels: int = 2, rate: int = RATE, level: float = 0.2) -> Floats:
    """Noise that is always the same."""
    shape = (round(seconds * rate), channels)
    return np.random.default_rng(1).uniform(-level, level, shape).astype(np.float32)


def decibels(power: Any) -> float:
    """A power as a level."""
    return float(10 * np.log10(power)) if power > 0 else -160.0


def off(found: float | None, expected: float | None) -> float:
    """How far a number is from where it should be."""
    assert found is not None
    assert expected is not None
    return abs(found - expected)


class PropertyTests(SynchronousTestCase):
    """What holds for any sound."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.sampled_from([0.0, 0.0004, 0.3, 1.0]), min_size=1, max_size=40),
        st.lists(st.integers(1, 700), min_size=1, max_size=4),
        st.integers(0, 2000),
        st.integers(0, 2000),
    )
    def test_equals_the_samples(
        self, levels: list[float], pieces: list[int], one: int, other: int
    ) -> None:
        """The numbers of a range are those of the samples of its seconds, however they came."""
        samples = noise(len(levels) / 10, level=1.0) * np.repeat(
            np.array(levels, np.float32), RATE // 10
        ).reshape(-1, 1)
        start, end = sorted(min(each, len(samples)) for each in (one, other))
        found = recap([(record(samples, pieces), cut(start, end))])
        first, last = -(-start // RATE) * RATE, end
        if end < len(samples):
            last = end // RATE * RATE
        inside = samples[first : max(first, last)]
        self.assertEqual(found.measured_seconds, len(inside) / RATE)
        self.assertEqual(len(found.channels), 2 if len(inside) else 0)
        for channel in found.channels:
            own = inside[:, channel.channel - 1].astype(np.float64)
            self.assertLessEqual(off(channel.peak_dbfs, decibels(np.max(own**2))), 0.006)
            self.assertLessEqual(off(channel.rms_dbfs, decibels(np.mean(own**2))), 0.006)
            clipped = np.count_nonzero(np.abs(own) >= np.float32(0.999))
            self.assertEqual(channel.clipped_seconds, clipped / RATE)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
    def test_parts_add_up(self, one: int, two: int, three: int) -> None:
        """A recording that is cut at whole seconds measures as the one that is not."""
        total = one + two + three
        seconds = record(noise(total + 1), [RATE])
        edges = [0, one * RATE, (one + two) * RATE, total * RATE]
        parts = [(seconds, cut(start, end, start)) for start, end in pairwise(edges)]
        whole, pieces = recap([(seconds, cut(0, total * RATE))]), recap(parts)
        self.assertEqual(pieces.measured_seconds, whole.measured_seconds)
        for ours, theirs in zip(pieces.channels, whole.channels, strict=True):
            self.assertEqual(ours.peak_dbfs, theirs.peak_dbfs)
            self.assertAlmostEqual(ours.rms_dbfs, theirs.rms_dbfs)

    @given(st.floats(1e-32, 4.0))
    def test_levels(self, power: float) -> None:
        """A level is kept within half a hundredth of a decibel."""
        kept = powers(millibels(np.array([power])))[0]
        self.assertLessEqual(abs(decibels(kept) - decibels(power)), 0.005001)

    def test_special_levels(self) -> None:
        """Silence and what is not known are told apart."""
        self.assertEqual(millibels(np.zeros(1))[0], SILENCE)
        self.assertEqual(powers(np.array([SILENCE], np.int16))[0], 0.0)
        self.assertTrue(np.isnan(powers(np.array([UNKNOWN], np.int16))[0]))


class RecapTests(SynchronousTestCase):
    """What is told of a recording."""

    def test_nothing(self) -> None:
        """Of no records, and of a range that was not measured, nothing is invented."""
        self.assertEqual(recap([]), Recap(0.0, ()))
        seconds = record(noise(2), [RATE])
        self.assertEqual(recap([(seconds, cut(5 * RATE, 9 * RATE))]), Recap(0.0, ()))

    def test_gap(self) -> None:
        """What a slow machine left out is not counted as measured, and is no silence."""
        seconds = Seconds(RATE, 2)
        tally = Tally(seconds)
        feed(tally, noise(2), [100])
        tally.gap(5 * RATE + 100)
        feed(tally, noise(2), [100])
        found = recap([(seconds, cut(0, 7 * RATE + 100))])
        self.assertEqual(found.measured_seconds, 4.0)
        self.assertEqual(found.channels[0].silent_seconds, 0.0)
        self.assertEqual(found.silent, ())

    def test_not_from_the_start(self) -> None:
        """A stream that an earlier agent began is known from where it was taken up."""
        seconds = Seconds(RATE, 1)
        tally = Tally(seconds)
        tally.gap(200_000 * RATE)
        feed(tally, noise(3, 1), [77])
        self.assertEqual(recap([(seconds, cut(0, 300_000 * RATE))]).measured_seconds, 3.0)

    def test_spots(self) -> None:
        """Stretches have their times in the recording, the worst first, channels together."""
        samples = noise(20)
        samples[3 * RATE : 5 * RATE] = 0.0
        samples[8 * RATE : 11 * RATE, 1] = 0.0
        samples[12 * RATE + 7, 0] = 1.0
        samples[15 * RATE : 15 * RATE + 9] = -1.0
        found = recap([(record(samples, [130]), cut(RATE, 20 * RATE, 10 * RATE))])
        spots = [(each.start_seconds, each.seconds, each.channels) for each in found.silent]
        self.assertEqual(spots, [(17.0, 3.0, (2,)), (12.0, 2.0, (1, 2))])
        clipped = [(each.start_seconds, each.samples, each.channels) for each in found.clipped]
        self.assertEqual(clipped, [(24.0, 18, (1, 2)), (21.0, 1, (1,))])
        self.assertEqual([each.silent_seconds for each in found.channels], [2.0, 5.0])
        self.assertEqual([len(each.clipped) for each in found.channels], [2, 1])

    def test_most_spots(self) -> None:
        """No more than ten stretches of a kind are told."""
        samples = noise(40)
        samples[:: 2 * RATE] = 1.0
        found = recap([(record(samples, [RATE]), cut(0, 40 * RATE))])
        self.assertEqual(len(found.clipped), 10)
        self.assertEqual([each.start_seconds for each in found.clipped][:3], [0.0, 2.0, 4.0])

    def test_other_shape(self) -> None:
        """A file of another width is left out, and not counted as measured."""
        parts = [
            (record(noise(2, 2), [RATE]), cut(0, 1000)),
            (record(noise(2, 3), [9]), cut(0, 1000)),
        ]
        self.assertEqual(recap(parts).measured_seconds, 2.0)

    def test_speech(self) -> None:
        """The share is of what was listened to; nothing is said where nobody listened."""
        seconds = Seconds(RATE, 2)
        tally, gauge = Tally(seconds), Gauge(RATE, 2)
        heard, spoken = np.zeros(2, np.int64), np.zeros(2, np.int64)
        for second in range(4):
            heard += [16, 0]
            spoken += [16 * (second > 2), 0]
            part = noise(1)
            tally.add(part, gauge.measure(part), Spoken(heard, spoken))
        one, two = recap([(seconds, cut(0, 4 * RATE))]).channels
        self.assertEqual((one.speech_share, one.speech_heard_seconds), (0.25, 64 * 0.032))
        self.assertEqual((two.speech_share, two.speech_heard_seconds), (None, 0.0))
        (later, _) = recap([(seconds, cut(3 * RATE, 4 * RATE))]).channels
        self.assertEqual(later.speech_share, 1.0)


class LoudnessTests(SynchronousTestCase):
    """The integrated loudness."""

    def test_sine(self) -> None:
        """A sine of -20 dBFS has -23 LUFS on its channel, and silence has none."""
        at = np.arange(48_000 * 4) / 48_000
        samples = np.zeros((len(at), 2), np.float32)
        samples[:, 0] = 0.1 * np.sin(2 * np.pi * 997 * at)
        one, two = recap([(record(samples, [4800], 48_000), cut(0, len(at)))]).channels
        self.assertLessEqual(off(one.loudness_lufs, -23.0), 0.1)
        self.assertIsNone(two.loudness_lufs)
        self.assertEqual((two.peak_dbfs, two.rms_dbfs), (-160.0, -160.0))

    def test_like_the_meter(self) -> None:
        """Sound that comes and goes is gated as by the meter that keeps every block."""
        rate = 8_000
        loud = np.repeat([0.3, 0.001, 0.1, 0.02, 0.3, 0.0], rate * 3)
        samples = noise(len(loud) / rate, 1, rate, 1.0) * loud.astype(np.float32)[:, None]
        meter = LoudnessMeter(rate, 1)
        meter.block(samples)
        expected = meter.readings()[0][0].integrated
        (one,) = recap([(record(samples, [500], rate), cut(0, len(loud)))]).channels
        self.assertLessEqual(off(one.loudness_lufs, expected), 0.15)

    def test_no_block_over_a_gap(self) -> None:
        """What lies on both sides of a gap makes no block, and a block must be whole."""
        rate = 8_000
        seconds = Seconds(rate, 1)
        tally = Tally(seconds)
        for _ in range(2):
            feed(tally, noise(0.2, 1, rate), [500], rate)
            tally.gap(rate)
        (one,) = recap([(seconds, cut(0, 2 * rate))]).channels
        self.assertIsNone(one.loudness_lufs)
        feed(tally, noise(0.6, 1, rate), [500], rate)
        (one,) = recap([(seconds, cut(0, 2 * rate))]).channels
        self.assertIsNotNone(one.loudness_lufs)

    def test_low_rate(self) -> None:
        """A rate that the filters cannot have gives no loudness, and no wrong one."""
        (one,) = recap([(record(noise(3, 1), [RATE]), cut(0, 3 * RATE))]).channels
        self.assertIsNone(one.loudness_lufs)


class SecondsTests(SynchronousTestCase):
    """The record itself."""

    def test_true_peak(self) -> None:
        """A wave that is highest between its samples has that as its true peak."""
        rate = 48_000
        turns = np.arange(2 * rate) / 4 + 1 / 8  # 12 kHz, met at 45 degrees
        wave = (0.5 * np.sin(2 * np.pi * turns)).astype(np.float32)[:, np.newaxis]
        wave[:rate] *= 0.5
        seconds = record(wave, [4800], rate)
        for last, level in ((rate, -12.04), (2 * rate, -6.02)):
            (one,) = recap([(seconds, cut(0, last))]).channels
            self.assertLess(abs(one.peak_dbfs - (level - 3.01)), 0.02)
            self.assertLess(abs(one.true_peak_dbtp - level), 0.3)

    def test_memory(self) -> None:
        """A day of 32 channels at 48 kHz takes less than 62 MB."""
        self.assertLess(86_400 * (32 * row_type(48_000).itemsize + 4), 62e6)
        one = Seconds(48_000, 32)
        one.put(0, 48_000, np.zeros(32, row_type(48_000)))
        self.assertLess(one.nbytes * 1440, 62e6)

    def test_bound(self) -> None:
        """A record that is full keeps what it has, and says of the rest that it is not known."""
        row = np.zeros(1, row_type(48_000))
        seconds = Seconds(48_000, 1, most_bytes=2 * 60 * row.itemsize)
        for second in range(300):
            seconds.put(second, 48_000, row)
        self.assertEqual(seconds.frames(0, 300).sum(), 120 * 48_000)

    def test_more_wins(self) -> None:
        """A second that is measured once more, but not as a whole, stays as it was."""
        seconds = Seconds(RATE, 1)
        row = np.zeros(1, row_type(RATE))
        row["clipped"] = 5
        seconds.put(3, RATE, row)
        seconds.put(3, 10, np.zeros(1, row_type(RATE)))
        self.assertEqual(seconds.column(0, 3, 4)["clipped"][0], 5)

    def test_across_chunks(self) -> None:
        """Rows come in their order, from however many chunks."""
        seconds = Seconds(RATE, 1)
        for second in range(55, 190):
            row = np.zeros(1, row_type(RATE))
            row["clipped"] = second
            seconds.put(second, RATE, row)
        found = seconds.column(0, 50, 185)["clipped"]
        self.assertEqual(found.tolist(), [0] * 5 + list(range(55, 185)))

    def test_high_rates(self) -> None:
        """A second of 192 kHz that is clipped from end to end is counted."""
        samples = np.ones((192_000, 1), np.float32)
        (one,) = recap([(record(samples, [19_200], 192_000), cut(0, 192_000))]).channels
        self.assertEqual(one.clipped_seconds, 1.0)
