"""Where the samples go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.tone.output import Output

_S16 = sample_format("S16_LE")


class OutputTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an open file."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "a.wav"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, self.descriptor)

    def output(self, *, wav: bool) -> Output:
        """Make an output into the file."""
        return Output(self.descriptor, wav=wav, sample=_S16, rate=8000, channels=2)

    def test_the_header_says_what_was_reached(self) -> None:
        """After an early end the header has the real length, of whole frames."""
        output = self.output(wav=True)
        output.begin(8000)
        output.write(bytes(403))
        output.finish()
        with self.path.open("rb") as file:
            head = file.read(wave.HEADER_BYTES)
        self.assertEqual(head, wave.header(_S16, 8000, 2, 400))

    def test_raw_is_nothing_but_samples(self) -> None:
        """Without a header the file is the samples."""
        output = self.output(wav=False)
        output.begin(None)
        output.write(b"abcd")
        output.finish()
        self.assertEqual(self.path.read_bytes(), b"abcd")

    def test_frames(self) -> None:
        """Only whole frames count, without the header, in files that go on and in pipes too."""
        output = self.output(wav=True)
        output.begin(None)
        self.assertEqual(output.frames, 0)
        output.write(bytes(403))
        self.assertEqual(output.frames, 100)
        again = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self.addCleanup(os.close, again)
        appended = Output(again, wav=False, sample=_S16, rate=8000, channels=2)
        self.assertEqual(appended.frames, 0)
        appended.write(bytes(8))
        self.assertEqual(appended.frames, 2)
        readable, writable = os.pipe()
        self.addCleanup(os.close, readable)
        self.addCleanup(os.close, writable)
        piped = Output(writable, wav=False, sample=_S16, rate=8000, channels=2)
        piped.write(bytes(9))
        self.assertEqual(piped.frames, 2)

    def test_a_pipe_gets_the_planned_length(self) -> None:
        """Where nothing can be patched the header says the planned length, or a very long one."""
        for frames, size in ((100, 400), (None, 1 << 31)):
            readable, writable = os.pipe()
            output = Output(writable, wav=True, sample=_S16, rate=8000, channels=2)
            output.begin(frames)
            output.finish()
            os.close(writable)
            self.assertEqual(os.read(readable, 1000), wave.header(_S16, 8000, 2, size))
            os.close(readable)
