"""Tests for ``rakkr.meters.idle``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere, Route
from rakkr.capture.router import FindRoute
from rakkr.capture.tie import Tie
from rakkr.inventory.view import NoAnswer, Server, View
from rakkr.meters.idle import (
    CALM_SECONDS,
    LADDER,
    STALL_SECONDS,
    TRUSTED_SECONDS,
    IdleMeter,
    IdleWorld,
)
from tests.capture.requests import request
from tests.capture.test_capture_tie import ELSEWHERE, GONE, GOOD, TIE
from tests.fakes.processes import FakeReactor
from tests.fakes.threads import FakeThreads
from tests.meters.making import RATE, S16, make, pcm

SOON = 0.5
"""The longest pause behind a first failure."""


class IdleCase(SynchronousTestCase):
    """A program that is kept going; its pauses are as long as they can be."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.wished = request(seconds=86_400)
        self.routes: list[Any] = []
        self.failures: list[str] = []
        self.looks = 0
        self.view: View = GOOD
        find: FindRoute = self.find_route
        world = IdleWorld(
            find_route=find,
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=FakeThreads(),
            look=self.look_at,
            env={"PATH": "/nowhere", "LC_ALL": "de_DE"},
            random=lambda: 0.0,
        )
        self.subject = IdleMeter(self.request, make, world, self.failed)

    def tearDown(self) -> None:
        """Stop, and see that nothing is left."""
        gone = self.subject.stop()
        if self.reactor.spawned and not self.reactor.last.ended:
            self.reactor.last.ends(1)
        self.successResultOf(gone)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def request(self) -> CaptureRequest:
        """What is wished at this moment."""
        return self.wished

    def failed(self, wished: CaptureRequest, error: str) -> None:
        """Note a failure."""
        self.failures.append(f"{wished.device}: {error}")

    def find_route(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Find what is laid out, else no special route."""
        return Deferred.fromCoroutine(self._find(request))

    async def _find(self, wished: CaptureRequest) -> CaptureRequest:
        found = self.routes.pop(0) if self.routes else wished
        if isinstance(found, Deferred):
            found = await found
        if isinstance(found, Exception):
            raise found
        return found

    async def look_at(self, server: Server) -> View:
        """Show what is laid out."""
        self.looks += 1
        return self.view

    def spawned(self) -> int:
        """How many programs were called."""
        return len(self.reactor.spawned)


class GoingTests(IdleCase):
    def test_one_program(self) -> None:
        """One program is called, once, in the C locale, and goes on."""
        self.subject.start()
        self.subject.start()
        self.assertEqual(self.reactor.last.argv[:3], ["arecord", "-D", "hw:0"])
        self.assertEqual(self.reactor.last.env, {"PATH": "/nowhere", "LC_ALL": "C"})
        for _ in range(100):
            self.reactor.advance(1)
            self.reactor.last.says(pcm(1.0, 0.5))
        self.assertEqual((self.spawned(), self.failures), (1, []))
        assert self.subject.stream is not None
        self.assertEqual(self.subject.stream.frames_now(), 100 * RATE)

    def test_an_end(self) -> None:
        """A program that ends is reported with what it said, and called again soon."""
        self.subject.start()
        self.reactor.last.says(b"audio open error: No such device\n", 2)
        self.reactor.last.ends(1)
        self.assertEqual(
            self.failures,
            ["hw:0: meter command exited with exit code 1: audio open error: No such device"],
        )
        self.reactor.advance(SOON - 0.01)
        self.assertEqual(self.spawned(), 1)
        self.reactor.advance(0.01)
        self.assertEqual(self.spawned(), 2)

    def test_later_each_time(self) -> None:
        """A program that gives nothing is called again later each time, up to ten seconds."""
        self.subject.start()
        pauses = []
        for number in range(2, 12):
            self.reactor.last.ends(1)
            began = self.reactor.seconds()
            while self.spawned() < number:
                self.reactor.advance(0.05)
            pauses.append(round(self.reactor.seconds() - began, 1))
        self.assertEqual(pauses[0], 0.5)
        self.assertEqual(pauses, sorted(pauses))
        self.assertAlmostEqual(pauses[-1], 10.0, 0)

    def test_soon_after_it_worked(self) -> None:
        """A program that gave samples for long enough is called again soon, others are not."""
        for seconds, soon in ((TRUSTED_SECONDS, True), (TRUSTED_SECONDS - 0.1, False)):
            self.subject.start()
            for _ in range(4):
                self.reactor.last.ends(1)
                self.reactor.advance(10.0)
            self.reactor.last.says(pcm(seconds, 0.5))
            self.reactor.last.ends(1)
            before = self.spawned()
            self.reactor.advance(SOON)
            self.assertEqual(self.spawned() > before, soon)
            self.subject.stop()
            if soon:
                self.reactor.last.ends(1)

    def test_silence(self) -> None:
        """A program that gives nothing for ten seconds is ended, and called later each time."""
        self.subject.start()
        for _ in range(3):
            self.reactor.advance(STALL_SECONDS - 0.1)
            self.reactor.last.says(pcm(0.1, 0.5))
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.advance(STALL_SECONDS)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.assertEqual(self.failures, [])
        self.reactor.last.says(b"Aborted by signal Interrupt...\n", 2)
        self.reactor.last.ends(1)
        self.assertEqual(self.failures, ["hw:0: arecord gave no samples for 10 s"])
        self.reactor.advance(SOON)
        self.reactor.advance(STALL_SECONDS)
        self.reactor.last.ends(1)
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 2, "though it ran for ten seconds")
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 3)

    def test_a_program_that_cannot_be_killed(self) -> None:
        """Nobody waits for ever for a program that does not end."""
        self.subject.start()
        zombie, stream = self.reactor.last, self.subject.stream
        assert stream is not None
        self.reactor.advance(STALL_SECONDS)
        self.reactor.advance(LADDER.grace)
        self.reactor.advance(LADDER.give_up)
        self.assertEqual(zombie.signals, ["INT", "KILL"])
        self.assertEqual(len(self.failures), 1)
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 2)
        zombie.says(pcm(1.0, 0.5))
        for each in (stream, self.subject.stream):
            assert each is not None
            self.assertEqual(each.frames_now(), 0, "what it says then belongs to nobody")
        zombie.ends(1)

    def test_no_program(self) -> None:
        """A program that cannot be started is a failure like others."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        self.subject.start()
        self.assertEqual(
            self.failures, ["hw:0: arecord cannot be started: No such file or directory"]
        )
        self.reactor.refuse = None
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 1)

    def test_no_way(self) -> None:
        """What cannot be called, or is not there, is reported and tried again."""
        self.routes = [NotThere("it is not there"), CannotLaunch("it cannot be")]
        self.subject.start()
        self.assertEqual(self.failures, ["hw:0: it is not there"])
        self.reactor.advance(SOON)
        self.assertEqual(self.failures[1:], ["hw:0: it cannot be"])
        self.reactor.advance(1.0)
        self.assertEqual(self.spawned(), 1)
        self.reactor.last.ends(1)

    def test_a_defect(self) -> None:
        """A defect in finding a way is logged and reported, and it is tried again."""
        self.routes = [ZeroDivisionError("a defect")]
        self.subject.start()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.failures, ["hw:0: internal error: a defect"])
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 1)

    def test_a_defect_in_what_is_wished(self) -> None:
        """Even then it begins anew, with the next start."""
        self.wished = None  # type: ignore[assignment]
        self.subject.start()
        self.flushLoggedErrors()
        self.wished = request()
        self.reactor.advance(60)
        self.subject.start()
        self.assertEqual(self.spawned(), 1)

    def test_a_program_that_ran_its_time(self) -> None:
        """A program that was told how long to run, and did, is called again without a word."""
        self.wished = request(args_template="-d {seconds}")
        self.subject.start()
        for _ in range(10):
            self.reactor.last.says(pcm(1.0, 0.5))
            self.reactor.advance(1)
        self.reactor.last.ends(0)
        self.assertEqual(self.failures, [])
        self.reactor.advance(SOON)
        self.assertEqual(self.spawned(), 2)
        self.reactor.advance(9.0)
        self.reactor.last.ends(0)
        self.assertEqual(len(self.failures), 1, "that one was too early")


