"""Tests for ``rakkr.meters.analysis``."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import PartialFrame
from rakkr.meters.analysis import Analysis
from tests.meters.making import RATE, S16, heard, make, pcm, ramp


class AnalysisTests(SynchronousTestCase):
    def test_levels(self) -> None:
        """A frame has the levels of each channel, of everything since the last frame."""
        subject = make(S16, RATE, 2)
        subject.feed(pcm(1.0, 0.5, 0.25))
        subject.feed(pcm(1.0, 0.125, 0.25))
        measured = subject.frame()
        self.assertEqual(measured.frames, 2 * RATE)
        peaks = [round(each.peak_dbfs, 2) for each in measured.levels]
        self.assertEqual(peaks, [-6.02, -12.04])
        subject.feed(pcm(0.5, 0.125, 0.25))
        measured = subject.frame()
        self.assertEqual(measured.frames, RATE // 2)
        self.assertAlmostEqual(measured.levels[0].peak_dbfs, -18.06, 2)

    def test_nothing(self) -> None:
        """Without samples there are no frames in it, so nobody takes it for silence."""
        self.assertEqual(make(S16, RATE, 2).frame().frames, 0)

    def test_whole_frames_only(self) -> None:
        """A part of a frame is refused, and nothing of it is counted."""
        subject = make(S16, RATE, 2)
        with self.assertRaises(PartialFrame):
            subject.feed(bytes(4 * RATE + 2))
        self.assertEqual((subject.frames, subject.position), (0, 0))

    def test_listening(self) -> None:
        """Chunks are taken once; together they are the source, and the end is heard too."""
        subject = make(S16, RATE, 2)
        subject.feed(ramp(7000))
        chunks = subject.take_chunks()
        self.assertEqual([chunk.samples for chunk in chunks], [8000])
        self.assertEqual(subject.take_chunks(), [])
        subject.feed(ramp(3000, 7000))
        subject.end()
        chunks += subject.take_chunks()
        self.assertEqual([chunk.first_frame for chunk in chunks], [0, 4000, 8000])
        self.assertEqual(sum(chunk.samples for chunk in chunks), 20_000)
        inner = heard(chunks)[200:-200:2].astype(int)
        self.assertLess(np.abs(inner - np.arange(100, 9900)).max(), 20)

    def test_gap(self) -> None:
        """What was left out is in no chunk, and the next one says where it begins."""
        subject = make(S16, RATE, 2)
        subject.feed(ramp(1000))
        subject.skip(5000)
        self.assertEqual((subject.position, subject.frames), (6000, 1000))
        subject.feed(ramp(4500, 6000))
        first, second = subject.take_chunks()
        self.assertEqual((first.first_frame, first.samples), (0, 2000))
        self.assertEqual((second.first_frame, second.samples), (6000, 8000))
        subject.gap(11_000)
        self.assertEqual([each.first_frame for each in subject.take_chunks()], [10_000])

    def test_begin(self) -> None:
        """A stream that is joined late is numbered as its source is, and nothing is missing."""
        subject = make(S16, RATE, 2)
        subject.begin(80_000)
        self.assertEqual(subject.take_chunks(), [])
        subject.feed(ramp(4500))
        (chunk,) = subject.take_chunks()
        self.assertEqual(chunk.first_frame, 80_000)

    def test_nobody_listens(self) -> None:
        """Without listeners, and without ears for speech, levels are measured all the same."""
        subject = Analysis(S16, RATE, 2, clip_dbfs=-1.0, speech=None, monitor=None)
        subject.feed(pcm(1.0, 0.5))
        subject.gap(20_000)
        subject.end()
        self.assertEqual(subject.take_chunks(), [])
        quality = subject.frame().levels[0].quality
        assert quality is not None
        self.assertFalse(quality.speech_like)
