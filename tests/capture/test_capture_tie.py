"""A capture whose source a sound server takes away."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred

from rakkr.capture.capture import Capture, adopt_capture, start_capture
from rakkr.capture.outcome import Completed, Failed
from rakkr.capture.request import CaptureLimits
from rakkr.capture.route import Launch, Route
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.tie import Tie
from rakkr.capture.trace import Trace
from rakkr.inventory.pipewire import Graph, Link, Node, Port
from rakkr.inventory.view import NoAnswer, Server, View
from rakkr.process_identity import ProcessIdentity
from tests.capture.case import SECOND, CaptureCase
from tests.capture.requests import request
from tests.test_process_identity import FakeProc

_BOOT = "c39645cf-2194-4e10-8f88-d4c5e6d12cbe"
TIE = Tie(server="pipewire", client="rakkr-1", sources=("desk",))
DESK = Node(id=1, name="desk", serial="11", media_class="Audio/Source")
OTHER = Node(id=2, name="other", serial="12", media_class="Audio/Source")
STREAM = Node(id=3, name="rakkr-1", serial="13", media_class="Stream/Input/Audio")
INPUT = Port(id=30, node=3, number=0, output=False)


def joined_to(*nodes: Node) -> Graph:
    """Have both sources, and the recording linked to these."""
    links = tuple(
        Link(output_node=node.id, output_port=10, input_node=3, input_port=30) for node in nodes
    )
    return Graph(nodes=(DESK, OTHER, STREAM), ports=(INPUT,), links=links)


GOOD = joined_to(DESK)
ELSEWHERE = joined_to(OTHER)
LOOSE = joined_to()
GONE = Graph(nodes=(OTHER, STREAM), ports=(INPUT,))


class TiedCase(CaptureCase):
    def setUp(self) -> None:
        super().setUp()
        self.view: View | None = GOOD
        self.looks = 0
        self.waiting: list[Deferred[View]] = []

    async def look(self, server: Server) -> View:
        """Show what is laid out; None takes its time."""
        self.assertEqual(server, "pipewire")
        self.looks += 1
        if self.view is None:
            self.waiting.append(Deferred())
            return await self.waiting[-1]
        return self.view

    def world(self) -> Surroundings:
        """Have a server that is looked at."""
        return Surroundings(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self.threads,
            env={"PATH": str(self.directory / "bin"), "PIPEWIRE_ALSA": "{}"},
            look=self.look,
        )

    def begin(self, **changes: Any) -> Capture:
        """Start a capture of ten seconds that is tied to the desk."""
        asked = request(path=self.path, **changes)
        env = {"PIPEWIRE_ALSA": "ours"}
        call = Launch(("pw-record", "-"), "agent", asked.format, False, env, TIE)
        asked = request(path=self.path, route=Route(launch=call), **changes)
        return start_capture(asked, CaptureLimits(), self.world())

    def second(self, data: bytes = SECOND) -> None:
        """Let a second pass in which the program delivers this."""
        self.reactor.last.writes(data)
        self.reactor.pump([0.25] * 4)

    def lost(self, capture: Capture) -> Failed:
        """See that the program was told to end, let it, and get the outcome."""
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed), outcome
        return outcome


class TiedTests(TiedCase):
    def test_a_source_that_stays(self) -> None:
        """A capture that keeps its source is looked at every two seconds, and ends as ever."""
        capture = self.begin()
        environment = self.reactor.last.env
        assert environment is not None
        self.assertEqual(environment["PIPEWIRE_ALSA"], "ours")
        for _ in range(10):
            self.second()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Completed), outcome
        self.assertEqual(outcome.audio.frames, 80000)
        self.assertIn(self.looks, range(5, 8))

    def test_another_source(self) -> None:
        """What came since the last good look may be of another source, and is cut off."""
        capture = self.begin()
        self.second(b"\1" * len(SECOND))
        self.second(b"\1" * len(SECOND))
        self.view = ELSEWHERE
        self.second(b"\2" * len(SECOND))
        self.second(b"\2" * len(SECOND))
        outcome = self.lost(capture)
        self.assertEqual(outcome.error, "PipeWire gave the recording of desk to other")
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 16000)
        self.assertEqual(self.path.stat().st_size, outcome.audio.data_offset + 64000)

    def test_never_its_source(self) -> None:
        """A recording of another source leaves nothing, and was never a recording."""
        self.view = ELSEWHERE
        capture = self.begin()
        started = capture.when_started()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.writes(SECOND)
        outcome = self.lost(capture)
        self.assertIsNone(outcome.audio)
        self.assertFalse(self.path.exists())
        self.assertIsNone(self.successResultOf(started))

    def test_made_up_silence(self) -> None:
        """Silence at the end, when the source was gone, is no recording; what sounds before is."""
        capture = self.begin()
        self.second(b"\1" * len(SECOND))
        self.second(b"\1" * len(SECOND))
        self.view = GONE
        self.second(b"\1" * 4000 + bytes(20000))
        self.second(b"")
        outcome = self.lost(capture)
        self.assertEqual(outcome.error, "PipeWire lost its source desk")
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 17000)

    def test_not_joined_yet(self) -> None:
        """The first sample counts when the recording has its source, and not before."""
        self.view = LOOSE
        capture = self.begin()
        started = capture.when_started()
        self.second()
        self.assertNoResult(started)
        self.view = GOOD
        self.second()
        self.assertIsNotNone(self.successResultOf(started))
        self.finish(capture)

    def test_never_joined(self) -> None:
        """A recorder that is joined to nothing is given up after five seconds."""
        self.view = LOOSE
        capture = self.begin()
        self.reactor.pump([0.1] * 49)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.pump([0.1] * 5)
        outcome = self.lost(capture)
        self.assertEqual(outcome.error, "PipeWire does not join the recording to desk")

    def test_nobody_says(self) -> None:
        """A server that does not answer is a loss only when nothing more comes, either."""
        self.view = NoAnswer("PipeWire is tired")
        capture = self.begin()
        started = capture.when_started()
        for _ in range(6):
            self.second()
        self.assertIsNotNone(self.successResultOf(started))
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.pump([0.25] * 20)
        outcome = self.lost(capture)
        self.assertEqual(outcome.error, "PipeWire is tired")
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 48000)

    def test_blind(self) -> None:
        """Where nobody can look, one look shows it, and the recording goes on."""
        self.view = NoAnswer("pw-dump is not installed", blind=True)
        capture = self.begin()
        for _ in range(6):
            self.second()
        self.assertEqual(self.looks, 1)
        self.finish(capture)

    def test_a_look_that_breaks(self) -> None:
        """A defect in a look costs no recording, and it is looked at again."""
        self.view = None
        capture = self.begin()
        self.waiting.pop().errback(ZeroDivisionError("a defect"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.view = GOOD
        started = capture.when_started()
        self.second()
        self.assertIsNotNone(self.successResultOf(started))
        self.finish(capture)

    def test_an_end_during_a_look(self) -> None:
        """A look that is under way when the capture ends is broken off."""
        self.view = None
        capture = self.begin()
        self.finish(capture)
        self.assertEqual(len(self.waiting), 1)
        self.waiting[0].callback(GONE)

    def finish(self, capture: Capture) -> None:
        """Stop a capture that has lost nothing."""
        done = capture.stop()
        self.reactor.last.ends(1)
        if capture.frames:
            self.assertIsInstance(self.successResultOf(done), Completed)
        self.outcome(capture)


class DrainTests(TiedCase):
    """A program that drops what it holds when it is ended."""

    def begin(self, **changes: Any) -> Capture:
        """Start a capture whose program holds a quarter of a second."""
        asked = request(path=self.path, **changes)
        call = Launch(("arecord", "-"), "agent", asked.format, False, drain_seconds=0.25)
        return start_capture(
            attrs.evolve(asked, route=Route(launch=call)), CaptureLimits(), self.world()
        )

    def test_a_stop_waits_for_what_is_on_its_way(self) -> None:
        """The program runs on until what the device had delivered at the stop is in the file."""
        capture = self.begin()
        self.second()
        done = capture.stop()
        capture.stop()
        self.reactor.advance(0.24)
        self.assertEqual(self.reactor.last.signals, [])
        self.reactor.last.writes(SECOND[:8000])
        self.reactor.advance(0.01)
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)
        outcome = self.successResultOf(done)
        assert isinstance(outcome, Completed), outcome
        self.assertEqual(outcome.audio.frames, 10000)
        self.outcome(capture)

    def test_an_end_before_that(self) -> None:
        """A program that ends by itself meanwhile leaves nothing that waits."""
        capture = self.begin()
        self.second()
        capture.stop()
        self.reactor.last.ends(1)
        self.outcome(capture)

    def test_left_before_that(self) -> None:
        """An agent that leaves meanwhile ends the program before it goes."""
        capture = self.begin()
        self.second()
        capture.stop()
        capture.let_go()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_the_next_agent_waits_as_well(self) -> None:
        """How long to wait is written down."""
        capture = self.begin()
        self.assertEqual(Trace.from_json(capture.trace.as_json()).drain_seconds, 0.25)
        capture.stop()
        self.reactor.last.ends(1)
        self.outcome(capture)


class FullDiskTests(TiedCase):
    def test_a_program_that_goes_on(self) -> None:
        """A program that says that the disk is full, and goes on, is ended before worse follows."""
        capture = self.begin()
        self.second()
        self.reactor.last.writes(b">>> Error. Can not write (No space left on device.)\n", 2)
        self.second()
        self.assertEqual(self.reactor.last.signals, ["INT"])
        self.reactor.last.ends(0)
        self.outcome(capture)


class SnapshotTests(TiedCase):
    def snapshot(self, capture: Capture) -> int | None:
        """Count the frames that somebody gets who does not wait for the end."""
        found = self.successResultOf(Deferred.fromCoroutine(capture.snapshot()))
        return None if found is None else found.frames

    def test_only_what_is_sure(self) -> None:
        """Whoever takes frames before the end gets those that a look has confirmed."""
        capture = self.begin()
        self.second()
        self.reactor.last.writes(SECOND)
        self.view = ELSEWHERE
        self.assertIsNone(self.snapshot(capture))
        self.view = GOOD
        self.assertEqual(self.snapshot(capture), 16000)
        self.reactor.last.writes(SECOND)
        self.view = ELSEWHERE
        self.assertEqual(self.snapshot(capture), 16000)
        self.end(capture)

    def test_what_was_given_away_stays(self) -> None:
        """Frames that were believed because nobody could say are not taken back."""
        capture = self.begin()
        self.second()
        self.view = NoAnswer("PipeWire is tired")
        self.assertEqual(self.snapshot(capture), 8000)
        self.view = ELSEWHERE
        self.second()
        self.second()
        outcome = self.lost(capture)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 8000)

    def end(self, capture: Capture) -> None:
        """Stop it."""
        capture.stop()
        self.reactor.last.ends(1)
        self.outcome(capture)


class EndingTests(TiedCase):
    def test_a_stop_takes_the_links_away(self) -> None:
        """A recorder that ends has no links any more; that is no loss, however long it takes."""
        capture = self.begin()
        self.second()
        done = capture.stop()
        for view in (LOOSE, GONE, ELSEWHERE):
            self.view = view
            self.reactor.pump([0.25] * 4)
        self.reactor.last.ends(1)
        outcome = self.successResultOf(done)
        assert isinstance(outcome, Completed), outcome
        self.assertEqual(outcome.audio.frames, 8000)
        self.outcome(capture)

    def test_the_end_of_the_window(self) -> None:
        """So it is at the end of the window."""
        capture = self.begin()
        for _ in range(10):
            self.second()
        self.view = LOOSE
        self.reactor.pump([0.25] * 8)
        self.reactor.last.ends(1)
        self.assertIsInstance(self.outcome(capture), Completed)

    def test_a_program_that_ends_itself(self) -> None:
        """And with a program that knows its window, and is slow to go."""
        for late, expected in ((False, Failed), (True, Completed)):
            self.view = GOOD
            self.setUp()
            asked = request(path=self.path)
            call = Launch(("jack_capture", "x"), "agent", asked.format, True, tie=TIE)
            asked = request(path=self.path, route=Route(launch=call))
            self.install("jack_capture")
            capture = start_capture(asked, CaptureLimits(), self.world())
            for _ in range(10 if late else 7):
                self.second()
            self.view = LOOSE
            self.reactor.pump([0.25] * 12)
            self.reactor.last.ends(0)
            self.assertIsInstance(self.outcome(capture), expected)


class AdoptedTests(TiedCase):
    """Another agent goes on with a capture that is tied to its source."""

    def setUp(self) -> None:
        super().setUp()
        self.proc = FakeProc(self.directory / "proc")

    def adopt(self, view: Graph = GOOD) -> Capture:
        """
        Leave a capture of two seconds that runs, and let another agent find it.

        :param view: what the server shows by then.
        """
        capture = self.begin()
        self.second(b"\1" * len(SECOND))
        self.second(b"\1" * len(SECOND))
        capture.let_go()
        before = self.looks
        self.reactor.pump([0.25] * 20)
        self.assertEqual(self.looks, before)
        self.view = view
        self.proc.process(77, group=77)
        trace = Trace.from_json(capture.trace.as_json())
        self.assertEqual(trace.tie, TIE)
        trace = attrs.evolve(trace, identity=ProcessIdentity(77, 500, _BOOT), boot_id=_BOOT)
        world = attrs.evolve(self.world(), proc=self.proc.path)
        return adopt_capture(request(path=self.path), trace, CaptureLimits(), world)

    def ended(self, capture: Capture) -> Failed:
        """Let the program end, and get the outcome."""
        (self.proc.path / "77" / "stat").unlink()
        self.reactor.pump([0.25] * 4)
        outcome = self.outcome(capture)
        assert isinstance(outcome, Failed), outcome
        return outcome

    def test_goes_on_looking(self) -> None:
        """The next agent goes on looking, and keeps what a good look has counted."""
        capture, before = self.adopt(), self.looks
        self.second(b"\1" * len(SECOND))
        self.second(b"\1" * len(SECOND))
        self.assertGreater(self.looks, before)
        self.assertEqual(capture.frames, 32000)
        self.view = ELSEWHERE
        self.second(b"\2" * len(SECOND))
        self.second(b"\2" * len(SECOND))
        outcome = self.ended(capture)
        self.assertIn("gave the recording of desk to other", outcome.error)
        assert outcome.audio is not None
        self.assertEqual(outcome.audio.frames, 32000)

    def test_what_came_while_nobody_looked(self) -> None:
        """What was recorded before is never given up, whatever the first look shows."""
        for view in (ELSEWHERE, GONE, LOOSE):
            self.setUp()
            capture = self.adopt(view)
            self.reactor.pump([0.25] * 24)
            outcome = self.ended(capture)
            assert outcome.audio is not None, view
            self.assertEqual(outcome.audio.frames, 16000)
            self.assertTrue(outcome.audio.path.exists())
