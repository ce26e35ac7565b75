"""The file of a capture."""

from __future__ import annotations

import os
import tempfile
import wave as standard_wave
from itertools import islice
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.file import OwnFile, alternatives

_S16 = sample_format("S16_LE")


class OwnFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a directory that does not exist yet."""
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory())) / "deep" / "er"
        self.path = self.directory / "take.raw.wav"

    def create(self) -> OwnFile:
        """Make the file."""
        return OwnFile.create(self.path, _S16, 8000, 2)

    def frames_for_others(self) -> int:
        """Ask the standard library."""
        with standard_wave.open(str(self.path)) as file:
            return int(file.getnframes())

    def test_a_valid_wav_at_any_moment(self) -> None:
        """After the start and after every checkpoint the file is a WAV of what was captured."""
        file = self.create()
        self.assertEqual(self.frames_for_others(), 0)
        for number in (1, 2, 3):
            os.write(file.descriptor, bytes(400))
            file.checkpoint()
            self.assertEqual(self.frames_for_others(), 100 * number)
        audio = file.seal()
        assert audio is not None
        self.assertEqual((audio.frames, audio.data_offset, audio.wav), (300, 128, True))

    def test_a_cut_frame_is_not_counted_but_kept(self) -> None:
        """Bytes of an unfinished frame are in no count, and still in the file."""
        file = self.create()
        os.write(file.descriptor, bytes(403))
        self.assertEqual(file.audio_bytes(), 400)
        audio = file.seal()
        assert audio is not None
        self.assertEqual((audio.frames, self.frames_for_others()), (100, 100))
        self.assertEqual(self.path.stat().st_size, wave.HEADER_BYTES + 403)

    def test_nothing_is_overwritten(self) -> None:
        """A name that is taken is left alone, and the next is used."""
        os.close(self.create().descriptor)
        second = self.create()
        self.assertEqual(second.path.name, "take.2.raw.wav")
        os.close(second.descriptor)
        names = [each.name for each in islice(alternatives(Path("/d/a.b.wav")), 3)]
        self.assertEqual(names, ["a.b.wav", "a.b.2.wav", "a.b.3.wav"])

    def test_after_the_end(self) -> None:
        """A sealed file says what it said last, and touches no descriptor any more."""
        file = self.create()
        os.write(file.descriptor, bytes(400))
        number = file.descriptor
        audio = file.seal()
        other = os.open(os.devnull, os.O_RDONLY)  # gets the number that has become free
        self.addCleanup(os.close, other)
        self.assertEqual((other, file.descriptor), (number, -1))
        file.checkpoint()
        self.assertEqual((file.size(), file.audio_bytes()), (528, 400))
        assert audio is not None
        again = file.so_far()
        assert again is not None
        self.assertEqual(again.frames, audio.frames)

    def test_another_rate(self) -> None:
        """When the program delivers another rate, the header and the audio say so."""
        file = self.create()
        os.write(file.descriptor, bytes(400))
        file.correct_rate(48000)
        audio = file.seal()
        assert audio is not None
        with standard_wave.open(str(self.path)) as content:
            self.assertEqual((audio.rate, content.getframerate()), (48000, 48000))

    def test_a_file_without_a_frame_is_removed(self) -> None:
        """A capture that never brought a frame leaves no file."""
        file = self.create()
        os.write(file.descriptor, b"abc")
        self.assertIsNone(file.seal())
        self.assertFalse(self.path.exists())

    def test_formats_that_wav_does_not_know(self) -> None:
        """Samples that a WAV cannot hold lie in a headerless file of another name."""
        file = OwnFile.create(self.path, sample_format("S24_LE"), 8000, 2)
        os.write(file.descriptor, bytes(800))
        audio = file.seal()
        assert audio is not None
        self.assertEqual(audio.path.name, "take.raw.pcm")
        self.assertEqual((audio.frames, audio.data_offset, audio.wav), (100, 0, False))

    def test_past_2_and_4_gib(self) -> None:
        """There is no wall at 2 GiB; at 4 GiB the header becomes RF64; the last sample is there."""
        for size, kind in (
            ((2 << 30) - 4, "riff"),
            ((2 << 30) + 400, "riff"),
            ((4 << 30) - 400, "riff"),
            ((4 << 30) + 400, "rf64"),
            ((9 << 30) + 4, "rf64"),
        ):
            file = self.create()
            os.lseek(file.descriptor, size - 4, os.SEEK_CUR)  # what lies before takes no space
            os.write(file.descriptor, b"last")
            file.checkpoint()
            audio = file.seal()
            assert audio is not None
            self.assertEqual((audio.frames, audio.wav), (size // 4, True))
            self.assertEqual(audio.seconds, size / 4 / 8000)
            with self.path.open("rb") as content:
                found = wave.read_header(content)
                content.seek(found.data_offset + found.data_bytes - 4)
                self.assertEqual(content.read(), b"last")
            self.assertEqual((found.kind, found.data_bytes, found.whole), (kind, size, True))
            self.path.unlink()

    def test_nobody_needs_more(self) -> None:
        """A file is cut after the last frame that anybody needs; a shorter one stays as it is."""
        for most, frames in ((99, 99), (100, 100), (101, 100), (None, 100), (0, 100)):
            file = self.create()
            os.write(file.descriptor, bytes(403))
            audio = file.seal(most)
            assert audio is not None
            self.assertEqual((audio.frames, self.frames_for_others()), (frames, frames))
            tail = 3 if frames == 100 else 0
            self.assertEqual(self.path.stat().st_size, wave.HEADER_BYTES + frames * 4 + tail)
            self.assertEqual(file.audio_bytes(), frames * 4)
            self.path.unlink()

    def test_another_agent_goes_on(self) -> None:
        """A file that another agent left is taken over, with all that it has got meanwhile."""
        file = self.create()
        program = os.dup(file.descriptor)
        os.close(file.descriptor)
        os.write(program, bytes(400))
        second = OwnFile.reopen(self.path, _S16, 8000, 2)
        os.write(program, bytes(400))
        os.close(program)
        audio = second.seal()
        assert audio is not None
        self.assertEqual((audio.frames, self.frames_for_others()), (200, 200))

    def test_a_disk_that_refuses_the_header(self) -> None:
        """Audio whose header could not be written is named all the same, as headerless."""
        file = self.create()
        os.write(file.descriptor, bytes(400))
        readonly = os.open(self.path, os.O_RDONLY)
        os.close(file.descriptor)
        file.descriptor = readonly
        audio = file.seal()
        assert audio is not None
        self.assertEqual((audio.frames, audio.data_offset, audio.wav), (100, 128, False))
        self.assertIn("could not be finished", file.trouble or "")

    @given(st.lists(st.integers(0, 999), max_size=8))
    def test_the_program_and_the_header_do_not_meet(self, sizes: list[int]) -> None:
        """However writes and checkpoints alternate, every byte is where the program put it."""
        self.path = self.directory / "each.raw.wav"
        file = self.create()
        written = b""
        for number, size in enumerate(sizes):
            piece = bytes([number + 1]) * size
            os.write(file.descriptor, piece)
            written += piece
            file.checkpoint()
        self.assertEqual(self.path.read_bytes()[wave.HEADER_BYTES :], written)
        os.close(file.descriptor)
        self.path.unlink()
