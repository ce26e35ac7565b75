"""Tests for ``rakkr.meters.follower``."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.internet.defer import Deferred

from rakkr.capture.capture import Capture, adopt_capture
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.request import CaptureLimits
from rakkr.capture.surroundings import Surroundings
from rakkr.meters.analysis import MakeAnalysis
from rakkr.meters.follower import (
    CATCH_UP_SECONDS,
    LATEST_SECONDS,
    MOST_BEHIND_SECONDS,
    Follower,
)
from tests.capture.case import CaptureCase
from tests.capture.requests import request
from tests.fakes.threads import FakeThreads
from tests.meters.making import RATE, heard, make, make_defective, pcm, ramp

LOUD = b"\xff\x7f" * 2


class FollowerCase(CaptureCase):
    def setUp(self) -> None:
        super().setUp()
        self.slow = FakeThreads()

    def follow(
        self, capture: Capture, *, from_start: bool = True, making: MakeAnalysis = make
    ) -> Follower:
        """Follow a capture; what is measured is measured in threads of its own."""
        return Follower(capture, making, self.slow, self.reactor, from_start=from_start)

    def begin(self, **changes: Any) -> tuple[Capture, Follower]:
        """Start a capture, and follow it."""
        capture = self.start(seconds=100, **changes)
        return capture, self.follow(capture)

    def look(self, follower: Follower) -> None:
        """Look once."""
        self.successResultOf(Deferred.fromCoroutine(follower.look()))

    def second(self, data: bytes | None = None) -> None:
        """Let a second pass in which the program delivers a second, or this."""
        self.reactor.pump([0.25] * 4)
        self.reactor.last.writes(pcm(1.0, 0.5) if data is None else data)
        self.reactor.advance(0)

    def end(self, capture: Capture) -> None:
        """Let the program end."""
        capture.stop()
        self.reactor.last.ends(1)
        self.outcome(capture)

    def frames(self, follower: Follower) -> int:
        """How many frames were measured since this was asked last."""
        found = self.successResultOf(Deferred.fromCoroutine(follower.sum_up()))
        return 0 if found is None else found.frames


class FollowerTests(FollowerCase):
    def test_each_frame_once(self) -> None:
        """Every frame is measured once and in order, whatever sizes the program writes in."""
        capture, follower = self.begin()
        self.look(follower)
        self.assertIsNone(follower.analysis)
        data = ramp(5 * RATE)
        for start in range(0, len(data), 9_999):  # no whole frames
            self.reactor.last.writes(data[start : start + 9_999])
            self.reactor.advance(0.1)
            self.look(follower)
        self.end(capture)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(follower.measured, 5 * RATE)
        self.assertEqual(follower.left_out(), 0)
        self.successResultOf(Deferred.fromCoroutine(follower.finish()))
        assert follower.analysis is not None
        samples = heard(follower.analysis.take_chunks()).astype(int)[200:-200:2]
        expected = np.arange(5 * RATE)[100:-100] % 20_000
        far = np.abs(expected - 20_000) > 200  # where the ramp begins anew, a filter rings
        far &= expected > 200
        self.assertLess(np.abs(samples - expected)[far].max(), 20)

    def test_the_last_frames(self) -> None:
        """What a capture wrote last is measured before the follower is over."""
        capture, follower = self.begin()
        self.second()
        self.look(follower)
        self.reactor.last.writes(pcm(0.5, 0.25))
        self.end(capture)
        self.assertFalse(follower.is_over)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(self.frames(follower), RATE + RATE // 2)

    def test_an_end_during_a_look(self) -> None:
        """A capture that ends while it is looked at is looked at once more."""
        capture, follower = self.begin()
        self.second()
        self.slow.held = []
        looking = Deferred.fromCoroutine(follower.look())
        self.reactor.last.writes(pcm(0.5, 0.25))
        self.end(capture)
        self.slow.release()
        self.successResultOf(looking)
        self.assertFalse(follower.is_over)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(follower.measured, RATE + RATE // 2)

    def test_over_before_the_first_look(self) -> None:
        """A capture that has ended already is measured whole."""
        capture, follower = self.begin()
        self.second()
        self.end(capture)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(self.frames(follower), RATE)

    def test_nothing_came(self) -> None:
        """A capture without a sample ends its follower, too."""
        capture, follower = self.begin()
        self.end(capture)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(self.frames(follower), 0)

    def test_from_now_on(self) -> None:
        """Who joins late measures nothing of what lies before, and counts none of it as lost."""
        capture, _ = self.begin()
        for _ in range(20):
            self.second()
        follower = self.follow(capture, from_start=False)
        self.look(follower)
        self.second(pcm(1.0, 0.25))
        self.look(follower)
        self.assertEqual(follower.measured, RATE)
        self.assertEqual(follower.left_out(), 0)
        found = self.successResultOf(Deferred.fromCoroutine(follower.sum_up()))
        assert found is not None
        self.assertAlmostEqual(found.levels[0].peak_dbfs, -12.04, 1)
        self.end(capture)

    def test_too_slow(self) -> None:
        """Up to a limit all is caught up with; beyond it the rest is left out, and told."""
        for behind, left in (
            (MOST_BEHIND_SECONDS, 0.0),
            (MOST_BEHIND_SECONDS + 1.0, MOST_BEHIND_SECONDS + 1.0 - CATCH_UP_SECONDS),
        ):
            capture, follower = self.begin()
            self.second()
            self.look(follower)
            for _ in range(round(behind)):
                self.second()
            self.look(follower)
            self.assertEqual(follower.left_out(), round(left * RATE))
            self.assertEqual(follower.left_out(), 0)
            self.assertEqual(follower.measured, round((1.0 + behind - left) * RATE))
            self.end(capture)

    def test_big_blocks(self) -> None:
        """A piece is bounded, however much there is to catch up with."""
        capture, follower = self.begin(channels=64)
        self.reactor.advance(1.0)
        self.reactor.last.writes(bytes(5 * RATE * 128))
        self.reactor.advance(0.25)
        self.slow.held = []
        looking = Deferred.fromCoroutine(follower.look())
        pieces = 0
        while self.slow.held:
            pieces += 1
            self.slow.held.pop(0)()
        self.successResultOf(looking)
        self.assertEqual(pieces, 3)
        self.assertEqual(follower.measured, 5 * RATE)
        self.end(capture)

    def test_a_file_that_cannot_be_read(self) -> None:
        """While it grows that is an error of the look, and the next one goes on where it was."""
        capture, follower = self.begin()
        self.second()
        away = self.path.with_name("away")
        self.path.rename(away)
        self.failureResultOf(Deferred.fromCoroutine(follower.look()), OSError)
        away.rename(self.path)
        self.look(follower)
        self.assertEqual(follower.measured, RATE)
        self.end(capture)

    def test_a_file_that_was_removed(self) -> None:
        """A file that was delivered and removed after the end is no error, and ends it."""
        capture, follower = self.begin()
        self.second()
        self.end(capture)
        self.path.unlink()
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual(follower.left_out(), 0)

    def test_an_unreadable_end(self) -> None:
        """A file that cannot be read after the end does not keep the follower for ever."""
        capture, follower = self.begin()
        self.second()
        self.end(capture)
        self.path.unlink()
        self.path.mkdir()
        self.failureResultOf(Deferred.fromCoroutine(follower.look()), OSError)
        self.assertTrue(follower.is_over)
        self.assertEqual(follower.left_out(), RATE)


class DefectTests(FollowerCase):
    def test_goes_on_behind_it(self) -> None:
        """What the analysis cannot take is left out and counted, and measuring begins anew."""
        capture = self.start(seconds=100)
        follower = self.follow(capture, making=make_defective)
        self.second()
        self.look(follower)
        self.second(LOUD * RATE)
        self.failureResultOf(Deferred.fromCoroutine(follower.look()), ZeroDivisionError)
        self.second()
        self.look(follower)
        self.assertEqual(self.frames(follower), RATE)
        self.assertEqual(follower.left_out(), 2 * RATE, "of the second before nothing was told")
        self.end(capture)

    def test_at_the_end(self) -> None:
        """A defect at the end ends the follower all the same."""
        capture = self.start(seconds=100)
        follower = self.follow(capture, making=make_defective)
        self.second(LOUD * RATE)
        self.end(capture)
        self.failureResultOf(Deferred.fromCoroutine(follower.look()), ZeroDivisionError)
        self.assertTrue(follower.is_over)
        self.assertEqual(follower.left_out(), RATE)

    def test_cancelled(self) -> None:
        """A look that is broken off leaves its thread alone: nothing is measured twice."""
        capture, follower = self.begin()
        self.second()
        self.slow.held = []
        looking = Deferred.fromCoroutine(follower.look())
        left = follower.analysis
        looking.cancel()
        self.failureResultOf(looking)
        self.slow.held.clear()
        self.slow.release()
        self.second()
        self.look(follower)
        self.assertIsNot(follower.analysis, left)
        self.assertEqual(follower.measured, RATE)
        self.end(capture)

    def test_another_rate(self) -> None:
        """A program that turns out to deliver another rate is measured at that one."""
        capture, follower = self.begin()
        self.second()
        self.look(follower)
        said = b"Warning: rate is not accurate (requested = 8000Hz, got = 16000Hz)\n"
        self.reactor.last.writes(said, 2)
        self.second()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.end(capture)
        self.look(follower)
        assert follower.analysis is not None
        self.assertEqual(follower.analysis.rate, 16_000)
        self.assertEqual(self.frames(follower), RATE)
        self.assertEqual(follower.left_out(), RATE, "what was measured at the wrong rate")


class TimeTests(FollowerCase):
    def assertEndedAt(self, follower: Follower, moment: float) -> None:
        """The last frame was captured at that moment."""
        self.assertAlmostEqual(follower.ended_at, moment, 3)

    def test_from_the_first_sample(self) -> None:
        """The last frame is as old as the first, less what lies between; never of the future."""
        capture, follower = self.begin()
        self.assertEndedAt(follower, self.reactor.seconds())
        self.second()
        self.reactor.advance(0.25)
        self.look(follower)
        assert capture.started_at is not None
        self.assertEndedAt(follower, capture.started_at + 1.0)
        self.reactor.advance(0.5)
        self.assertEndedAt(follower, capture.started_at + 1.0)
        self.end(capture)

    def test_a_card_that_is_slow(self) -> None:
        """A card that is late by more than a program may keep does not make audio look old."""
        capture, follower = self.begin()
        for _ in range(60):
            self.second(pcm(0.9, 0.5))
            self.look(follower)
        self.assertEndedAt(follower, self.reactor.seconds() - LATEST_SECONDS)
        self.end(capture)

    def test_a_card_that_is_fast(self) -> None:
        """A card that is early does not make audio of the future."""
        capture, follower = self.begin()
        for _ in range(60):
            self.second(pcm(1.1, 0.5))
            self.look(follower)
        self.assertEndedAt(follower, self.reactor.seconds())
        self.reactor.advance(3.0)
        self.assertEndedAt(follower, self.reactor.seconds() - 3.0)
        self.end(capture)


class DropoutTests(FollowerCase):
    def overrun(self) -> None:
        """Let the program report a gap, and the capture read it."""
        self.reactor.last.writes(b"overrun!!! (at least 12.5 ms long)\n", 2)
        self.second()
        self.second()

    def test_each_once(self) -> None:
        """A gap that the program reports is told once."""
        capture, follower = self.begin()
        self.overrun()
        self.assertEqual(follower.dropouts(), Dropouts(1, 12.5))
        self.assertEqual(follower.dropouts(), Dropouts())
        self.overrun()
        self.assertEqual(follower.dropouts(), Dropouts(1, 12.5))
        self.end(capture)

    def test_of_before(self) -> None:
        """Gaps from before a follower joined are not told as new."""
        capture, _ = self.begin()
        self.overrun()
        follower = self.follow(capture, from_start=False)
        self.assertEqual(follower.dropouts(), Dropouts())
        self.overrun()
        self.assertEqual(follower.dropouts().count, 1)
        self.end(capture)


class AdoptedTests(FollowerCase):
    def test_the_present_end(self) -> None:
        """A capture of an earlier agent is measured from where it is now."""
        capture = self.start(seconds=100)
        self.second()
        self.second()
        trace = capture.trace
        capture.let_go()
        world = Surroundings(
            spawner=self.reactor, clock=self.reactor, in_thread=self.threads, env={}
        )
        adopted = adopt_capture(request(path=self.path), trace, CaptureLimits(), world)
        self.assertTrue(adopted.adopted)
        self.assertFalse(capture.adopted)
        follower = self.follow(adopted, from_start=False)
        self.look(follower)
        self.assertTrue(follower.is_over)
        self.assertEqual((follower.measured, follower.left_out()), (0, 0))
        self.reactor.last.ends(0)
