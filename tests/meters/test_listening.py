"""Tests for ``rakkr.meters.listening``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import wave
from rakkr.capture.dropouts import Dropouts
from rakkr.meters.analysis import MakeAnalysis
from rakkr.meters.listening import LONGEST_HEADER, MOST_SECONDS, Listening
from tests.capture.requests import request
from tests.fakes.threads import FakeThreads
from tests.meters.making import RATE, S16, make, make_defective, pcm


class ListeningCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.threads = FakeThreads()
        self.listen()

    def listen(self, making: MakeAnalysis = make, **changes: Any) -> None:
        """Begin with a new program."""
        self.subject = Listening(request(**changes), S16, making, self.threads, self.clock)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def gives(self, data: bytes) -> None:
        """Let samples come."""
        self.subject.hears(1, data)

    def says(self, text: str | bytes) -> None:
        """Let messages come."""
        self.subject.hears(2, text.encode() if isinstance(text, str) else text)

    def look(self) -> None:
        """Look once."""
        self.successResultOf(Deferred.fromCoroutine(self.subject.look()))

    def peaks(self) -> list[float]:
        """The peaks since this was asked last; none where nothing was measured."""
        found = self.successResultOf(Deferred.fromCoroutine(self.subject.sum_up()))
        return [] if found is None else [round(each.peak_dbfs, 1) for each in found.levels]


class SamplesTests(ListeningCase):
    def test_pieces(self) -> None:
        """Frames that lie across pieces and looks are put together, and none is lost."""
        data = pcm(1.0, 0.5, 0.25)
        for start in range(0, len(data), 1001):
            self.gives(data[start : start + 1001])
            if start % 3 == 0:
                self.look()
        self.look()
        self.assertEqual(self.subject.measured, RATE)
        self.assertEqual(self.peaks(), [-6.0, -12.0])
        self.assertEqual(self.peaks(), [], "nothing new")

    def test_nothing(self) -> None:
        """A look when nothing has come measures nothing."""
        self.look()
        self.assertIsNone(self.subject.analysis)
        self.gives(b"\1\2\3")
        self.look()
        self.assertIsNone(self.subject.analysis)
        self.assertEqual(self.peaks(), [])

    def test_what_comes_during_a_look(self) -> None:
        """What comes while a thread measures is measured at the next look."""
        self.gives(pcm(1.0, 0.5))
        self.threads.held = []
        looking = Deferred.fromCoroutine(self.subject.look())
        self.gives(pcm(0.5, 0.25))
        self.threads.release()
        self.successResultOf(looking)
        self.assertEqual(self.subject.measured, RATE)
        self.look()
        self.assertEqual(self.subject.measured, RATE + RATE // 2)

    def test_the_end(self) -> None:
        """What a program gave last is measured before all is over, and nothing comes after."""
        self.gives(pcm(1.0, 0.5))
        self.subject.ends()
        self.assertFalse(self.subject.is_over)
        self.look()
        self.assertTrue(self.subject.is_over)
        self.assertEqual(self.subject.measured, RATE)
        self.gives(pcm(1.0, 0.5))
        self.says("late")
        self.assertEqual((self.subject.frames_now(), self.subject.said), (RATE, ""))

    def test_an_end_during_a_look(self) -> None:
        """What came during the last look, before the end, is measured by one more."""
        self.gives(pcm(1.0, 0.5))
        self.threads.held = []
        looking = Deferred.fromCoroutine(self.subject.look())
        self.gives(pcm(0.5, 0.25))
        self.subject.ends()
        self.threads.release()
        self.successResultOf(looking)
        self.assertFalse(self.subject.is_over)
        self.look()
        self.assertTrue(self.subject.is_over)
        self.assertEqual(self.subject.measured, RATE + RATE // 2)

    def test_when(self) -> None:
        """The last frame is as old as the piece in which it came."""
        self.clock.advance(5)
        self.gives(pcm(1.0, 0.5))
        self.clock.advance(2)
        self.assertEqual(self.subject.quiet_seconds(), 2.0)
        self.look()
        self.assertEqual(self.subject.ended_at, 5.0)
        self.look()
        self.assertEqual(self.subject.ended_at, 5.0)

    def test_too_slow(self) -> None:
        """So much waits, and no more; what is left out is counted, and frames stay whole."""
        self.gives(pcm(MOST_SECONDS, 0.5))
        self.assertEqual(self.subject.left_out(), 0)
        self.gives(pcm(1.0, 0.5)[:4001])
        self.assertEqual(self.subject.left_out(), round(MOST_SECONDS * RATE) + 1000)
        self.gives(pcm(1.0, 0.5)[4001:])
        self.gives(pcm(1.0, 0.25, 0.125))
        self.look()
        assert self.subject.analysis is not None
        self.assertEqual(self.subject.analysis.position, (MOST_SECONDS + 2) * RATE)
        self.assertEqual(self.subject.measured, 2 * RATE - 1000)
        self.assertEqual(self.subject.left_out(), 0)
        self.assertEqual(self.peaks(), [-6.0, -6.0])

    def test_too_slow_for_long(self) -> None:
        """However long nobody looks, no more than that is kept."""
        for _ in range(100):
            self.gives(pcm(1.0, 0.5))
        kept = self.subject.frames_now() - self.subject.left_out()
        self.assertLessEqual(kept, MOST_SECONDS * RATE)
        self.look()
        self.assertEqual(self.subject.measured, kept)

    def test_a_thread_is_not_disturbed(self) -> None:
        """What is left out while a thread measures is a gap behind what it measures."""
        self.gives(pcm(1.0, 0.5))
        self.threads.held = []
        looking = Deferred.fromCoroutine(self.subject.look())
        analysis = self.subject.analysis
        assert analysis is not None
        self.gives(pcm(MOST_SECONDS + 1.0, 0.5))
        self.assertEqual(analysis.position, 0)
        self.threads.release()
        self.successResultOf(looking)
        self.assertEqual(analysis.position, RATE)
        self.look()
        self.assertEqual(analysis.position, RATE, "a gap counts when something follows it")
        self.gives(pcm(1.0, 0.5))
        self.look()
        self.assertEqual(analysis.position, round((MOST_SECONDS + 3) * RATE))
        self.assertEqual(self.subject.measured, 2 * RATE)


class HeaderTests(ListeningCase):
    def test_a_header(self) -> None:
        """A WAV header is no sound, in whatever pieces it comes, and what it says is believed."""
        data = wave.header(S16, 16_000, 1, 0) + pcm(1.0, 0.5, 0.5)
        for size in (1, 7, len(data)):
            self.listen()
            for start in range(0, len(data), size):
                self.gives(data[start : start + size])
            self.look()
            assert self.subject.analysis is not None
            self.assertEqual(self.subject.analysis.shape, (S16, 16_000, 1))
            self.assertEqual(self.subject.measured, 2 * RATE)
            self.assertEqual(self.subject.frames_now(), 2 * RATE)
            self.assertEqual(self.peaks(), [-6.0])

    def test_no_header(self) -> None:
        """Samples that begin as a header does are samples all the same."""
        for data in (b"RIFFRIFF" + pcm(1.0, 0.5), b"R" * 8 + pcm(1.0, 0.5), b"RF65" * 2000):
            self.listen()
            self.gives(data)
            self.subject.ends()
            self.look()
            self.assertEqual(self.subject.measured, len(data) // 4)

    def test_a_long_header(self) -> None:
        """What is no header after so many bytes never will be one."""
        head = b"RIFF" + bytes(LONGEST_HEADER - 5)
        self.gives(head)
        self.assertEqual(self.subject.frames_now(), 0)
        self.gives(bytes(1))
        self.assertEqual(self.subject.frames_now(), LONGEST_HEADER // 4)

    def test_a_few_bytes(self) -> None:
        """A program that ends behind the beginning of a header gave samples."""
        self.gives(b"RIFF")
        self.subject.ends()
        self.look()
        self.assertEqual(self.subject.measured, 1)


class MessagesTests(ListeningCase):
    def test_gaps(self) -> None:
        """A gap is told once, with its length, though its line comes in pieces."""
        self.says("overr")
        self.says("un!!! (at least 12")
        self.assertEqual(self.subject.dropouts(), Dropouts())
        self.says(".5 ms long)\noverrun!!!\n")
        self.assertEqual(self.subject.dropouts(), Dropouts(2, 12.5))
        self.assertEqual(self.subject.dropouts(), Dropouts())

    def test_a_last_line(self) -> None:
        """The last line counts without an end, too."""
        self.says("failed with a total of 3 overruns")
        self.subject.ends()
        self.assertEqual(self.subject.dropouts().count, 3)

    def test_said(self) -> None:
        """What was said is told without gaps, which are not why a program ended, and chatter."""
        self.says("Recording raw data 'stdin' : Signed 16 bit\noverrun!!! (at least 1 ms long)\n")
        self.says(b"arecord: read error:\xff No such device\nand")
        self.assertEqual(self.subject.said, "arecord: read error:\ufffd No such device; and")

    def test_another_rate(self) -> None:
        """Samples have the rate that the program says, for levels and for those who listen."""
        self.says("Warning: rate is not accurate (requested = 8000Hz, got = 16000Hz)\n")
        self.gives(pcm(1.0, 0.5))
        self.look()
        assert self.subject.analysis is not None
        self.assertEqual(self.subject.analysis.rate, 16_000)

    def test_a_talkative_program(self) -> None:
        """The end of what was said is kept, with or without lines, and no more."""
        self.says("x" * 100_000)
        self.assertLess(len(self.subject.said), 1001)
        self.assertLess(len(self.subject._line), 5000)
        for number in range(10_000):
            self.says(f"line {number}\n")
        self.assertLess(len(self.subject.said), 1001)
        self.assertTrue(self.subject.said.endswith("line 9999"))
        self.assertLess(len(self.subject._said), 5000)


class DefectTests(ListeningCase):
    def test_goes_on_behind_it(self) -> None:
        """What the analysis cannot take is left out and counted, and measuring begins anew."""
        self.listen(make_defective)
        self.gives(pcm(1.0, 0.5))
        self.look()
        self.gives(b"\xff\x7f" * 2 * RATE)
        self.failureResultOf(Deferred.fromCoroutine(self.subject.look()), ZeroDivisionError)
        self.assertEqual(self.subject.left_out(), 2 * RATE)
        self.gives(pcm(1.0, 0.25))
        self.look()
        self.assertEqual(self.peaks(), [-12.0, -12.0])

    def test_nothing_can_be_made(self) -> None:
        """An analysis that cannot be made loses what came, and does not keep it for ever."""

        def broken(*_: object) -> Any:
            raise ZeroDivisionError("a defect")

        self.listen(broken)
        self.gives(pcm(1.0, 0.5))
        self.subject.ends()
        self.failureResultOf(Deferred.fromCoroutine(self.subject.look()), ZeroDivisionError)
        self.assertEqual(self.subject.left_out(), RATE)
        self.assertTrue(self.subject.is_over)

    def test_forget(self) -> None:
        """What is forgotten before it was summed up counts as left out."""
        self.gives(pcm(1.0, 0.5))
        self.look()
        self.subject.forget()
        self.subject.forget()
        self.assertEqual(self.subject.left_out(), RATE)
        self.assertEqual(self.peaks(), [])
