"""WAV and RF64 headers."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import wave as standard_wave
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import FORMATS, SampleFormat, sample_format

_HELD = [each for each in FORMATS.values() if wave.holds(each)]
_S16 = sample_format("S16_LE")
formats = st.sampled_from(_HELD)
channel_counts = st.integers(1, 256)
rates = st.integers(2000, 768000)


class _Long(io.BytesIO):
    """A file that begins with a header and claims to be long; the rest reads as nothing."""

    def __init__(self, head: bytes, length: int) -> None:
        super().__init__(head)
        self._length = length

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END:
            return self._length + offset
        return super().seek(offset, whence)


class HeaderTests(SynchronousTestCase):
    @given(formats, rates, channel_counts, st.integers(0, 1 << 40))
    def test_round_trip_at_any_size(
        self, sample: SampleFormat, rate: int, channels: int, frames: int
    ) -> None:
        """What a header says of a file of any size is read back, beyond 4 GiB too."""
        size = frames * sample.frame_bytes(channels)
        head = wave.header(sample, rate, channels, size)
        self.assertEqual(len(head), wave.HEADER_BYTES)
        found = wave.read_header(_Long(head, len(head) + size))
        self.assertEqual((found.format, found.rate, found.channels), (sample, rate, channels))
        self.assertEqual(found.data_offset, wave.HEADER_BYTES)
        self.assertEqual((found.data_bytes, found.declared), (size, size))
        self.assertTrue(found.whole or size == 0)

    def test_rf64_begins_where_32_bits_end(self) -> None:
        """A file is plain WAV as long as its sizes fit 32 bits, and RF64 from the next byte on."""
        last = 0xFFFFFFFF - (wave.HEADER_BYTES - 8) - 1
        self.assertEqual(wave.header(_S16, 48000, 2, last)[:4], b"RIFF")
        self.assertEqual(wave.header(_S16, 48000, 2, last + 2)[:4], b"RF64")

    def test_formats_that_wav_does_not_know(self) -> None:
        """A format that others would misread is refused, not written."""
        for name in ("S8", "S24_LE", "S16_BE", "FLOAT_BE"):
            self.assertFalse(wave.holds(sample_format(name)))
            with self.assertRaises(wave.CannotHold):
                wave.header(sample_format(name), 48000, 2, 0)

    def test_python_reads_it(self) -> None:
        """The standard library reads a stereo file."""
        content = wave.header(_S16, 44100, 2, 400) + bytes(400)
        with standard_wave.open(io.BytesIO(content)) as file:
            self.assertEqual(file.getparams()[:4], (2, 2, 44100, 100))


class ReadHeaderTests(SynchronousTestCase):
    @given(formats, channel_counts, st.integers(0, 5000), st.integers(0, 6000))
    def test_truncated_files_never_crash(
        self, sample: SampleFormat, channels: int, size: int, cut: int
    ) -> None:
        """A file that was cut anywhere gives a sentence, or exactly the bytes that are there."""
        content = (wave.header(sample, 48000, channels, size) + bytes(size))[:cut]
        try:
            found = wave.read_header(io.BytesIO(content))
        except wave.NotWave:
            self.assertLess(cut, wave.HEADER_BYTES)
        else:
            self.assertEqual(found.data_bytes, min(size, len(content) - wave.HEADER_BYTES))

    @given(st.binary(max_size=200))
    def test_garbage_never_crashes(self, rest: bytes) -> None:
        """Any bytes at all behind a RIFF start are either understood or refused by a sentence."""
        for start in (b"", b"RIFF\0\0\0\0WAVE", b"RF64\xff\xff\xff\xffWAVEds64"):
            try:
                wave.read_header(io.BytesIO(start + rest))
            except wave.NotWave as error:
                self.assertTrue(str(error))

    def test_unfinished_headers_of_other_programs(self) -> None:
        """Lengths that a program wrote before it knew them count for nothing."""
        for claimed in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            head = bytearray(wave.header(_S16, 48000, 2, 0))
            head[-4:] = struct.pack("<I", claimed)
            found = wave.read_header(io.BytesIO(bytes(head) + b"\x01" * 4000))
            self.assertEqual((found.data_bytes, found.declared), (4000, claimed))
            self.assertFalse(found.whole)

    def test_a_length_that_overflowed(self) -> None:
        """A counter that wrapped at 4 GiB says too little, and is not believed."""
        real = 5 << 30
        with tempfile.TemporaryFile() as file:
            file.write(wave.header(_S16, 48000, 2, real % (1 << 32)))
            file.truncate(wave.HEADER_BYTES + real)
            self.assertEqual(wave.read_header(file).data_bytes, real)

    def test_a_chunk_behind_the_samples_is_no_sound(self) -> None:
        """A trailing chunk of text is not taken for samples."""
        content = wave.header(_S16, 48000, 2, 400) + bytes(400) + b"LIST\x04\0\0\0INFO"
        found = wave.read_header(io.BytesIO(content))
        self.assertEqual((found.data_bytes, found.whole), (400, True))

    def test_words_behind_the_samples_are_sound(self) -> None:
        """Samples that look like the name of a chunk are samples all the same."""
        for name, whole in ((b"abcd", False), (b"data", False), (b"id3 ", True), (b"cue ", True)):
            content = wave.header(_S16, 48000, 2, 400) + bytes(400) + name + b"\4\0\0\0abcd"
            found = wave.read_header(io.BytesIO(content))
            self.assertEqual((found.data_bytes, found.whole), (400 if whole else 412, whole))

    def test_24_bits_in_4_bytes(self) -> None:
        """What arecord writes of S24_LE is read as that, in one channel or many."""
        for channels in (1, 2, 32):
            found = wave.read_header(io.BytesIO(_padded(channels, 4)))
            self.assertEqual((found.format.name, found.channels), ("S24_LE", channels))
            self.assertEqual(found.data_bytes, 40 * 4 * channels)
        with self.assertRaises(wave.NotWave):
            wave.read_header(io.BytesIO(_padded(2, 5)))

    def test_other_containers_are_named(self) -> None:
        """A container that cannot be read is named in the refusal."""
        for start, name in ((b"riff", "Wave64"), (b"caff", "CAF"), (b"fLaC", "FLAC")):
            with self.assertRaisesRegex(wave.NotWave, name):
                wave.read_header(io.BytesIO(start + bytes(100)))


def _padded(channels: int, container: int) -> bytes:
    """Make 40 frames of 24 bits in larger containers, as arecord does."""
    frame, size = container * channels, 40 * container * channels
    described = struct.pack("<HHIIHH", 1, channels, 48000, 48000 * frame, frame, 24)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16)
    return head + described + struct.pack("<4sI", b"data", size) + bytes(size)


class SniffTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a directory."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "a.wav"

    def test_unfinished_file_is_mended(self) -> None:
        """A header that was never finished says the truth afterwards, and others can read it."""
        head = bytearray(wave.header(_S16, 48000, 2, 0))
        head[-4:] = struct.pack("<I", 0x80000000)
        self.path.write_bytes(bytes(head) + bytes(4002))
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.frames, audio.data_offset, audio.wav), (1000, 128, True))
        with standard_wave.open(str(self.path)) as file:
            self.assertEqual(file.getnframes(), 1000)

    def test_the_file_knows_better(self) -> None:
        """What the file says of its samples beats what was asked for."""
        floats = sample_format("FLOAT_LE")
        self.path.write_bytes(wave.header(floats, 44100, 4, 1600) + bytes(1600))
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.format, audio.rate, audio.channels), (floats, 44100, 4))
        self.assertEqual(audio.frames, 100)

    def test_24_bits_in_4_bytes(self) -> None:
        """A WAV of S24_LE is not called readable: others take it for something else."""
        self.path.write_bytes(_padded(2, 4))
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.format.name, audio.frames, audio.wav), ("S24_LE", 40, False))

    def test_headerless(self) -> None:
        """A file without any header is samples as expected, from the first byte on."""
        self.path.write_bytes(b"\x05" * 4003)
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.frames, audio.data_offset, audio.wav), (1000, 0, False))

    def test_sparse_file_above_4_gib(self) -> None:
        """The true length of a file above 4 GiB is found in its RF64 header."""
        size = (4 << 30) + 4800
        with self.path.open("wb") as file:
            file.write(wave.header(_S16, 48000, 2, size))
            file.truncate(wave.HEADER_BYTES + size)
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.frames, audio.wav), (size // 4, True))

    def test_unfinished_wav_above_4_gib_cannot_be_mended(self) -> None:
        """A plain WAV above 4 GiB keeps its samples, but is not called readable."""
        with self.path.open("wb") as file:
            file.write(wave.header(_S16, 48000, 2, 0))
            file.truncate(wave.HEADER_BYTES + (4 << 30))
        audio = wave.sniff(self.path, _S16, 48000, 2)
        self.assertEqual((audio.frames, audio.wav), (1 << 30, False))
