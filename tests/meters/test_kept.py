"""Tests for ``rakkr.meters.kept``, and for what an analysis puts there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.audio.recap import Cut, Recap
from rakkr.audio.seconds import Seconds
from rakkr.audio.tally import Tally
from rakkr.meters.analysis import Analysis
from rakkr.meters.kept import KEPT_SECONDS, MOST_FILES, PATIENCE_SECONDS, Kept

RATE = 8000
FILE = Path("/captures/a.raw.wav")
S16 = sample_format("S16_LE")


def analysis_of(record: Seconds) -> Analysis:
    """What measures into a record."""
    tally = Tally(record)
    return Analysis(
        S16, record.rate, record.channels, clip_dbfs=-1.0, speech=None, monitor=None, tally=tally
    )


def pcm(seconds: float, channels: int = 2) -> bytes:
    """Noise as bytes."""
    shape = round(seconds * RATE) * channels
    return np.random.default_rng(3).integers(-9000, 9000, shape).astype("<i2").tobytes()


class KeptTests(SynchronousTestCase):
    """Records of files."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.kept = Kept(self.clock, maybeDeferred)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ask(self, *cuts: Cut) -> Deferred[Recap]:
        """Ask for what was measured."""
        return Deferred.fromCoroutine(self.kept.measured(cuts))

    def test_unknown_file(self) -> None:
        """Of a file that no meter has read nothing is said, at once."""
        self.assertEqual(self.successResultOf(self.ask(Cut(FILE, 0, 10, 0))), Recap(0.0, ()))

    def test_many_files(self) -> None:
        """A device that comes and goes all day takes no more memory in the evening."""
        paths = [FILE.with_name(f"{number}.raw.wav") for number in range(MOST_FILES + 1)]
        for path in paths[:-1]:
            self.kept.begin(path, RATE, 2)
        self.assertEqual(self.kept.paths, paths[:-1])
        self.kept.begin(paths[-1], RATE, 2)
        self.assertEqual(self.kept.paths, paths[1:])

    def test_waits_for_the_end(self) -> None:
        """The numbers are given when the meters have read the last frame, and not before."""
        analysis = analysis_of(self.kept.begin(FILE, RATE, 2))
        analysis.feed(pcm(2))
        asked = self.ask(Cut(FILE, 0, 3 * RATE, 0))
        self.clock.advance(1)
        self.assertNoResult(asked)
        analysis.feed(pcm(1))
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(asked).measured_seconds, 3.0)

    def test_does_not_wait_for_ever(self) -> None:
        """Meters that never come to the end are waited for some seconds; what is known is told."""
        analysis_of(self.kept.begin(FILE, RATE, 2)).feed(pcm(2))
        asked = self.ask(Cut(FILE, 0, 3 * RATE, 0))
        self.clock.pump([0.1] * round(PATIENCE_SECONDS * 10 - 2))
        self.assertNoResult(asked)
        self.clock.pump([0.1] * 4)
        self.assertEqual(self.successResultOf(asked).measured_seconds, 2.0)

    def test_cancelled(self) -> None:
        """A question that is taken back leaves no timer."""
        self.kept.begin(FILE, RATE, 2)
        asked = self.ask(Cut(FILE, 0, 3 * RATE, 0))
        asked.addErrback(lambda _: None)
        asked.cancel()
        self.successResultOf(asked)

    def test_part_of_it_is_known(self) -> None:
        """Of a recording in two files, one of which an earlier agent measured, half is told."""
        analysis_of(self.kept.begin(FILE, RATE, 2)).feed(pcm(4))
        asked = self.ask(
            Cut(Path("/captures/gone.raw.wav"), 0, 4 * RATE, 0), Cut(FILE, 0, 4 * RATE, 5 * RATE)
        )
        self.assertEqual(self.successResultOf(asked).measured_seconds, 4.0)

    def test_forgotten(self) -> None:
        """A record lives a minute longer than the take that needs it."""
        self.kept.begin(FILE, RATE, 2)
        for _ in range(20):
            self.clock.advance(10)
            self.kept.sweep({FILE})
        self.clock.advance(KEPT_SECONDS)
        self.kept.sweep(())
        self.assertEqual(self.kept.paths, [FILE])
        self.clock.advance(1)
        self.kept.sweep(())
        self.assertEqual(self.kept.paths, [])

    def test_taken_up_again(self) -> None:
        """A file that is followed once more goes on in its record, unless its shape changed."""
        one = self.kept.begin(FILE, RATE, 2)
        self.assertIs(self.kept.begin(FILE, RATE, 2), one)
        self.assertIsNot(self.kept.begin(FILE, RATE, 4), one)


class AnalysisTests(SynchronousTestCase):
    """What an analysis keeps of its stream."""

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.integers(1, 20_000), min_size=1, max_size=6))
    def test_however_it_comes(self, sizes: list[int]) -> None:
        """The record is the same, in whatever pieces a stream comes."""
        data = pcm(3.3)
        whole, pieces = Seconds(RATE, 2), Seconds(RATE, 2)
        analysis_of(whole).feed(data)
        analysis, at, turn = analysis_of(pieces), 0, 0
        while at < len(data):
            size = 4 * sizes[turn % len(sizes)]
            analysis.feed(data[at : at + size])
            at, turn = at + size, turn + 1
        self.assertEqual(pieces.frames(0, 4).tolist(), whole.frames(0, 4).tolist())
        self.assertEqual(pieces.frames(0, 4).tolist(), [RATE, RATE, RATE, 3 * RATE // 10])
        for name in ("peak", "clipped", "silent"):
            one, other = (each.column(1, 0, 4)[name].tolist() for each in (whole, pieces))
            self.assertEqual(one, other)
        for name in ("power", "loudness"):
            one, other = (each.column(1, 0, 4)[name].astype(int) for each in (whole, pieces))
            self.assertLessEqual(np.abs(one - other).max(), 1)

    def test_left_out(self) -> None:
        """Frames that a slow machine left out are in no record."""
        record = Seconds(RATE, 2)
        analysis = analysis_of(record)
        analysis.feed(pcm(1.5))
        analysis.skip(2 * RATE)
        analysis.feed(pcm(1.5))
        self.assertEqual(record.frames(0, 6).tolist(), [RATE, RATE // 2, 0, RATE // 2, RATE, 0])
        self.assertEqual(record.reached, 5 * RATE)

    def test_levels_stay(self) -> None:
        """Keeping a record changes nothing of the levels that are sent."""
        kept, plain = (
            analysis_of(Seconds(RATE, 2)),
            Analysis(S16, RATE, 2, clip_dbfs=-1.0, speech=None, monitor=None),
        )
        for each in (kept, plain):
            each.feed(pcm(2.7))
        one, other = kept.frame(), plain.frame()
        self.assertEqual(one.frames, other.frames)
        for ours, theirs in zip(one.levels, other.levels, strict=True):
            self.assertEqual(ours.rounded().peak_dbfs, theirs.rounded().peak_dbfs)
            self.assertEqual(ours.rounded().rms_dbfs, theirs.rounded().rms_dbfs)
