"""Chunks for live listening."""

from __future__ import annotations

import io
import wave

import numpy as np
import soxr
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.monitor import CannotListen, Monitor
from tests.audio.test_resampling import RATES, noise, pieces

MOST_BYTES = 512 * 1024


def samples_of(chunk):
    """Read the samples of a chunk, as any player does."""
    with wave.open(io.BytesIO(chunk.wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.getnframes() == chunk.samples
        return np.frombuffer(file.readframes(chunk.samples), "<i2")


def heard(chunks):
    """Join chunks."""
    return np.concatenate([samples_of(chunk) for chunk in chunks])


def expected(mixed, rate):
    """Do by other means what the chunks should hold together."""
    resampled = soxr.resample(mixed.astype(np.float32), rate, 16000)
    return np.clip(np.round(resampled.astype(np.float64) * 32768), -32768, 32767)


class MonitorTests(SynchronousTestCase):
    @given(
        st.sampled_from(RATES),
        st.lists(st.integers(1, 5000), min_size=1, max_size=4),
        st.sampled_from([0.001, 0.0123, 0.1, 2.0]),
        st.integers(0, 1 << 40),
    )
    def test_no_seam(self, rate: int, sizes: list[int], seconds: float, first: int) -> None:
        """Chunks, joined, are the whole stream resampled at once, and each says where it begins."""
        sound = noise(rate // 4) * 0.9
        monitor = Monitor(rate, 1, seconds, first_frame=first)
        chunks = [chunk for block in pieces(sound, sizes) for chunk in monitor.block(block)]
        self.assertEqual({chunk.samples for chunk in chunks} - {monitor.chunk_samples}, set())
        chunks += monitor.gap(0)
        np.testing.assert_array_equal(heard(chunks), expected(sound[:, 0], rate))
        passed = 0
        for chunk in chunks:
            self.assertApproximates(chunk.first_frame, first + passed * rate / 16000, 0.001)
            passed += chunk.samples

    def test_the_mean_of_all(self) -> None:
        """What is heard is the mean of all channels."""
        sound = noise(16000, 32)
        monitor = Monitor(16000, 32, 1.0)
        mixed = sound.astype(np.float64).mean(axis=1)
        difference = heard(monitor.block(sound)) - np.round(mixed * 32768)
        self.assertLessEqual(np.abs(difference).max(), 1)

    def test_the_mean_of_some(self) -> None:
        """Channels that were not chosen are not heard; to name one twice changes nothing."""
        sound = noise(16000, 4)
        monitor = Monitor(16000, 4, 1.0, chosen=[3, 1, 3])
        mixed = (sound[:, 1].astype(np.float64) + sound[:, 3]) / 2
        difference = heard(monitor.block(sound)) - np.round(mixed * 32768)
        self.assertLessEqual(np.abs(difference).max(), 1)

    def test_full_scale_is_held(self) -> None:
        """What is too loud stays at the edge instead of turning over."""
        sound = np.array([[1.0], [-1.0], [1.5], [-1.5], [0.5], [0.0]] * 4, np.float32)
        found = heard(Monitor(16000, 1, 24 / 16000).block(sound))
        self.assertEqual(found[:6].tolist(), [32767, -32768, 32767, -32768, 16384, 0])

    def test_a_gap(self) -> None:
        """At a gap everything that came before is heard, and what follows has its own place."""
        monitor = Monitor(48000, 1, 0.5, first_frame=1000)
        before, after = noise(40_000), noise(24_000, seed=9)
        first = [*monitor.block(before), *monitor.gap(100_000)]
        self.assertEqual([chunk.samples for chunk in first], [8000, 5333])
        np.testing.assert_array_equal(heard(first), expected(before[:, 0], 48000))
        second = [*monitor.block(after), *monitor.gap(0)]
        self.assertEqual([chunk.first_frame for chunk in second], [100_000.0])
        np.testing.assert_array_equal(heard(second), expected(after[:, 0], 48000))

    def test_nothing_to_hear(self) -> None:
        """Where no audio came there is no chunk."""
        self.assertEqual(Monitor(48000, 2).gap(5), [])

    def test_duration(self) -> None:
        """A chunk tells its length in milliseconds, which is never 0."""
        (long,) = Monitor(16000, 1, 0.25).block(noise(4000))
        self.assertEqual(long.duration_ms, 250)
        monitor = Monitor(16000, 1)
        monitor.block(noise(1))
        (short,) = monitor.gap(0)
        self.assertEqual((short.samples, short.duration_ms), (1, 1))

    def test_the_longest(self) -> None:
        """The longest chunk is within what a controller takes; its header has 44 bytes."""
        (chunk,) = Monitor(16000, 1, 10.0).block(noise(160_000))
        self.assertEqual(chunk.duration_ms, 10_000)
        self.assertLessEqual(len(chunk.wav), MOST_BYTES)
        self.assertEqual(len(chunk.wav), 44 + 2 * 160_000)

    def test_lengths_that_are_not_possible(self) -> None:
        """A chunk is neither shorter than a controller takes, nor longer."""
        for seconds in (0.0009, 10.001, 0.0, -1.0, float("nan")):
            with self.assertRaises(CannotListen):
                Monitor(48000, 2, seconds)
        self.assertEqual(Monitor(48000, 2, 0.001).chunk_samples, 16)

    def test_channels_that_there_are_not(self) -> None:
        """A choice that is empty or leaves the device is refused with what there is."""
        for chosen in ([], [-1], [0, 2]):
            with self.assertRaisesRegex(CannotListen, "1 to 2"):
                Monitor(48000, 2, chosen=chosen)