class StopTests(IdleCase):
    def test_when_it_is_gone(self) -> None:
        """The device is free when the program is gone, and not before; what it gave last counts."""
        self.subject.start()
        stream = self.subject.stream
        assert stream is not None
        gone, again = self.subject.stop(), self.subject.stop()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.says(pcm(0.5, 0.5))
        self.reactor.last.exits(1)
        self.assertNoResult(gone)
        self.reactor.last.says(pcm(0.5, 0.5))
        self.reactor.last.closes()
        self.successResultOf(gone)
        self.successResultOf(again)
        self.assertEqual(stream.frames_now(), RATE)
        self.reactor.advance(60)
        self.assertEqual((self.spawned(), self.failures), (1, []))

    def test_nothing_runs(self) -> None:
        """Where nothing runs the device is free at once."""
        self.successResultOf(self.subject.stop())
        self.subject.start()
        self.reactor.last.ends(1)
        self.successResultOf(self.subject.stop())
        self.reactor.advance(60)
        self.assertEqual(self.spawned(), 1)

    def test_bounded(self) -> None:
        """A recording waits two seconds at most."""
        self.subject.start()
        gone = self.subject.stop()
        self.reactor.advance(LADDER.grace)
        self.assertNoResult(gone)
        self.reactor.advance(LADDER.give_up)
        self.successResultOf(gone)
        self.assertLessEqual(LADDER.grace + LADDER.give_up, 2.0)
        self.reactor.last.ends(1)

    def test_while_a_way_is_looked_for(self) -> None:
        """A stop at that moment ends the search, and nothing is called any more."""
        looking: Deferred[Any] = Deferred()
        self.routes = [looking]
        self.subject.start()
        self.successResultOf(self.subject.stop())
        self.assertTrue(looking.called)
        self.reactor.advance(60)
        self.assertEqual((self.spawned(), self.failures), (0, []))

    def test_start_while_it_ends(self) -> None:
        """A start while the program before still ends waits: a device is never opened twice."""
        self.subject.start()
        self.subject.stop()
        self.subject.start()
        self.subject.start()
        self.reactor.advance(0.5)
        self.assertEqual(self.spawned(), 1)
        self.reactor.last.ends(1)
        self.assertEqual((self.spawned(), self.failures), (2, []))

    def test_stop_while_a_start_waits(self) -> None:
        """A stop then waits for the program before, and no other is called."""
        self.subject.start()
        self.subject.stop()
        self.subject.start()
        gone = self.subject.stop()
        self.assertNoResult(gone)
        self.reactor.last.ends(1)
        self.successResultOf(gone)
        self.assertEqual(self.spawned(), 1)

    def test_during_a_stall(self) -> None:
        """A stop while a silent program is being ended waits for that end, and reports nothing."""
        self.subject.start()
        self.reactor.advance(STALL_SECONDS)
        gone = self.subject.stop()
        self.assertNoResult(gone)
        self.reactor.last.ends(1)
        self.successResultOf(gone)
        self.assertEqual(self.failures, [])

    def test_other_wishes(self) -> None:
        """When something else is to be listened to, the program is changed without a failure."""
        self.subject.start()
        self.wished = request(device="hw:1", seconds=86_400)
        self.reactor.advance(1)
        self.assertEqual(self.spawned(), 1)
        self.subject.start()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.subject.start()
        self.reactor.last.ends(1)
        self.assertEqual(self.reactor.last.argv[:3], ["arecord", "-D", "hw:1"])
        self.assertEqual((self.spawned(), self.failures), (2, []))

    def test_other_wishes_in_a_pause(self) -> None:
        """A pause after failures of the one is no reason to wait with the other."""
        self.subject.start()
        self.reactor.last.ends(1)
        self.wished = request(device="hw:1", seconds=86_400)
        self.subject.start()
        self.assertEqual(self.spawned(), 2)


