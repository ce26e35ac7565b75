"""Samples of every format as floats."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Decoder, PartialFrame, block_frames
from rakkr.audio.pcm import FORMATS, sample_format
from rakkr.tone.coding import pack

INTEGERS = [each for each in FORMATS.values() if each.kind != "float"]
FLOATS = [each for each in FORMATS.values() if each.kind == "float"]


def decoded(data: bytes, name: str, channels: int = 1) -> np.ndarray:
    """All blocks as one."""
    decoder = Decoder(sample_format(name), channels)
    blocks = [block.copy() for block in decoder.blocks(data)]
    return np.concatenate(blocks) if blocks else np.zeros((0, channels), np.float32)


class IntegerTests(SynchronousTestCase):
    @given(st.sampled_from(INTEGERS), st.data())
    def test_every_integer_format(self, sample, data) -> None:
        """A sample is its number by 2 to the power of its bits less one, in every format."""
        half = 1 << (sample.bits - 1)
        number = st.integers(-half, half - 1)
        numbers = np.array(data.draw(st.lists(number, min_size=2, max_size=40)), np.int64)
        numbers = numbers[: len(numbers) // 2 * 2]
        stored = numbers + half if sample.kind == "unsigned" else numbers
        block = decoded(pack(stored, sample), sample.name, 2)
        np.testing.assert_array_equal(
            block.reshape(-1), (numbers.astype(np.float32) / np.float32(half))
        )

    def test_ends_of_the_range(self) -> None:
        """The lowest integer is -1, and nothing is above 1."""
        self.assertEqual(
            decoded(b"\x00\x80\xff\x7f", "S16_LE").ravel().tolist(), [-1, 32767 / 32768]
        )
        self.assertEqual(decoded(b"\x00\x80\xff", "U8").ravel().tolist(), [-1, 0, 127 / 128])
        self.assertEqual(decoded(b"\x80\x00\x00\x7f\xff\xff", "S24_3BE").ravel()[0], -1)
        self.assertLessEqual(decoded(b"\xff\xff\xff\x7f", "S32_LE").max(), 1)

    def test_spare_byte(self) -> None:
        """Of 24 bits in 4 bytes the upper byte has no meaning, whatever stands there."""
        for spare in (b"\x00", b"\xff", b"\x5a"):
            little = decoded(b"\x00\x00\x40" + spare, "S24_LE")
            big = decoded(spare + b"\xc0\x00\x00", "S24_BE")
            self.assertEqual([little.item(), big.item()], [0.5, -0.5])

    def test_long_data(self) -> None:
        """Data that is longer than a block comes in order, in blocks that are quick to work on."""
        channels = 3
        frames = 2 * block_frames(channels) + 7
        numbers = np.arange(frames * channels) % 65_536 - 32_768
        data = numbers.astype("<i2").tobytes()
        lengths = [len(each) for each in Decoder(sample_format("S16_LE"), channels).blocks(data)]
        self.assertEqual(lengths, [block_frames(channels)] * 2 + [7])
        np.testing.assert_array_equal(
            decoded(data, "S16_LE", channels).reshape(-1), numbers.astype(np.float32) / 32_768
        )

    def test_buffers_are_used_again(self) -> None:
        """Decoding more of the same takes no more memory: blocks share their storage."""
        decoder = Decoder(sample_format("S24_3LE"), 2)
        first = next(decoder.blocks(bytes(600)))
        second = next(decoder.blocks(bytes(600)))
        self.assertTrue(np.shares_memory(first, second))


class FloatTests(SynchronousTestCase):
    def test_every_float_format(self) -> None:
        """Floats are taken as they are, and held to full scale."""
        for sample in FLOATS:
            kind = f"{'>' if sample.big_endian else '<'}f{sample.container_bytes}"
            data = np.array([0.25, -1.5, 7e30, -0.0], kind).tobytes()
            self.assertEqual(decoded(data, sample.name).ravel().tolist(), [0.25, -1, 1, 0])

    def test_no_numbers(self) -> None:
        """What is no number or infinite becomes 0 and is counted, for each channel and block."""
        for sample in FLOATS:
            kind = f"{'>' if sample.big_endian else '<'}f{sample.container_bytes}"
            values = [[np.nan, 0.5], [np.inf, -np.inf], [0.25, 1e30]]
            decoder = Decoder(sample, 2)
            block = next(decoder.blocks(np.array(values, kind).tobytes()))
            self.assertEqual(block.tolist(), [[0, 0.5], [0, 0], [0.25, 1]])
            self.assertEqual(decoder.bad.tolist(), [2, 1])
            next(decoder.blocks(np.zeros((1, 2), kind).tobytes()))
            self.assertEqual(decoder.bad.tolist(), [0, 0])

    def test_double_out_of_single_range(self) -> None:
        """A double that is too large for 32 bits is a number, and held to full scale."""
        data = np.array([1e300, -1e300]).tobytes()
        self.assertEqual(decoded(data, "FLOAT64_LE").ravel().tolist(), [1, -1])


class BadInputTests(SynchronousTestCase):
    def test_partial_frame(self) -> None:
        """Bytes that are not whole frames are refused in one sentence, before any is decoded."""
        decoder = Decoder(sample_format("S24_3LE"), 2)
        with self.assertRaises(PartialFrame) as raised:
            next(decoder.blocks(bytes(20)))
        self.assertEqual(
            str(raised.exception),
            "20 bytes are not whole frames of 2 channels of S24_3LE: 2 bytes are left over",
        )

    def test_nothing(self) -> None:
        """No bytes are no blocks."""
        self.assertEqual(list(Decoder(sample_format("S16_LE"), 2).blocks(b"")), [])
