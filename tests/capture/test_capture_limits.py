"""When a capture is ended by us."""

from __future__ import annotations

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.outcome import Completed, Stalled
from tests.capture.case import SECOND, CaptureCase


class LimitTests(CaptureCase):
    def test_stall(self) -> None:
        """A file that stops growing ends the capture with evidence, and what there is is named."""
        capture = self.start(seconds=600)
        self.run_for(1)
        self.reactor.pump([0.5] * 56)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.pump([0.5] * 8)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Stalled)
        self.assertEqual(outcome.evidence.size, wave.HEADER_BYTES + len(SECOND))
        self.assertIn(outcome.evidence.unchanged_seconds, (30, 31))
        self.assertEqual(outcome.error, outcome.evidence.sentence)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 8000)

    def test_no_stall_while_it_grows(self) -> None:
        """A file that grows every 29 seconds is alive."""
        capture = self.start(seconds=600)
        for _ in range(5):
            self.reactor.last.writes(bytes(400))
            self.reactor.pump([0.5] * 58)
        self.assertEqual(self.reactor.last.signals, [])
        capture.stop()
        self.reactor.last.exits(1)
        self.outcome(capture)

    def test_longer_than_its_window(self) -> None:
        """A program that ends itself and does not is ended five seconds later, as completed."""
        capture = self.start(args_template="-d {seconds}")
        self.run_for(15)
        self.assertEqual(self.reactor.last.signals, [])
        self.run_for(2)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertFalse(outcome.stopped)

    def test_a_slow_start_does_not_shorten_the_window(self) -> None:
        """The window begins with the first sample, not with the program."""
        capture = self.start()
        self.reactor.pump([1.0] * 8)
        self.run_for(9)
        self.assertEqual(self.reactor.last.signals, [])
        self.run_for(1)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_a_program_without_an_end_of_its_own(self) -> None:
        """pw-record, which knows no duration, is ended when the frames of the window are there."""
        capture = self.start(backend="pipewire")
        for _ in range(99):
            self.reactor.last.writes(bytes(800 * 4))
            self.reactor.pump([0.05] * 2)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.last.writes(bytes(800 * 4))
        self.reactor.pump([0.05] * 2)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual((outcome.audio.frames, outcome.stopped), (80000, False))

    def test_samples_that_are_packed_otherwise_than_asked(self) -> None:
        """The window is counted in the samples that the program delivers, not those asked for."""
        capture = self.start(backend="pipewire", format=sample_format("S24_3LE"), channels=1)
        self.reactor.last.writes(bytes(79_000 * 4))
        self.reactor.pump([0.05] * 3)
        self.assertEqual((capture.frames, self.reactor.last.signals), (79_000, []))
        self.reactor.last.writes(bytes(1000 * 4))
        self.reactor.pump([0.05] * 40)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual(outcome.audio.format, sample_format("S32_LE"))