class TiedTests(IdleCase):
    """A program whose source a sound server may take away."""

    def begin(self, tie: Tie | None = TIE) -> None:
        """Start a program that is tied to the desk."""
        call = Launch(("pw-record", "-"), "agent", S16, False, {"PIPEWIRE_ALSA": "ours"}, tie)
        self.wished = request(seconds=86_400, route=Route(launch=call))
        self.subject.start()

    def second(self) -> None:
        """Let a second of samples come."""
        self.reactor.pump([0.25] * 4)
        if not self.reactor.last.ended:
            self.reactor.last.says(pcm(1.0, 0.5))

    def test_a_source_that_stays(self) -> None:
        """The server is asked seldom while all is well."""
        self.begin()
        environment = self.reactor.last.env
        assert environment is not None
        self.assertEqual(environment["PIPEWIRE_ALSA"], "ours")
        for _ in range(20):
            self.second()
        self.assertEqual(self.looks, 1 + 20 / CALM_SECONDS)
        self.assertEqual(self.failures, [])

    def test_a_source_that_goes(self) -> None:
        """Silence of a source that is gone is not taken for its sound: the program is ended."""
        for view, why in (
            (GONE, "PipeWire lost its source desk"),
            (ELSEWHERE, "PipeWire gave the recording of desk to other"),
        ):
            self.view = GOOD
            self.begin()
            self.second()
            self.view = view
            for _ in range(round(CALM_SECONDS) - 1):
                self.second()
            self.assertEqual(self.reactor.last.signals, ["INT"])
            self.reactor.last.ends(1)
            self.assertEqual(self.failures, [f"hw:0: {why}"])
            self.failures.clear()
            self.successResultOf(self.subject.stop())
            self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_server_that_does_not_answer(self) -> None:
        """That alone is no loss, while samples come."""
        self.view = NoAnswer("PipeWire is tired")
        self.begin()
        for _ in range(20):
            self.second()
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.pump([0.25] * 8)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)
        self.assertEqual(self.failures, ["hw:0: PipeWire is tired"])

    def test_no_program(self) -> None:
        """For a program that cannot be started no server is asked."""
        self.reactor.refuse = FileNotFoundError(2, "No such file or directory")
        self.begin()
        self.assertEqual(self.looks, 0)
        self.assertEqual(len(self.failures), 1)

    def test_untied(self) -> None:
        """Where whatever the server gives is right, it is not asked."""
        self.begin(tie=None)
        self.reactor.advance(5)
        self.assertEqual(self.looks, 0)
