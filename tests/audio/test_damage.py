"""Headers that lie, and the honest ones that replace them."""

from __future__ import annotations

import io
import struct
import tempfile

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.damage import Mending, diagnose, frames_of
from rakkr.audio.pcm import FORMATS, sample_format

_HELD = [each for each in FORMATS.values() if wave.holds(each)]
_S16 = sample_format("S16_LE")


def chunk(name, content, size=None):
    """Make a chunk, of another size than it has if that is asked for."""
    return struct.pack("<4sI", name, len(content) if size is None else size) + content


def lying(data, claimed, outer=None, sample=_S16, channels=2, before=b"", behind=b""):
    """Make a file whose header claims what it is told to."""
    frame = sample.frame_bytes(channels)
    code = 3 if sample.kind == "float" else 1
    bits = sample.container_bytes * 8
    form = struct.pack("<HHIIHH", code, channels, 48000, 48000 * frame, frame, bits)
    body = chunk(b"fmt ", form) + before + chunk(b"data", data, claimed) + behind
    size = 4 + len(body) if outer is None else outer
    return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + body


def right(file) -> wave.Container:
    """Diagnose a file with which nothing is wrong."""
    found = diagnose(file)
    assert isinstance(found, wave.Container), found
    return found


def wrong(file) -> Mending:
    """Diagnose a file with which something is."""
    found = diagnose(file)
    assert isinstance(found, Mending), found
    return found


def mended(content):
    """Diagnose a file; return what was found, and the copy that follows."""
    found = wrong(io.BytesIO(content))
    offset = found.container.data_offset
    copy = found.head + content[offset : offset + found.kept_bytes] + found.pad
    assert len(copy) == found.bytes
    return found, copy


def honest(copy):
    """Read a copy; nothing is wrong with it."""
    found = right(io.BytesIO(copy))
    assert struct.unpack("<I", copy[4:8])[0] == len(copy) - 8
    return found


