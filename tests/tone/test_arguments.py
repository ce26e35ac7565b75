"""The dialect of arecord."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.arguments import BadArguments, parse


class ParseTests(SynchronousTestCase):
    def test_the_call_of_the_agent(self) -> None:
        """The agent's way to call arecord is understood."""
        call = [
            "-D",
            "hw:0",
            "-f",
            "S32_LE",
            "-r",
            "48000",
            "-c",
            "32",
            "-d",
            "5",
            "-q",
            "-t",
            "raw",
            "-",
        ]
        got = parse(call)
        self.assertEqual((got.device, got.sample.name), ("hw:0", "S32_LE"))
        self.assertEqual((got.rate, got.channels, got.frames), (48000, 32, 240000))
        self.assertEqual((got.wav, got.path, got.speed, got.quiet), (False, None, 1.0, True))

    def test_the_defaults_of_arecord(self) -> None:
        """Without arguments: 8 bits, 8000 Hz, one channel, no end, as WAV on stdout."""
        got = parse([])
        self.assertEqual((got.sample.name, got.rate, got.channels), ("U8", 8000, 1))
        self.assertEqual((got.frames, got.wav, got.path), (None, True, None))

    def test_presets_and_long_names(self) -> None:
        """Presets stand for format, rate and channels; long names and unused flags are taken."""
        got = parse(
            ["--device=tone", "-f", "cd", "--period-time=20000", "-N", "--samples=7", "out.wav"]
        )
        self.assertEqual((got.sample.name, got.rate, got.channels), ("S16_LE", 44100, 2))
        self.assertEqual((got.frames, got.path), (7, "out.wav"))
        self.assertEqual(parse(["-f", "dat", "-c", "1"]).channels, 1)

    def test_numbered(self) -> None:
        """--numbered beats the device."""
        self.assertEqual(parse(["-D", "tone", "--numbered"]).device, "numbered")

    def test_both_sides_of_each_limit(self) -> None:
        """What is out of range is refused by a sentence that names flag and range."""
        parse(["-c", "256", "-r", "768000", "--speed", "1000"])
        parse(["-c", "1", "-r", "2000", "--speed", "0", "--buffer-time", "1000"])
        self.assertEqual(parse(["-B", "60000000"]).buffer_seconds, 60.0)
        for bad in (
            "-c 257",
            "-c -1",
            "-r 1999",
            "-r 768001",
            "--speed -1",
            "--speed nan",
            "-d -1",
            "--buffer-time 999",
            "--buffer-time 60000001",
        ):
            with self.assertRaisesRegex(BadArguments, "is not between|expected"):
                parse(bad.split())
        for bad in ("-f S99", "-t mp3", "--no-such", "-r x"):
            with self.assertRaises(BadArguments):
                parse(bad.split())
