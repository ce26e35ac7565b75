"""How many bytes recordings will write."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import FORMATS
from rakkr.disk.need import (
    HEADER_BYTES,
    CaptureLoad,
    Need,
    RenderCopy,
    Short,
    need_of,
    preflight,
)


def load(name: str = "S32_LE", **changes: Any) -> CaptureLoad:
    """Ten seconds of stereo at 48 kHz, with changes."""
    usual = CaptureLoad(format=FORMATS[name], rate=48_000, channels=2, seconds=10)
    return attrs.evolve(usual, **changes)


def copy(codec: Literal["wav", "flac", "mp3"], name: str = "S32_LE", **changes: Any) -> RenderCopy:
    """The file of such a capture."""
    usual = RenderCopy(codec="wav", format=FORMATS[name], rate=48_000, channels=2, seconds=10)
    return attrs.evolve(usual, codec=codec, **changes)


class CaptureTests(SynchronousTestCase):
    def test_the_contracts_example(self) -> None:
        """Ten seconds of 48 kHz stereo in 32 bits need what the contract says."""
        self.assertEqual(load().capture_bytes, 3_844_096)
        self.assertEqual(load().render_bytes, 0)

    def test_true_sizes(self) -> None:
        """Every sample counts with its container: 24 bits take four bytes, or three when packed."""
        for name, size in (("S24_LE", 4), ("S24_3LE", 3), ("U8", 1), ("FLOAT64_BE", 8)):
            self.assertEqual(load(name).bytes_per_second, 48_000 * 2 * size, name)

    def test_a_window_that_is_over(self) -> None:
        """A capture that is about to be sealed still writes its header, and nothing less."""
        for seconds in (0, -5):
            self.assertEqual(load(seconds=seconds).capture_bytes, HEADER_BYTES)

    def test_part_of_a_second(self) -> None:
        """Half a byte is a byte."""
        self.assertEqual(load("U8", rate=1, channels=1, seconds=0.5).capture_bytes, 4097)

    def test_chunks(self) -> None:
        """A chunked job keeps four chunks, and never more than its window."""
        second = 48_000 * 8
        for seconds, chunk, kept in ((100, 10, 40), (100, 25, 100), (100, 26, 100), (9, 0, 4)):
            chunked = load(seconds=seconds, chunk_seconds=chunk)
            self.assertEqual(chunked.capture_bytes, kept * second + HEADER_BYTES)

    def test_chunks_are_rendered_one_by_one(self) -> None:
        """The rendered files of a chunked job make room too."""
        chunked = load(seconds=90, chunk_seconds=2, copies=(copy("wav", seconds=100),))
        self.assertEqual(chunked.render_bytes, 8 * 48_000 * 8 + HEADER_BYTES)


class CopyTests(SynchronousTestCase):
    def test_wav(self) -> None:
        """A WAV has the captured width, packed, in as many channels as are delivered."""
        for name, size in (("S32_LE", 4), ("S24_LE", 3), ("S24_3LE", 3), ("S16_LE", 2), ("S8", 1)):
            rendered = copy("wav", name, channels=1).bytes
            self.assertEqual(rendered, 480_000 * size + HEADER_BYTES, name)

    def test_flac(self) -> None:
        """A FLAC takes seven tenths of the 16 or 24 bits that it can hold."""
        for name, bits in (("S16_LE", 16), ("U8", 16), ("S24_LE", 24), ("FLOAT_LE", 24)):
            expected = round(0.7 * 960_000 * bits / 8) + HEADER_BYTES
            self.assertAlmostEqual(copy("flac", name).bytes, expected, delta=1, msg=name)

    def test_mp3(self) -> None:
        """An MP3 takes its bit rate, however wide the capture was."""
        self.assertEqual(copy("mp3").bytes, 160_000 + HEADER_BYTES)
        self.assertEqual(copy("mp3", bitrate_kbps=320).bytes, 400_000 + HEADER_BYTES)


class SumTests(SynchronousTestCase):
    def test_everything_counts(self) -> None:
        """All captures, their renders, and the renders of earlier ones are added up."""
        need = need_of([load(copies=(copy("wav"),)), load("S16_LE", seconds=5)], [copy("mp3")])
        self.assertEqual(need.bytes_per_second, 384_000 + 192_000)
        self.assertEqual(need.capture_bytes, 3_840_000 + 960_000 + 2 * HEADER_BYTES)
        self.assertEqual(need.render_bytes, 3_840_000 + 160_000 + 2 * HEADER_BYTES)
        self.assertEqual(need.total, need.capture_bytes + need.render_bytes)

    def test_nothing(self) -> None:
        """Nothing that runs needs nothing."""
        self.assertEqual(need_of([]), Need())

    @given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.integers(0, 5))
    def test_parts_add_up(self, lengths: list[int], at: int) -> None:
        """The need of some and of the others is the need of all."""
        loads = [load(seconds=each, copies=(copy("flac", seconds=each),)) for each in lengths]
        self.assertEqual(need_of(loads[:at]) + need_of(loads[at:]), need_of(loads))


class PreflightTests(SynchronousTestCase):
    def test_both_sides(self) -> None:
        """What is exactly enough is enough, and one byte less is not."""
        need = need_of([load(copies=(copy("mp3"),))])
        self.assertIsNone(preflight(need, need.total, "/rec"))
        short = preflight(need, need.total - 1, "/rec")
        self.assertEqual(short, Short(need.total, need.total - 1, "/rec"))

    def test_words(self) -> None:
        """Reason and sentence are the contract's."""
        short = Short(3_844_096, 1000, "/rec")
        self.assertEqual(short.reason, "insufficient_capture_disk_space")
        self.assertEqual(
            short.sentence,
            "insufficient_capture_disk_space: required 3844096 bytes"
            " but only 1000 bytes free at /rec",
        )