class DiagnoseTests(SynchronousTestCase):
    """A lie is named, and the copy tells the truth."""

    @given(
        st.sampled_from(_HELD),
        st.integers(1, 9),
        st.binary(max_size=400),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
    )
    def test_any_lie(self, sample, channels, data, claimed, outer):
        """Whatever a header claims: the copy has every whole frame, byte for byte, and no more."""
        content = lying(data, claimed, outer, sample, channels)
        frame = sample.frame_bytes(channels)
        believed = wave.read_header(io.BytesIO(content))
        data = data[: believed.data_bytes]  # all, or as claimed where only padding follows
        try:
            found = diagnose(io.BytesIO(content))
        except wave.NotWave:
            self.assertLess(len(data), frame)
            return
        if isinstance(found, wave.Container):
            self.assertTrue(found.whole)
            return
        truth = honest(mended(content)[1])
        copy = mended(content)[1][truth.data_offset :]
        self.assertEqual((truth.format, truth.channels), (sample, channels))
        self.assertEqual(frames_of(truth), len(data) // frame)
        whole = len(data) // frame * frame
        self.assertEqual(copy[:whole], data[:whole])
        if not believed.whole:
            self.assertEqual(len(copy), whole + whole % 2)

    def test_words(self):
        """Each kind of lie has its words."""
        data = bytes(4000)
        for claimed, words in (
            (0, "its header claimed only 0 bytes of audio"),
            (400, "its header claimed only 400 bytes of audio"),
            (4004, "its header claimed 4004 bytes of audio, and there are 4000"),
            (0x7FFEFFFF, "its header claimed 2147418111 bytes of audio, and there are 4000"),
            (0x7FFF0000, "its header was never finished, and claimed 2147418112 bytes of audio"),
            (0x80000000, "its header was never finished, and claimed 2147483648 bytes of audio"),
            (0xFFFFFFFF, "its header was never finished, and claimed 4294967295 bytes of audio"),
        ):
            self.assertEqual(mended(lying(data, claimed))[0].wrong, words)

    def test_honest(self):
        """A header that says what the file holds needs nothing, whoever wrote it."""
        for content in (
            lying(bytes(4000), 4000),
            lying(bytes(4000), 4000, behind=chunk(b"LIST", b"INFO")),
            lying(b"\1" * 4001, 4001, behind=b"\0"),
            wave.header(_S16, 48000, 2, 4000) + bytes(4000),
        ):
            self.assertEqual(frames_of(right(io.BytesIO(content))), 1000)

    def test_mid_frame(self):
        """Half a frame at the end is left out, and that is said."""
        found, copy = mended(lying(b"\1" * 4003, 0x80000000))
        self.assertIn("ends in mid-frame, and the last 3 bytes are left out", found.wrong)
        self.assertEqual(honest(copy).data_bytes, 4000)

    def test_length_of_the_file(self):
        """A wrong length of the whole is a lie too; what stands behind the samples is kept."""
        behind = chunk(b"LIST", b"INFOabcd")
        for outer in (0, 0xFFFFFFFF, 4000 + 35, 4000 + 36 + 18):
            found, copy = mended(lying(b"\1" * 4000, 4000, outer, behind=behind))
            self.assertEqual(found.wrong, "its header gave the file a wrong length")
            self.assertEqual(honest(copy).data_bytes, 4000)
            self.assertEqual(copy[-len(behind) :], behind)
        for outer in (4000 + 36, 4000 + 36 + 16, 4000 + 36 + 17):  # others stop before the rest
            content = lying(b"\1" * 4000, 4000, outer, behind=behind)
            self.assertIsInstance(diagnose(io.BytesIO(content)), wave.Container)

    def test_odd_lengths(self):
        """An odd number of bytes is padded, and the padding is no sample."""
        for data, claimed, outer in ((b"\1" * 401, 0, None), (b"\1" * 401, 401, 0)):
            content = lying(data, claimed, outer, FORMATS["U8"], 1)
            copy = mended(content)[1]
            self.assertEqual(honest(copy).data_bytes, 401)
            self.assertEqual(copy[-1:], b"\0")

    def test_described(self):
        """What describes the recording is kept, and what lies or only takes space is not."""
        kept = chunk(b"bext", b"who and when") + chunk(b"LIST", b"odd") + b"\0"
        dropped = chunk(b"JUNK", bytes(28)) + chunk(b"PEAK", bytes(24)) + chunk(b"ds64", bytes(28))
        fact = chunk(b"fact", struct.pack("<I", 7))
        floats = FORMATS["FLOAT_LE"]
        copy = mended(
            lying(b"\1" * 4000, 0, sample=floats, before=dropped + fact + kept + dropped)
        )[1]
        self.assertEqual(honest(copy).format, floats)
        self.assertIn(kept + b"data", copy)
        self.assertIn(chunk(b"fact", struct.pack("<I", 500)), copy)
        for name in (b"JUNK", b"PEAK", b"ds64"):
            self.assertNotIn(name, copy)

    def test_samples_that_only_arecord_writes(self):
        """24 bits in 4 bytes stay described as arecord described them."""
        form = struct.pack("<HHIIHH", 1, 2, 48000, 384000, 8, 24)
        body = chunk(b"fmt ", form) + chunk(b"data", b"\1" * 800, 0x80000000)
        copy = mended(struct.pack("<4sI4s", b"RIFF", 0x80000024, b"WAVE") + body)[1]
        self.assertEqual((honest(copy).format.name, frames_of(honest(copy))), ("S24_LE", 100))
        self.assertIn(form, copy)

    def test_wrapped(self):
        """A counter that wrapped is told apart, and the copy is RF64 and says it all."""
        for real in (4 << 30, (5 << 30) + 4):
            with tempfile.TemporaryFile() as file:
                file.write(lying(b"", real % (1 << 32)))
                file.truncate(44 + real)
                found = wrong(file)
                self.assertIn("wrapped at 4 GiB", found.wrong)
                self.assertEqual((found.head[:4], found.kept_bytes), (b"RF64", real))
                file.seek(0)
                file.write(bytes(44))
            with tempfile.TemporaryFile() as copy:
                copy.write(found.head)
                copy.truncate(found.bytes)
                truth = right(copy)
                self.assertEqual((truth.kind, truth.data_bytes, truth.whole), ("rf64", real, True))

    def test_where_rf64_begins(self):
        """A copy is plain WAV as long as 32 bits hold its length, and RF64 from the next frame."""
        last = (0xFFFFFFFF - 36) // 4 * 4
        for real, kind in ((last, b"RIFF"), (last + 4, b"RF64")):
            with tempfile.TemporaryFile() as file:
                file.write(lying(b"", 0))
                file.truncate(44 + real)
                found = wrong(file)
            self.assertEqual(found.head[:4], kind)
            coded, place = ("<Q", 20) if kind == b"RF64" else ("<I", 4)
            (outer,) = struct.unpack_from(coded, found.head, place)
            self.assertEqual(outer, found.bytes - 8)

    def test_nothing_to_repair(self):
        """A file without a whole frame, or without a header, is refused by a sentence."""
        for data in (b"", b"abc"):
            with self.assertRaisesRegex(wave.NotWave, "not one whole frame"):
                diagnose(io.BytesIO(lying(data, 0x80000000)))
        with self.assertRaisesRegex(wave.NotWave, "does not begin as a WAV file"):
            diagnose(io.BytesIO(bytes(1000)))

    def test_endless_header(self):
        """A header is kept up to a megabyte, and a longer one is none."""
        for size, good in ((1 << 20, False), ((1 << 20) - 16, True)):
            content = lying(b"\1" * 400, 0, before=chunk(b"bext", bytes(size)))
            if good:
                self.assertEqual(honest(mended(content)[1]).data_bytes, 400)
            else:
                with self.assertRaisesRegex(wave.NotWave, "too long for a header"):
                    diagnose(io.BytesIO(content))

    def test_unchanged(self):
        """Looking changes nothing."""
        content = lying(b"\1" * 4000, 0)
        file = io.BytesIO(content)
        diagnose(file)
        self.assertEqual(file.getvalue(), content)

    def test_plan(self):
        """The sizes of the parts make the size of the copy."""
        found = mended(lying(b"\1" * 401, 0, sample=FORMATS["U8"], channels=1))[0]
        self.assertEqual(found.bytes, 44 + 401 + 1)
        self.assertEqual(attrs.evolve(found, pad=b"").bytes, 44 + 401)
