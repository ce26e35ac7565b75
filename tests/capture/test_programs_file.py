"""The file that a program makes for itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.programs_file import ProgramsFile
from tests.capture.requests import request

_S16 = sample_format("S16_LE")


class ProgramsFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have the path of a file that a program may make."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "take.wav"
        self.file = ProgramsFile(self.path, request())

    def test_no_file(self) -> None:
        """As long as the program made no file there is no size and no audio."""
        self.assertIsNone(self.file.size())
        self.file.checkpoint()
        self.assertIsNone(self.file.seal())

    def test_an_unfinished_file(self) -> None:
        """A file that the program did not finish is sealed with what it really holds."""
        self.path.write_bytes(wave.header(_S16, 44100, 1, 1 << 31) + bytes(2000))
        self.assertEqual(self.file.size(), 2128)
        audio = self.file.seal()
        assert audio is not None
        self.assertEqual((audio.frames, audio.rate, audio.wav), (1000, 44100, True))

    def test_a_header_is_no_audio(self) -> None:
        """Before the first sample there is a file, perhaps half a header, and no audio."""
        head = wave.header(_S16, 44100, 1, 1 << 31)
        self.path.write_bytes(b"RI")
        self.assertEqual(self.file.audio_bytes(), 0)
        for size, audio in ((60, 0), (127, 0), (128, 0), (130, 2)):
            self.path.write_bytes((head + b"ab")[:size])
            self.assertEqual(self.file.audio_bytes(), audio, size)

    def test_headerless_samples_are_audio(self) -> None:
        """Of a file without a header every byte counts."""
        self.path.write_bytes(bytes(1000))
        self.assertEqual(self.file.audio_bytes(), 1000)

    def test_a_container_that_cannot_be_read(self) -> None:
        """Another container is refused by a sentence, and left as it is."""
        self.path.write_bytes(b"fLaC" + bytes(1000))
        with self.assertRaises(wave.NotWave):
            self.file.seal()
        self.assertEqual(self.path.stat().st_size, 1004)

    def test_an_empty_file(self) -> None:
        """An empty file holds no audio."""
        self.path.touch()
        self.assertIsNone(self.file.seal())

    def test_a_header_that_stays_unreadable(self) -> None:
        """A header that cannot be read is waited for, and counts as audio when the file is long."""
        self.path.write_bytes((b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + bytes(4096))[:4095])
        self.assertEqual(self.file.audio_bytes(), 0)
        with self.path.open("ab") as file:
            file.write(b"\0")
        self.assertEqual(self.file.audio_bytes(), 4096)
        self.path.chmod(0)
        self.assertEqual(self.file.audio_bytes(), 4096)

    def test_another_rate(self) -> None:
        """Headerless samples have the rate that the program delivers."""
        self.path.write_bytes(bytes(1000))
        self.file.correct_rate(48000)
        audio = self.file.seal()
        assert audio is not None
        self.assertEqual(audio.rate, 48000)

    def test_a_file_that_was_split(self) -> None:
        """The parts into which arecord splits its file are named, and nothing else is."""
        for name in ("take-01.wav", "take-02.wav", "take-1.wav", "other-01.wav"):
            self.path.with_name(name).write_bytes(bytes(100))
        with self.assertRaisesRegex(wave.NotWave, "into take-01.wav, take-02.wav$"):
            self.file.seal()
