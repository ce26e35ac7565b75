"""The ways in which a capture ends."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import sample_format
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.outcome import Completed


class CompletedTests(SynchronousTestCase):
    def test_ended_early(self) -> None:
        """More than a second short of the window is early, unless somebody stopped it."""
        for frames, stopped, early in (
            (80000, False, False),
            (72000, False, False),
            (71999, False, True),
            (71999, True, False),
        ):
            audio = CapturedAudio(
                Path("/d/a.wav"), 128, sample_format("S16_LE"), 8000, 2, frames, wav=True
            )
            self.assertIs(Completed(audio, 80000, Dropouts(), stopped).ended_early, early)
