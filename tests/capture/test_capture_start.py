"""Captures that cannot start, and programs that make their own file."""

from __future__ import annotations

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.capture.capture import Capture
from rakkr.capture.outcome import Completed, Failed, Stalled, StartFailed
from tests.capture.case import CaptureCase


class StartTests(CaptureCase):
    def failed(self, capture: Capture) -> str:
        """See that the start failed and left nothing."""
        outcome = self.outcome(capture)
        assert isinstance(outcome, StartFailed)
        self.assertIsNone(self.successResultOf(capture.when_started()))
        self.successResultOf(capture.stop())
        self.assertEqual(list(self.directory.glob("out/*")), [])
        return outcome.error

    def test_a_missing_program(self) -> None:
        """A missing program is named with the package that brings it."""
        error = self.failed(self.start(command="jack_capture"))
        self.assertIn("jack_capture", error)
        self.assertIn("install the Debian package jack-capture", error)
        self.assertEqual(self.reactor.spawned, [])

    def test_a_bad_template(self) -> None:
        """A template that cannot be followed starts nothing."""
        self.assertIn("capture args template", self.failed(self.start(args_template="'")))

    def test_no_seconds(self) -> None:
        """A window of no length starts nothing."""
        self.assertIn("seconds", self.failed(self.start(seconds=0)))

    def test_a_refused_spawn(self) -> None:
        """A system that starts no more programs fails the start, and no file stays."""
        self.reactor.refuse = OSError(11, "Resource temporarily unavailable")
        self.assertIn("Resource temporarily", self.failed(self.start()))

    def test_an_argument_that_no_program_can_be_given(self) -> None:
        """A device name with a NUL in it is shown, and no file stays."""
        error = self.failed(self.start(device="hw\0"))
        self.assertIn(ascii("hw\0"), error)

    def test_a_directory_that_cannot_be_made(self) -> None:
        """A place that cannot be written to is named."""
        (self.directory / "file").touch()
        self.path = self.directory / "file" / "take.raw.wav"
        self.assertIn("cannot be written", self.failed(self.start()))

    def test_a_session_of_its_own(self) -> None:
        """Where setsid is installed the program is called through it; argv names the program."""
        self.install("setsid")
        capture = self.start()
        self.assertEqual(self.reactor.last.argv[0], str(self.directory / "bin" / "setsid"))
        self.assertEqual(self.reactor.last.argv[1:], list(capture.argv))
        self.assertEqual(capture.command, "arecord")
        self.reactor.last.exits(0)
        self.outcome(capture)


class ProgramsFileCaptureTests(CaptureCase):
    def start_wrapper(self) -> Capture:
        """Start a program that makes its own file."""
        capture = self.start(command="wrapper")
        self.assertEqual(self.reactor.last.argv[-1], str(capture.path))
        self.reactor.advance(0.05)
        return capture

    def test_its_file_is_read(self) -> None:
        """What the file says of its samples is believed, and an unfinished header is mended."""
        capture = self.start_wrapper()
        floats = sample_format("FLOAT_LE")
        capture.path.write_bytes(wave.header(floats, 44100, 2, 1 << 31) + bytes(8000))
        self.reactor.advance(0.05)
        self.assertIsNotNone(capture.started_at)
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed)
        self.assertEqual((outcome.audio.format, outcome.audio.rate), (floats, 44100))
        self.assertEqual((outcome.audio.frames, outcome.audio.wav), (1000, True))

    def test_it_made_no_file(self) -> None:
        """A good exit without a file is too small."""
        capture = self.start_wrapper()
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("has 0 bytes, expected at least 128", outcome.error)

    def test_a_stall_without_a_file(self) -> None:
        """A program that never makes its file has stalled, with no size as evidence."""
        capture = self.start_wrapper()
        self.reactor.pump([0.05] * 610)
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Stalled)
        self.assertIsNone(outcome.evidence.size)
        self.assertIsNone(outcome.audio)

    def test_no_file_is_shared(self) -> None:
        """Captures of one name get files of their own, though none of them has made its file."""
        paths = [self.start(command="wrapper").path.name for _ in range(3)]
        self.assertEqual(paths, ["take.raw.wav", "take.2.raw.wav", "take.3.raw.wav"])
        self.assertEqual(
            [
                each.argv[-1][-len(name) :]
                for each, name in zip(self.reactor.spawned, paths, strict=True)
            ],
            paths,
        )
        for each in self.reactor.spawned:
            each.exits(0)

    def test_a_file_that_was_split(self) -> None:
        """A program that split its file stalls, and the reason names the parts."""
        capture = self.start_wrapper()
        for number in (1, 2):
            capture.path.with_name(f"take.raw-0{number}.wav").write_bytes(bytes(100))
        self.reactor.pump([0.05] * 610)
        self.reactor.last.exits(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Stalled)
        self.assertIn("take.raw-01.wav, take.raw-02.wav", outcome.error)

    def test_a_small_file_that_cannot_be_read(self) -> None:
        """Why a file cannot be read is a better reason than its size."""
        capture = self.start_wrapper()
        capture.path.write_bytes(b"caff")
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("CAF", outcome.error)

    def test_a_file_that_cannot_be_read(self) -> None:
        """A container that we do not know fails the capture; the file stays, and is named."""
        capture = self.start_wrapper()
        capture.path.write_bytes(b"caff" + bytes(8000))
        self.reactor.last.exits(0)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed)
        self.assertIn("CAF", outcome.error)
        self.assertIn(str(capture.path), outcome.error)
        self.assertTrue(capture.path.exists())
