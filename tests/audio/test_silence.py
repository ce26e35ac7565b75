"""Where the sound of a file ends."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.audio.silence import end_of_sound

STEREO = FORMATS["S16_LE"]


class EndOfSoundTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "file"

    def audio(self, content: bytes, sample: SampleFormat = STEREO) -> CapturedAudio:
        """Have a file with a header of 7 bytes that are no silence."""
        self.path.write_bytes(b"\1" * 7 + content)
        frames = len(content) // sample.frame_bytes(2)
        return CapturedAudio(self.path, 7, sample, 48000, 2, frames, wav=False)

    @given(st.integers(0, 40_000), st.integers(0, 20_000), st.integers(0, 50_000))
    def test_the_last_sound(self, sound: int, silence: int, since: int) -> None:
        """What counts ends with the last frame that sounds, but not before what counts anyhow."""
        audio = self.audio(b"\0\0\0\1" * sound + bytes(4 * silence))
        expected = min(max(sound, since), audio.frames)
        self.assertEqual(end_of_sound(audio, since), expected)

    def test_silence_of_unsigned_samples(self) -> None:
        """Samples without a sign are silent in the middle of their range."""
        audio = self.audio(b"\x80\x80" * 3 + b"\0\x80" + b"\x80\x80" * 5, FORMATS["U8"])
        self.assertEqual(end_of_sound(audio, 0), 4)

    def test_a_sound_on_one_channel(self) -> None:
        """A frame sounds when any of its channels does."""
        self.assertEqual(end_of_sound(self.audio(bytes(4) + b"\1\0\0\0" + bytes(8)), 0), 2)
