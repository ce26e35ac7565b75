"""Loudness, by the signals of EBU Tech 3341."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.loudness import SILENCE, LoudnessMeter
from tests.audio.test_resampling import noise, pieces

SURROUND = (1.0, 1.0, 1.0, 1.41, 1.41)


def sine(rate, parts, channels=2):
    """Make 1 kHz of (peak in dBFS of all channels or of each, seconds), one after another."""
    levels = np.concatenate(
        [
            np.tile(np.power(10.0, np.broadcast_to(peak, channels) / 20.0), (round(rate * s), 1))
            for peak, s in parts
        ]
    )
    phase = 2.0 * np.pi * 1000.0 * np.arange(len(levels)) / rate
    return (levels * np.sin(phase)[:, None]).astype(np.float32)


def measured(wave, rate, weights=None, block=4800):
    """Hear it all."""
    meter = LoudnessMeter(rate, wave.shape[1], weights)
    for part in pieces(wave, [block]):
        meter.block(part)
    return meter


def sizes_of(meter):
    """Count what a meter keeps, in bytes."""
    return sum(each.nbytes for each in vars(meter).values() if isinstance(each, np.ndarray))


class Tech3341Tests(SynchronousTestCase):
    """The minimum requirements: each within 0.1 LU, and at other rates than the table's too."""

    rates = (48000, 44100)

    def integrated(self, parts, wanted):
        for rate in self.rates:
            _, whole = measured(sine(rate, parts), rate).readings()
            self.assertApproximates(whole.integrated, wanted, 0.1)
        return whole

    def test_case_1(self) -> None:
        """A stereo sine of -23 dBFS has -23 LUFS by all three scales."""
        whole = self.integrated([(-23.0, 20.0)], -23.0)
        self.assertApproximates(whole.momentary, -23.0, 0.1)
        self.assertApproximates(whole.short_term, -23.0, 0.1)

    def test_case_2(self) -> None:
        """One that is 10 dB softer has 10 LU less."""
        whole = self.integrated([(-33.0, 20.0)], -33.0)
        self.assertApproximates(whole.momentary, -33.0, 0.1)
        self.assertApproximates(whole.short_term, -33.0, 0.1)

    def test_case_3(self) -> None:
        """What is softer by more than 10 LU does not count."""
        self.integrated([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0)

    def test_case_4(self) -> None:
        """What is below -70 LUFS does not even count for the second gate."""
        soft = [(-72.0, 10.0), (-36.0, 10.0)]
        self.integrated([*soft, (-23.0, 60.0), *soft[::-1]], -23.0)

    def test_case_5(self) -> None:
        """Louder and softer parts count by their energy."""
        self.integrated([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0)

    def test_case_6(self) -> None:
        """Surround channels count 1.5 dB more."""
        peaks = np.array([-28.0, -28.0, -24.0, -30.0, -30.0])
        for rate in self.rates:
            wave = sine(rate, [(peaks, 20.0)], 5)
            _, whole = measured(wave, rate, SURROUND).readings()
            self.assertApproximates(whole.integrated, -23.0, 0.1)

    def test_case_9(self) -> None:
        """A pattern of 3 s has one short-term loudness wherever one looks."""
        for rate in self.rates:
            wave = sine(rate, [(-20.0, 1.34), (-30.0, 1.66)] * 5)
            meter = LoudnessMeter(rate, 2)
            for number, block in enumerate(pieces(wave, [rate // 10])):
                meter.block(block)
                if number >= 30:
                    self.assertApproximates(meter.readings()[1].short_term, -23.0, 0.1)

    def test_case_12(self) -> None:
        """A pattern of 0.4 s has one momentary loudness wherever one looks."""
        for rate in self.rates:
            wave = sine(rate, [(-20.0, 0.18), (-30.0, 0.22)] * 25)
            meter = LoudnessMeter(rate, 2)
            for number, block in enumerate(pieces(wave, [rate // 10])):
                meter.block(block)
                if number >= 10:
                    self.assertApproximates(meter.readings()[1].momentary, -23.0, 0.1)


class LoudnessMeterTests(SynchronousTestCase):
    def test_each_channel_alone(self) -> None:
        """A channel alone has 3 LU less than a pair of it, and is not moved by its neighbours."""
        peaks = np.array([-20.0, -30.0, -40.0])
        channels, _ = measured(sine(48000, [(peaks, 4.0)], 3), 48000).readings()
        for found, peak in zip(channels, peaks, strict=True):
            self.assertApproximates(found.integrated, peak - 3.01, 0.1)
            self.assertApproximates(found.momentary, peak - 3.01, 0.1)

    def test_a_mix_is_heard_from_both_sides(self) -> None:
        """The whole of one channel is its pair; of three, the pair of their mean."""
        _, whole = measured(sine(48000, [(-23.0, 4.0)], 1), 48000).readings()
        self.assertApproximates(whole.integrated, -23.0, 0.1)
        one_of_three = np.array([-23.0, -200.0, -200.0])
        _, whole = measured(sine(48000, [(one_of_three, 4.0)], 3), 48000).readings()
        self.assertApproximates(whole.integrated, -23.0 - 20 * np.log10(3), 0.1)

    def test_too_short(self) -> None:
        """A reading is missing, not wrong, until its time has passed."""
        meter = measured(sine(48000, [(-23.0, 0.39)]), 48000)
        self.assertIsNone(meter.readings()[1].momentary)
        meter.block(sine(48000, [(-23.0, 0.01)]))
        found = meter.readings()[1]
        self.assertIsNotNone(found.momentary)
        self.assertIsNotNone(found.integrated)
        self.assertIsNone(found.short_term)
        meter.block(sine(48000, [(-23.0, 2.6)]))
        self.assertIsNotNone(meter.readings()[1].short_term)

    def test_the_absolute_gate(self) -> None:
        """What never passes -70 LUFS has no integrated loudness; what does has one."""
        _, whole = measured(sine(48000, [(-71.0, 2.0)]), 48000).readings()
        self.assertIsNone(whole.integrated)
        self.assertApproximates(whole.momentary, -71.0, 0.1)
        _, whole = measured(sine(48000, [(-69.0, 2.0)]), 48000).readings()
        self.assertApproximates(whole.integrated, -69.0, 0.1)

    def test_steps_stay_in_time(self) -> None:
        """A rate of which a tenth is not whole makes no reading late, however long it lasts."""
        wave = sine(11025, [(-200.0, 100.0), (-23.0, 0.4)])
        _, whole = measured(wave, 11025).readings()
        self.assertApproximates(whole.momentary, -23.0, 0.1)

    def test_silence(self) -> None:
        """Digital silence has the least loudness, and no integrated one."""
        channels, whole = measured(np.zeros((48000 * 4, 2), np.float32), 48000).readings()
        for found in (*channels, whole):
            self.assertEqual((found.momentary, found.short_term), (SILENCE, SILENCE))
            self.assertIsNone(found.integrated)

    @settings(max_examples=20)
    @given(st.sampled_from([11025, 48000]), st.lists(st.integers(1, 9000), min_size=1, max_size=5))
    def test_blocks_of_any_size(self, rate: int, sizes: list[int]) -> None:
        """However a stream is cut, its loudness is the same."""
        wave = noise(rate, 2) * np.float32(0.1)
        meter = LoudnessMeter(rate, 2)
        for block in pieces(wave, sizes):
            meter.block(block)
        channels, whole = meter.readings()
        expected = measured(wave, rate).readings()
        for found, other in zip((*channels, whole), (*expected[0], expected[1]), strict=True):
            self.assertApproximates(found.momentary, other.momentary, 0.001)
            self.assertApproximates(found.integrated, other.integrated, 0.001)

    def test_the_loudest(self) -> None:
        """The highest readings are kept when it gets softer."""
        wave = sine(48000, [(-40.0, 3.0), (-23.0, 3.0), (-50.0, 4.0)])
        _, whole = measured(wave, 48000).readings()
        self.assertApproximates(whole.loudest_momentary, -23.0, 0.1)
        self.assertApproximates(whole.loudest_short_term, -23.0, 0.1)
        self.assertLess(whole.momentary, -49.0)

    def test_after_a_gap(self) -> None:
        """A gap keeps what was measured, and no reading reaches across it."""
        meter = measured(sine(48000, [(-23.0, 4.0)]), 48000)
        meter.gap()
        found = meter.readings()[1]
        self.assertIsNone(found.momentary)
        self.assertApproximates(found.integrated, -23.0, 0.1)
        meter.block(sine(48000, [(-33.0, 0.4)]))
        self.assertApproximates(meter.readings()[1].momentary, -33.0, 0.2)

    def test_restarted(self) -> None:
        """A new measurement knows nothing of the last one."""
        meter = measured(sine(48000, [(-10.0, 4.0)]), 48000)
        meter.restart()
        meter.block(sine(48000, [(-33.0, 4.0)]))
        found = meter.readings()[1]
        self.assertApproximates(found.integrated, -33.0, 0.1)
        self.assertApproximates(found.loudest_momentary, -33.0, 0.2)

    def test_a_long_day(self) -> None:
        """An hour takes no more memory than a second, and its mean is still exact."""
        meter = measured(sine(8000, [(-23.0, 1.0)]), 8000)
        before = sizes_of(meter)
        minute = sine(8000, [(-23.0, 30.0), (-29.0, 30.0)])
        for _ in range(60):
            meter.block(minute)
        self.assertEqual(sizes_of(meter), before)
        expected = 10 * np.log10((10**-2.3 + 10**-2.9) / 2)
        self.assertApproximates(meter.readings()[1].integrated, expected, 0.1)
