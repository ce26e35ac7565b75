"""What the tests of captures share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.outcome import CaptureOutcome
from rakkr.capture.request import CaptureLimits
from rakkr.capture.surroundings import Surroundings
from tests.capture.requests import request
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads

_LIMITS = CaptureLimits()
SECOND = bytes(8000 * 4)


class CaptureCase(SynchronousTestCase):
    """What all captures of these tests need: 8000 frames of 4 bytes a second."""

    def setUp(self) -> None:
        """Have a directory, and programs on a PATH of our own."""
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("arecord", "wrapper", "pw-record"):
            self.install(name)
        self.reactor = FakeReactor()
        self.threads = FakeThreads()
        self.path = self.directory / "out" / "take.raw.wav"
        self.log = self.path.with_name("take.stderr.log")

    def install(self, name: str) -> None:
        """Put a program on the PATH."""
        program = self.directory / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.touch(0o755)

    def start(self, **changes: Any) -> Capture:
        """Start a capture of ten seconds."""
        surroundings = Surroundings(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self.threads,
            env={"PATH": str(self.directory / "bin"), "LC_ALL": "de_DE.UTF-8"},
        )
        return start_capture(request(path=self.path, **changes), _LIMITS, surroundings)

    def outcome(self, capture: Capture) -> CaptureOutcome:
        """Get the outcome, and see that nothing is left behind."""
        outcome = self.successResultOf(capture.when_done())
        self.assertIs(outcome, capture.outcome)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertIsNone(capture.pid)
        return outcome

    def run_for(self, seconds: int) -> None:
        """Let the program deliver audio in real time."""
        for _ in range(seconds):
            self.reactor.last.writes(SECOND)
            self.reactor.pump([0.25] * 4)
