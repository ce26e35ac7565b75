"""True peaks, by the signals of EBU Tech 3341."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.true_peak import SILENCE, TruePeak
from tests.audio.test_resampling import noise, pieces


def sine(period, degrees, peak):
    """Make a tone of so many samples a period, faded in and out, one second at 48 kHz."""
    wave = peak * np.sin(2.0 * np.pi * np.arange(48000) / period + np.radians(degrees))
    fade = np.minimum(1.0, np.arange(48000) / 480)
    return (wave * fade * fade[::-1])[:, None].astype(np.float32)


def peak_of(wave, rate=48000, sizes=(4800,)):
    """Measure the first channel."""
    meter = TruePeak(rate, wave.shape[1])
    for block in pieces(wave, list(sizes)):
        meter.block(block)
    return meter.peaks()[0]


class Tech3341Tests(SynchronousTestCase):
    """Each within +0.2 and -0.4 dB."""

    def check(self, wave, wanted):
        self.assertTrue(-0.4 <= peak_of(wave) - wanted <= 0.2, peak_of(wave))

    def test_case_15(self) -> None:
        """A quarter of the rate, sampled at its peaks."""
        self.check(sine(4, 0.0, 0.5), -6.0)

    def test_case_16(self) -> None:
        """A quarter of the rate, sampled as far from its peaks as can be."""
        wave = sine(4, 45.0, 0.5)
        self.assertLess(20 * np.log10(np.abs(wave).max()), -9.0)
        self.check(wave, -6.0)

    def test_case_17(self) -> None:
        """A sixth of the rate, beside its peaks."""
        self.check(sine(6, 60.0, 0.5), -6.0)

    def test_case_18(self) -> None:
        """An eighth of the rate, beside its peaks."""
        self.check(sine(8, 67.5, 0.5), -6.0)

    def test_case_19(self) -> None:
        """A peak above full scale, of which no sample is."""
        wave = sine(4, 45.0, 1.41)
        self.assertLessEqual(np.abs(wave).max(), 1.0)
        self.check(wave, 3.0)


class TruePeakTests(SynchronousTestCase):
    @given(
        st.integers(1, 4),
        st.lists(st.integers(1, 500), min_size=1, max_size=6),
        st.floats(0.0, 12.0),
        st.integers(0, 1 << 30),
    )
    def test_nothing_is_missed(
        self, channels: int, sizes: list[int], swing: float, seed: int
    ) -> None:
        """Runs that are passed over hide no peak: the result is that of looking everywhere."""
        wave = noise(1500, channels, seed)
        wave *= np.exp(-swing * np.abs(np.sin(np.arange(1500) / 211.0)))[:, None].astype(np.float32)
        meter = TruePeak(48000, channels)
        for block in pieces(wave, sizes):
            meter.block(block)
        meter.block(np.zeros((31, channels), np.float32))  # makes the last run whole
        whole = np.concatenate([wave, np.zeros((31, channels), np.float32)])
        for channel, found in enumerate(meter.peaks()):
            everywhere = everywhere_peak(whole[:, channel])
            self.assertApproximates(found, everywhere, 0.001)

    def test_wherever_it_lies(self) -> None:
        """A peak between two samples is found wherever these lie."""
        for place in range(400, 440):
            wave = np.zeros((1011, 1), np.float32)
            wave[place : place + 2] = 0.7
            self.assertApproximates(peak_of(wave), everywhere_peak(wave[:, 0]), 0.001)
            self.assertGreater(peak_of(wave), 20 * np.log10(0.7) + 1.0)

    def test_a_sample_counts_itself(self) -> None:
        """The true peak is never below the highest sample."""
        wave = noise(9000)
        wave[4000] = 1.0
        self.assertGreaterEqual(peak_of(wave), 0.0)

    def test_twice_at_96_khz(self) -> None:
        """At 96 kHz half as many points are looked at, with the same result for the same sound."""
        wave = sine(8, 67.5, 0.5)
        self.assertApproximates(peak_of(wave, 96000), -6.02, 0.3)
        self.assertLess(20 * np.log10(np.abs(wave).max()), -6.5)

    def test_once_at_192_khz(self) -> None:
        """At 192 kHz the samples lie close enough."""
        wave = noise(9600)
        expected = 20 * np.log10(np.abs(wave).max())
        self.assertApproximates(peak_of(wave, 192000), expected, 0.1)

    def test_silence(self) -> None:
        """Digital silence has the lowest peak that is said."""
        self.assertEqual(peak_of(np.zeros((4800, 1), np.float32)), SILENCE)

    def test_a_gap_and_a_restart(self) -> None:
        """A gap keeps the peak; a restart does not."""
        meter = TruePeak(48000, 1)
        meter.block(sine(4, 0.0, 0.5))
        meter.gap()
        self.assertApproximates(meter.peaks()[0], -6.02, 0.2)
        meter.restart()
        self.assertEqual(meter.peaks(), [SILENCE])
        meter.block(sine(4, 0.0, 0.25))
        self.assertApproximates(meter.peaks()[0], -12.04, 0.2)


PHASE_1 = [0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875]
PHASE_1 += [0.1373291015625, 0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125]
PHASE_1 += [0.014892578125, -0.00830078125]
PHASE_2 = [-0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625]
PHASE_2 += [0.465087890625, 0.77978515625, -0.2003173828125, 0.1015625, -0.0582275390625]
PHASE_2 += [0.0330810546875, -0.0189208984375]


def everywhere_peak(wave):
    """Interpolate everything, by the table of BS.1770, annex 2."""
    highest = np.abs(wave).max()
    for phase in (PHASE_1, PHASE_2, PHASE_2[::-1], PHASE_1[::-1]):
        points = np.convolve(wave.astype(np.float64), phase)[: len(wave)]
        highest = max(highest, np.abs(points).max())
    return 20 * np.log10(highest)
