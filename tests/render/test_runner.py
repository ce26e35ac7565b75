"""Runs of the render program, with a program that does what the test says."""

from __future__ import annotations

import errno
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from unittest.mock import Mock

import attrs
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS
from rakkr.audio.strip import Piece, Strip
from rakkr.render import runner
from rakkr.render.binary import Renderer
from rakkr.render.channels import Routing
from rakkr.render.errors import ImpossibleRender, RenderFailed
from rakkr.render.pipeline import STALL_SECONDS
from rakkr.render.plan import RenderPlan
from rakkr.render.runner import Rendered, render
from tests.fakes.processes import FakeReactor

DONE = b"out_time_us=1000000\nprogress=end\n"


class RenderTests(SynchronousTestCase):
    """A recording appears whole, or not at all with a reason."""

    def setUp(self):
        """Have a folder for results and a capture of two seconds."""
        self.reactor = FakeReactor()
        self.folder = Path(mkdtemp())
        self.addCleanup(rmtree, self.folder)
        self.target = self.folder / "deep" / "r.flac"
        self.partial = self.folder / "deep" / ".r.flac.part"
        self.seen = []

    def tearDown(self):
        """Nothing is left on the clock."""
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def start(self, strip=None, in_thread=maybeDeferred):
        """Begin to render."""
        return Deferred.fromCoroutine(
            render(
                self.reactor,
                self.reactor,
                in_thread=in_thread,
                renderer=Renderer("/usr/bin/ffmpeg", "/usr/bin/nice"),
                feeder=("python", "feed"),
                env={"PATH": "/bin", "LC_ALL": "de_DE"},
                plan=RenderPlan(codec="flac", routing=Routing(((0,), (1,)))),
                strip=self.strip(0, 48000) if strip is None else strip,
                target=self.target,
                progress=self.seen.append,
            )
        )

    def strip(self, start, end, channels=2):
        """Take a piece of the capture."""
        audio = CapturedAudio(
            self.folder / "c.wav", 44, FORMATS["S16_LE"], 48000, channels, 96000, wav=True
        )
        return Strip.of(audio, start, end)

    def failed(self, running, *, full=False):
        """Return the sentence of a failure after which no file is left."""
        failure = self.failureResultOf(running, RenderFailed).value
        self.assertFalse(self.partial.exists())
        self.assertFalse(self.target.exists())
        self.assertEqual(failure.disk_full, full)
        return str(failure)

    def test_good(self):
        """A good end puts the file under its name and tells what it is."""
        running = self.start(self.strip(48000, 96000))
        child = self.reactor.last
        self.assertEqual(child.argv[-1], f"file:{self.partial}")
        self.assertEqual(len(self.reactor.spawned), 1)
        self.assertEqual(child.env, {"PATH": "/bin", "LC_ALL": "C"})
        self.partial.write_bytes(b"music")
        child.says(b"out_time_us=500000\n")
        child.exits(0)
        child.says(DONE)
        self.assertNoResult(running)
        self.assertFalse(self.target.exists())
        child.closes()
        self.assertEqual(
            self.successResultOf(running), Rendered(self.target, 5, "audio/flac", 48000, 1.0)
        )
        self.assertEqual(self.target.read_bytes(), b"music")
        self.assertFalse(self.partial.exists())
        self.assertEqual(self.seen, [0.5, 1.0])

    def test_leftover(self):
        """What an earlier run left half done is not taken for a result."""
        self.target.parent.mkdir(parents=True)
        self.partial.write_bytes(b"half")
        self.target.write_bytes(b"old")
        running = self.start()
        self.reactor.last.says(DONE)
        self.reactor.last.ends(0)
        self.failureResultOf(running, RenderFailed)
        self.assertEqual(self.target.read_bytes(), b"old")

    def test_two_at_once(self):
        """Two runs with one target do not write into each other's file."""
        first, second = self.start(), self.start()
        children = self.reactor.spawned
        files = [Path(child.argv[-1].removeprefix("file:")) for child in children]
        for child, file, music in zip(children, files, (b"first", b"later"), strict=True):
            file.write_bytes(music)
            child.says(DONE)
        children[1].ends(0)
        self.successResultOf(second)
        self.assertEqual(self.target.read_bytes(), b"later")
        children[0].ends(0)
        self.successResultOf(first)
        self.assertEqual(self.target.read_bytes(), b"first")
        self.assertEqual(list(self.target.parent.iterdir()), [self.target])

    def test_reserved(self):
        """An empty file that reserves the name is replaced."""
        self.target.parent.mkdir(parents=True)
        self.target.touch()
        running = self.start()
        self.partial.write_bytes(b"music")
        self.reactor.last.says(DONE)
        self.reactor.last.ends(0)
        self.successResultOf(running)
        self.assertEqual(self.target.read_bytes(), b"music")

    def test_no_folder(self):
        """A folder that cannot be made is one sentence, and no program is started."""
        self.target.parent.write_bytes(b"in the way")
        running = self.start()
        sentence = str(self.failureResultOf(running, RenderFailed).value)
        self.assertEqual(sentence, f"{self.target} cannot be written: File exists")
        self.assertEqual(self.reactor.spawned, [])

    def test_name_taken(self):
        """A file that cannot get its name is one sentence, and goes away."""
        (self.target / "in the way").mkdir(parents=True)
        running = self.start()
        self.partial.write_bytes(b"music")
        self.reactor.last.says(DONE)
        self.reactor.last.ends(0)
        sentence = str(self.failureResultOf(running, RenderFailed).value)
        self.assertEqual(sentence, f"{self.target} cannot be written: Is a directory")
        self.assertFalse(self.partial.exists())

    def test_control_characters(self):
        """What the program says reaches people without what a terminal would obey."""
        running = self.start()
        self.reactor.last.says(b"\x1b[31mNo\rpeace\x00 left\n", 2)
        self.reactor.last.ends(1)
        self.assertTrue(self.failed(running).endswith(": [31mNo; peace left"))

    def test_bad_end(self):
        """A bad end carries the status and what the program said, in one line."""
        running = self.start()
        self.partial.write_bytes(b"half")
        self.reactor.last.says(b"Conversion failed!\n\n", 2)
        self.reactor.last.says(b"No space left\n", 2)
        self.reactor.last.ends(1)
        self.assertEqual(
            self.failed(running),
            "recording render command /usr/bin/ffmpeg failed with status exit code 1: "
            "Conversion failed!; No space left",
        )

    def test_killed(self):
        """A program that somebody killed has failed."""
        running = self.start()
        self.reactor.last.ends(signal=9)
        self.assertTrue(self.failed(running).endswith("failed with status signal 9 (SIGKILL)"))

    def test_refused(self):
        """A program that cannot be started has failed."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        self.assertIn("cannot be started: No such file", self.failed(self.start()))

    def test_much_stderr(self):
        """A talkative program does not fill the memory or the sentence."""
        running = self.start()
        for _ in range(100):
            self.reactor.last.says(b"x" * 1000, 2)
        self.reactor.last.ends(1)
        self.assertLess(len(self.failed(running)), 2200)

    def test_empty(self):
        """An empty file is a failure whatever the program says."""
        running = self.start()
        self.partial.touch()
        self.reactor.last.says(DONE)
        self.reactor.last.ends(0)
        self.assertIn("an empty file", self.failed(running))

    def test_short(self):
        """Less audio than asked for is a failure, because ffmpeg ends well on a short input."""
        running = self.start()
        self.partial.write_bytes(b"music")
        self.reactor.last.says(b"out_time_us=790000\nprogress=end\n")
        self.reactor.last.ends(0)
        self.assertIn("0.790 s instead of 1.000 s", self.failed(running))

    def test_stall(self):
        """A program that does not move any more is ended, and as long as it moves it is not."""
        running = self.start()
        child = self.reactor.last
        self.reactor.advance(STALL_SECONDS - 1)
        child.says(b"out_time_us=500000\n")
        self.reactor.advance(STALL_SECONDS - 1)
        child.says(b"out_time_us=500000\nprogress=continue\n")
        self.assertEqual(child.signals, [])
        self.reactor.advance(1)
        self.assertEqual(child.signals, ["TERM"])
        self.reactor.advance(5)
        self.assertEqual(child.signals, ["TERM", "KILL"])
        child.ends(signal=9)
        self.assertIn("no progress for 60 s at 0.500 s", self.failed(running))

    def test_stall_of_an_immortal(self):
        """A program that cannot even be killed does not hold the job for ever."""
        running = self.start()
        self.reactor.pump([STALL_SECONDS, 5, 5])
        self.assertIn("no progress", self.failed(running))

    def test_cancel(self):
        """Cancelling kills the program and removes what it wrote."""
        running = self.start()
        self.partial.write_bytes(b"half")
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.assertFalse(self.partial.exists())
        self.reactor.last.ends(signal=9)

    def test_slow_disk(self):
        """What is left goes away in a thread, and the failure waits for that."""
        removing: Deferred[None] = Deferred()
        works = []

        def in_thread(work, *arguments):
            works.append((work, arguments))
            return removing

        running = self.start(in_thread=in_thread)
        self.reactor.last.ends(1)
        self.assertNoResult(running)
        self.assertTrue(self.partial.exists())
        ((work, arguments),) = works
        work(*arguments)
        removing.callback(None)
        self.failed(running)

    def test_full_disk(self):
        """A disk or a quota that is full is told apart, whatever the exit code."""
        for code, said in (
            (228, b"av_interleaved_write_frame(): No space left on device\n"),
            (1, b"Error writing trailer: Disk quota exceeded\n"),
            (0, b"Error writing trailer of file:x: No space left on device\n"),
        ):
            running = self.start()
            self.partial.write_bytes(b"most of it")
            self.reactor.last.says(said, 2)
            self.reactor.last.says(DONE)
            self.reactor.last.ends(code)
            self.assertIn(said.decode().strip(), self.failed(running, full=True))

    def test_bad_disk(self):
        """A file whose last block cannot be written is no result, though ffmpeg is content."""
        running = self.start()
        self.partial.write_bytes(b"most of it")
        self.reactor.last.says(b"Error writing trailer of file:x: Input/output error\n", 2)
        self.reactor.last.says(DONE)
        self.reactor.last.ends(0)
        self.assertIn("Input/output error", self.failed(running))

    def test_no_room_for_a_name(self):
        """A disk that takes not even an empty file is full."""
        full = OSError(errno.ENOSPC, "No space left on device")
        self.patch(runner, "reserve", Mock(side_effect=full))
        sentence = self.failed(self.start(), full=True)
        self.assertEqual(sentence, f"{self.target} cannot be written: No space left on device")
        self.assertEqual(self.reactor.spawned, [])

    def test_strung_together(self):
        """Silence in a recording is part of what came out, and both programs are polite."""
        whole = self.strip(0, 12000)
        silence = attrs.evolve(whole, pieces=(Piece(None, 0, 24000),))
        running = self.start(whole + silence + self.strip(36000, 48000))
        ffmpeg, feeder = self.reactor.spawned
        self.assertEqual(ffmpeg.argv[:4], ["/usr/bin/nice", "-n", "10", "/usr/bin/ffmpeg"])
        self.assertEqual(feeder.argv, ["/usr/bin/nice", "-n", "10", "python", "feed"])
        self.partial.write_bytes(b"music")
        ffmpeg.says(DONE)
        feeder.ends(0)
        ffmpeg.ends(0)
        done = self.successResultOf(running)
        self.assertEqual((done.frames, done.seconds), (48000, 1.0))

    def test_nothing(self):
        """A recording without a frame is refused without a program."""
        self.assertIn("no frames", self.failed(self.start(self.strip(10, 10))))
        self.assertEqual(self.reactor.spawned, [])

    def test_narrow_capture(self):
        """A capture that came out narrower than planned is refused in the words of the plan."""
        self.failureResultOf(self.start(self.strip(0, 9, channels=1)), ImpossibleRender)
        self.assertEqual(self.reactor.spawned, [])
