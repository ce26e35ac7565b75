"""When the window of a capture is over, and when it is looked at again."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.capture.programs import Launch
from rakkr.capture.request import CaptureLimits
from rakkr.capture.window import is_over, next_look
from tests.capture.requests import request

_KNOWS = Launch(("arecord",), "agent", sample_format("S16_LE"))
_ENDLESS = attrs.evolve(_KNOWS, ends_itself=False)
_PROGRAMS = attrs.evolve(_ENDLESS, owner="program")


class WindowTests(SynchronousTestCase):
    def over(self, call: Launch, seconds: float | None, frames: int) -> bool:
        """Ask about ten seconds of 8000 frames."""
        return is_over(request(), CaptureLimits(), call, seconds=seconds, frames=frames)

    def test_over(self) -> None:
        """Each kind of program has the end that fits it; before the first sample none has."""
        self.assertFalse(self.over(_KNOWS, 15.0, 80000))
        self.assertTrue(self.over(_KNOWS, 15.1, 80000))
        self.assertFalse(self.over(_ENDLESS, 99.0, 79999))
        self.assertTrue(self.over(_ENDLESS, 9.0, 80000))
        self.assertFalse(self.over(_PROGRAMS, 9.9, 80000))
        self.assertTrue(self.over(_PROGRAMS, 10.0, 0))
        for call in (_KNOWS, _ENDLESS, _PROGRAMS):
            self.assertFalse(self.over(call, None, 0))

    def test_next_look(self) -> None:
        """It is looked often before the first sample, then every second, then at the end."""
        self.assertEqual(next_look(request(), _KNOWS, started=False, frames=0), 0.05)
        self.assertEqual(next_look(request(), _KNOWS, started=True, frames=79999), 1.0)
        for frames, pause in ((8000, 1.0), (76000, 0.5), (80000, 0.02)):
            self.assertEqual(next_look(request(), _ENDLESS, started=True, frames=frames), pause)
