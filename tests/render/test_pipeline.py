"""The render program and its feeder, in every order in which they can end."""

from __future__ import annotations

import fcntl
import os
from unittest.mock import Mock

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.render import pipeline
from rakkr.render.errors import RenderFailed
from rakkr.render.feed import NOBODY_READS
from rakkr.render.pipeline import FEEDER_SECONDS, STALL_SECONDS, Feed, Pipeline
from tests.fakes.processes import FakeReactor

ORDERS = b'{"pieces": []}'
EMPTY = "exit code 0 before it had read everything"


def open_descriptors():
    """Return the descriptors of this process; the one that lists them is closed again."""
    return {fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}  # noqa: PTH208, PTH110


class PipelineTests(SynchronousTestCase):
    """Both end well, or the one that failed first is named, and none is left."""

    def setUp(self):
        """Count descriptors."""
        self.reactor = FakeReactor()
        self.before = open_descriptors()
        self.seen = []

    def tearDown(self):
        """Nothing is left on the clock, and no descriptor is left open."""
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(open_descriptors(), self.before)

    def start(self):
        """Start both; their descriptors are theirs alone."""
        line = Pipeline(self.reactor, self.reactor, "ffmpeg", self.seen.append)
        running = Deferred.fromCoroutine(
            line.to_the_end(["ffmpeg", "-i", "pipe:0"], Feed(["feeder"], ORDERS), {"A": "b"})
        )
        if self.reactor.spawned:
            self.ffmpeg, self.feeder = self.reactor.spawned
        return running

    def failed(self, running):
        """Return the sentence of a failure."""
        failure = self.failureResultOf(running, RenderFailed).value
        self.assertFalse(failure.disk_full)
        return str(failure)

    def test_connected(self):
        """What the feeder writes is what ffmpeg reads, and its orders are on its stdin."""
        running = self.start()
        self.assertEqual(self.ffmpeg.argv, ["ffmpeg", "-i", "pipe:0"])
        self.assertEqual(self.feeder.argv, ["feeder"])
        self.assertEqual(self.ffmpeg.env, self.feeder.env)
        self.assertEqual(os.read(self.feeder._files[0], 100), ORDERS)
        self.feeder.writes(b"audio")
        self.assertEqual(os.read(self.ffmpeg._files[0], 100), b"audio")
        self.feeder.ends(0)
        self.assertEqual(os.read(self.ffmpeg._files[0], 100), b"", "nobody else may write")
        self.ffmpeg.ends(0)
        self.successResultOf(running)

    def test_wide_pipe(self):
        """A block fits into the pipe where that is allowed, and where it is not all goes on."""
        running = self.start()
        self.assertEqual(fcntl.fcntl(self.feeder._files[1], fcntl.F_GETPIPE_SZ), 1 << 20)
        self.feeder.ends(0)
        self.ffmpeg.ends(0)
        self.successResultOf(running)
        self.reactor.spawned.clear()
        self.patch(pipeline, "fcntl", Mock(side_effect=PermissionError(1, "not permitted")))
        running = self.start()
        self.feeder.ends(0)
        self.ffmpeg.ends(0)
        self.successResultOf(running)

    def test_feeder_first(self):
        """The feeder usually ends first, and ffmpeg is waited for."""
        running = self.start()
        self.feeder.ends(0)
        self.assertNoResult(running)
        self.ffmpeg.ends(0)
        self.successResultOf(running)

    def test_ffmpeg_first(self):
        """An ffmpeg that has ended well waits for the news of the feeder's good end."""
        running = self.start()
        self.ffmpeg.ends(0)
        self.assertNoResult(running)
        self.reactor.advance(FEEDER_SECONDS - 0.1)
        self.assertEqual(self.feeder.signals, [])
        self.feeder.ends(0)
        self.successResultOf(running)

    def test_ffmpeg_fails(self):
        """The failure of ffmpeg is named, not that of the feeder which follows, in any order."""
        for first, then in (("ffmpeg", "feeder"), ("feeder", "ffmpeg")):
            self.reactor.spawned.clear()
            running = self.start()
            self.ffmpeg.says(b"Conversion failed!\n", 2)
            codes = {"ffmpeg": 1, "feeder": NOBODY_READS}
            for who in (first, then):
                getattr(self, who).ends(codes[who])
            self.assertEqual(
                self.failed(running),
                "recording render command ffmpeg failed with status exit code 1: "
                "Conversion failed!",
            )

    def test_feeder_fails(self):
        """The failure of the feeder is named, whatever ffmpeg makes of its end, in any order."""
        for code in (0, 1):
            for first, then in (("ffmpeg", "feeder"), ("feeder", "ffmpeg")):
                self.reactor.spawned.clear()
                running = self.start()
                self.feeder.says(b"/a.wav ends 4 bytes early\n", 2)
                self.ffmpeg.says(b"Output file is empty\n", 2)
                codes = {"ffmpeg": code, "feeder": 1}
                for who in (first, then):
                    getattr(self, who).ends(codes[who])
                self.assertEqual(
                    self.failed(running),
                    "the pieces of the recording could not be read, exit code 1: "
                    "/a.wav ends 4 bytes early",
                )

    def test_feeder_killed(self):
        """A feeder that somebody killed has failed, though ffmpeg is content with less."""
        running = self.start()
        self.feeder.ends(signal=9)
        self.ffmpeg.ends(0)
        self.assertIn("could not be read, signal 9 (SIGKILL)", self.failed(running))

    def test_ffmpeg_killed(self):
        """An ffmpeg that somebody killed has failed."""
        running = self.start()
        self.ffmpeg.ends(signal=9)
        self.feeder.ends(NOBODY_READS)
        self.assertIn("failed with status signal 9 (SIGKILL)", self.failed(running))

    def test_half_read(self):
        """An ffmpeg that ends well before it has read everything has failed."""
        running = self.start()
        self.ffmpeg.ends(0)
        self.feeder.ends(NOBODY_READS)
        self.assertIn(EMPTY, self.failed(running))

    def test_feeder_that_stays(self):
        """A feeder that goes on behind ffmpeg is killed, and the recording is not trusted."""
        running = self.start()
        self.ffmpeg.ends(0)
        self.reactor.advance(FEEDER_SECONDS)
        self.assertEqual(self.feeder.signals, ["KILL"])
        self.assertNoResult(running)
        self.feeder.ends(signal=9)
        self.assertIn(EMPTY, self.failed(running))

    def test_immortal_feeder(self):
        """A feeder that waits for a dead disk does not hold the job for ever."""
        running = self.start()
        self.ffmpeg.says(b"Conversion failed!\n", 2)
        self.ffmpeg.ends(1)
        self.reactor.pump([FEEDER_SECONDS, 5, 5])
        self.assertIn("Conversion failed!", self.failed(running))
        self.feeder.ends(signal=9)

    def test_stall(self):
        """A run that does not move is ended, and the feeder ends with ffmpeg."""
        running = self.start()
        self.ffmpeg.says(b"out_time_us=500000\n")
        self.reactor.advance(STALL_SECONDS)
        self.assertEqual((self.ffmpeg.signals, self.feeder.signals), (["TERM"], []))
        self.ffmpeg.ends(255)
        self.feeder.ends(NOBODY_READS)
        self.assertIn("no progress for 60 s at 0.500 s", self.failed(running))

    def test_no_stall_behind_the_end(self):
        """The watch ends with ffmpeg: the feeder's last moments are no stall."""
        running = self.start()
        self.reactor.advance(STALL_SECONDS - 1)
        self.ffmpeg.ends(0)
        self.reactor.advance(2)
        self.feeder.ends(0)
        self.successResultOf(running)

    def test_cancel(self):
        """Cancelling kills both."""
        running = self.start()
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual((self.ffmpeg.signals, self.feeder.signals), (["KILL"], ["KILL"]))
        self.ffmpeg.ends(signal=9)
        self.feeder.ends(signal=9)

    def test_cancel_behind_ffmpeg(self):
        """Cancelling while only the feeder is left kills it."""
        running = self.start()
        self.ffmpeg.ends(0)
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual((self.ffmpeg.signals, self.feeder.signals), ([], ["KILL"]))
        self.feeder.ends(signal=9)

    def test_no_ffmpeg(self):
        """Without ffmpeg no feeder is started."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        self.assertIn("ffmpeg cannot be started: No such file", self.failed(self.start()))
        self.assertEqual(self.reactor.spawned, [])

    def test_no_feeder(self):
        """A feeder that cannot be started is named, when ffmpeg has ended for want of input."""
        spawn = self.reactor.spawnProcess

        def only_one(*args, **kwargs):
            if self.reactor.spawned:
                raise PermissionError(13, "Permission denied")
            return spawn(*args, **kwargs)

        self.patch(self.reactor, "spawnProcess", only_one)
        line = Pipeline(self.reactor, self.reactor, "ffmpeg", self.seen.append)
        running = Deferred.fromCoroutine(line.to_the_end(["ffmpeg"], Feed(["feeder"], ORDERS), {}))
        (ffmpeg,) = self.reactor.spawned
        self.assertEqual(os.read(ffmpeg._files[0], 1), b"")
        ffmpeg.ends(0)
        self.assertIn("feeder cannot be started: Permission denied", self.failed(running))

    def test_no_descriptors(self):
        """A process that has no descriptor left says so, and keeps none."""
        self.patch(os, "memfd_create", Mock(side_effect=OSError(24, "Too many open files")))
        self.assertEqual(
            self.failed(self.start()), "rendering cannot be started: Too many open files"
        )

    def test_much_stderr(self):
        """A talkative feeder does not fill the memory or the sentence."""
        running = self.start()
        for _ in range(100):
            self.feeder.says(b"x" * 1000, 2)
        self.feeder.ends(1)
        self.ffmpeg.ends(0)
        self.assertLess(len(self.failed(running)), 2200)
