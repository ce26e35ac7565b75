"""One capture from its start to its outcome."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs, formatEvent

from rakkr.audio import wave
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.outcome import Completed, Failed
from tests.capture.case import SECOND, CaptureCase


class OwnFileCaptureTests(CaptureCase):
    def test_a_whole_window(self) -> None:
        """A program that delivers its window and ends has completed, with every frame of it."""
        capture = self.start()
        self.assertEqual(self.reactor.last.pid, capture.pid)
        self.assertEqual(self.reactor.last.argv[0], "arecord")
        assert self.reactor.last.env is not None
        self.assertEqual(self.reactor.last.env["LC_ALL"], "C")
        self.run_for(10)
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual((outcome.audio.frames, outcome.planned_frames), (80000, 80000))
        self.assertEqual((outcome.stopped, outcome.dropouts), (False, Dropouts()))
        self.assertEqual(outcome.audio.path, self.path)
        self.assertEqual((capture.frames, capture.bytes), (80000, 320000))
        self.assertFalse(self.log.exists())

    def test_the_first_sample(self) -> None:
        """The start is the moment of the first sample, reckoned back from what lies in the file."""
        capture = self.start()
        waiting = capture.when_started()
        self.reactor.pump([0.05] * 6)
        self.assertNoResult(waiting)
        self.reactor.last.writes(bytes(800 * 4))
        self.reactor.advance(0.05)
        self.assertAlmostEqual(self.successResultOf(waiting) or 0.0, 0.25)
        self.assertAlmostEqual(self.successResultOf(capture.when_started()) or 0.0, 0.25)
        capture.stop()
        self.reactor.last.exits(1)
        self.outcome(capture)

    def test_no_sample_at_all(self) -> None:
        """Who waits for the first sample of a capture that fails is told that there is none."""
        capture = self.start()
        waiting = capture.when_started()
        self.reactor.last.exits(1)
        self.assertIsNone(self.successResultOf(waiting))
        self.assertIsInstance(self.outcome(capture), Failed)
        self.assertFalse(self.path.exists())

    def test_the_header_follows(self) -> None:
        """While the program writes, the file on the disk is a WAV that lags a second at most."""
        capture = self.start()
        self.run_for(3)
        with self.path.open("rb") as file:
            file.seek(wave.HEADER_BYTES - 4)
            claimed = int.from_bytes(file.read(4), "little")
        self.assertGreaterEqual(claimed, 2 * len(SECOND))
        self.reactor.last.writes(bytes(400))
        self.reactor.advance(1.0)
        with self.path.open("rb") as file:
            self.assertTrue(wave.read_header(file).whole)
        capture.stop()
        self.reactor.last.exits(1)
        self.outcome(capture)

    def test_stop_keeps_what_was_captured(self) -> None:
        """A stop asks once, waits, and keeps all audio, whatever the exit code."""
        capture = self.start()
        self.run_for(2)
        stopping = capture.stop()
        capture.stop()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.writes(bytes(400))
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertIs(self.successResultOf(stopping), outcome)
        self.assertEqual((outcome.audio.frames, outcome.stopped), (16100, True))

    def test_a_program_that_does_not_stop(self) -> None:
        """A program that ignores the stop is killed after the grace, and its audio kept."""
        capture = self.start()
        self.run_for(1)
        capture.stop()
        self.reactor.pump([1.0] * 5)
        self.assertEqual(self.reactor.last.signals, ["INT", "KILL"])
        self.reactor.last.exits(None, 9)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_a_program_that_cannot_be_killed(self) -> None:
        """A program that survives KILL is left behind as a failure that names its audio."""
        capture = self.start()
        self.run_for(1)
        capture.stop()
        self.reactor.pump([1.0] * 10)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 8000)
        self.reactor.last.exits(None, 9)

    def test_a_stop_before_any_audio(self) -> None:
        """A stop before the first sample leaves nothing that could be used."""
        capture = self.start()
        capture.stop()
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("capture output is too small", outcome.error)
        self.assertIsNone(outcome.audio)

    def test_a_program_that_fails(self) -> None:
        """A bad exit fails the capture with what the program said, and its audio is named."""
        capture = self.start()
        self.run_for(2)
        self.reactor.last.writes(b"arecord: pcm_read:2178: read error: No such device\n", 2)
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("failed with status exit status: 1", outcome.error)
        self.assertIn("No such device", outcome.error)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 16000)
        self.assertTrue(self.log.exists())

    def test_dropouts_are_counted_in_a_good_capture(self) -> None:
        """Gaps that the program reports are in the outcome, though it ended well."""
        capture = self.start()
        self.run_for(1)
        self.reactor.last.writes(b"overrun!!! (at least 12.5 ms long)\n", 2)
        self.run_for(1)
        self.reactor.last.writes(b"overrun!!! (at least 7.5 ms long)\n", 2)
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual(outcome.dropouts, Dropouts(2, 20.0))
        self.assertTrue(self.log.exists())

    def test_another_rate_than_asked_for(self) -> None:
        """A device of another rate ends the capture at its first sample; its audio is true."""
        capture = self.start(seconds=600)
        self.reactor.last.writes(
            b"Warning: rate is not accurate (requested = 8000Hz, got = 16000Hz)\n", 2
        )
        self.reactor.advance(0.05)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.last.writes(bytes(6400))
        self.reactor.advance(0.05)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        for word in ("8000 Hz", "ask for 16000 Hz", "plughw:0"):
            self.assertIn(word, outcome.error)
        assert outcome.audio is not None
        self.assertEqual((outcome.audio.frames, outcome.audio.rate), (1600, 16000))

    def test_another_rate_and_a_short_window(self) -> None:
        """A capture that ends well before its messages were read fails all the same."""
        capture = self.start()
        self.reactor.last.writes(bytes(6400))
        self.reactor.last.writes(b"rate is not accurate (requested = 8000Hz, got = 9000Hz)\n", 2)
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Failed)

    def test_the_last_words(self) -> None:
        """The log tells how much of the window came, with which gaps, and when it ended early."""
        for seconds, early in ((9, False), (8, True)):
            capture = self.start()
            with capturedLogs() as logged:
                self.run_for(seconds)
                self.reactor.last.writes(b"overrun!!! (at least 12.5 ms long)\n", 2)
                self.reactor.last.exits(0)
            outcome = self.outcome(capture)
            assert isinstance(outcome, Completed)
            self.assertIs(outcome.ended_early, early)
            said = formatEvent(logged[-1]) or ""
            self.assertIn(f"{seconds * 8000} of 80000 frames, 1 dropouts (12.5 ms)", said)
            self.assertEqual(logged[-1]["log_level"].name, "warn" if early else "info")
            self.assertEqual("early" in said, early)

    def test_a_look_between_the_end_and_the_outcome(self) -> None:
        """Who asks what there is after the program's end is told when its file is finished."""
        capture = self.start()
        self.run_for(1)
        self.threads.held = []
        self.reactor.last.exits(0)
        asking = Deferred.fromCoroutine(capture.snapshot())
        self.assertNoResult(asking)
        self.threads.release()
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual(self.successResultOf(asking), outcome.audio)

    def test_too_small(self) -> None:
        """A good exit with less than the least audio is a failure; the header does not count."""
        for size, kind in ((124, Failed), (128, Completed)):
            capture = self.start()
            self.reactor.last.writes(bytes(size))
            self.reactor.last.exits(0)
            self.assertIsInstance(self.outcome(capture), kind)

    def test_a_name_that_is_taken(self) -> None:
        """An older take under the same name is left alone."""
        self.path.parent.mkdir()
        self.path.write_bytes(b"older")
        capture = self.start()
        self.run_for(1)
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual(outcome.audio.path.name, "take.2.raw.wav")
        self.assertEqual(self.path.read_bytes(), b"older")

    def test_a_checkpoint_that_takes_long(self) -> None:
        """A slow disk delays the outcome, never the capture, and checkpoints do not pile up."""
        capture = self.start()
        self.threads.held = []
        self.run_for(5)
        self.assertEqual(len(self.threads.held), 1)
        self.assertEqual(len(capture._run.watch.disk.waiting), 0)  # type: ignore[union-attr]
        self.reactor.last.exits(0)
        self.assertNoResult(capture.when_done())
        self.threads.release()
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_a_checkpoint_that_fails(self) -> None:
        """A disk that refuses a checkpoint is logged, and the capture goes on."""
        capture = self.start()
        self.run_for(1)
        storage = capture._run.watch.files.storage  # type: ignore[union-attr]
        storage.checkpoint = _refuse  # type: ignore[method-assign]
        self.reactor.advance(1.0)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        del storage.checkpoint
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_who_no_longer_waits(self) -> None:
        """Giving up waiting does not end the capture."""
        capture = self.start()
        waiting = capture.when_done()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.run_for(1)
        self.reactor.last.exits(0)
        self.assertIsInstance(self.outcome(capture), Completed)


def _refuse() -> None:
    raise OSError(5, "Input/output error")
