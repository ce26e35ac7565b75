"""Tests for ``rakkr.meters.recorded``."""

from __future__ import annotations

from rakkr.capture.capture import Capture, adopt_capture
from rakkr.capture.request import CaptureLimits
from rakkr.capture.surroundings import Surroundings
from rakkr.meters.recorded import Chooser, Recorded
from tests.capture.case import SECOND, CaptureCase
from tests.capture.requests import request
from tests.fakes.processes import FakeProcess


class ChooserTests(CaptureCase):
    def setUp(self) -> None:
        super().setUp()
        self.subject = Chooser()
        self.children: dict[str, FakeProcess] = {}
        self.captures: dict[str, Capture] = {}

    def tearDown(self) -> None:
        for name in list(self.children):
            self.end(name)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def begin(self, name: str) -> None:
        """Start a capture."""
        self.captures[name] = self.start(device=name)
        self.children[name] = self.reactor.last

    def end(self, name: str) -> None:
        """End it."""
        self.captures[name].stop()
        self.children.pop(name).ends(1)

    def recorded(self, names: str) -> list[Recorded]:
        """These captures, in this order."""
        return [Recorded(self.captures[name], name) for name in names]

    def see(self, names: str) -> None:
        """A look while something is measured."""
        self.subject.see(self.recorded(names))

    def choose(self, names: str) -> str:
        """A look while nothing is; the name in capitals when it is measured from its start."""
        self.see(names)
        found = self.subject.choose(self.recorded(names))
        if found is None:
            return ""
        name = found.recorded.interface_id
        assert name is not None
        return name.upper() if found.from_start else name

    def test_the_first(self) -> None:
        """The one that counts first is chosen, once, and from its start."""
        self.assertEqual(self.choose(""), "")
        self.begin("a")
        self.begin("b")
        self.assertEqual(self.choose("ab"), "A")
        self.see("ab")
        self.end("a")
        self.see("ab")
        self.see("ab")
        self.assertEqual(self.choose("ab"), "b", "only its present: it was there all the time")
        self.assertEqual(self.choose("ab"), "")

    def test_the_next_segment(self) -> None:
        """A capture that begins while the one before is measured to its end loses no sample."""
        self.begin("a")
        self.assertEqual(self.choose("a"), "A")
        self.end("a")
        self.begin("b")
        self.see("b")
        self.assertEqual(self.choose("b"), "B")

    def test_too_old(self) -> None:
        """A look later its past is too old."""
        self.begin("a")
        self.assertEqual(self.choose("a"), "A")
        self.begin("b")
        self.see("b")
        self.see("b")
        self.assertEqual(self.choose("b"), "b")

    def test_between_two_looks(self) -> None:
        """A capture that began and ended between two looks is measured, once."""
        self.begin("a")
        self.end("a")
        self.assertEqual(self.choose("a"), "A")
        self.assertEqual(self.choose("a"), "")

    def test_one_that_runs_first(self) -> None:
        """One that runs comes before one that has ended."""
        self.begin("a")
        self.end("a")
        self.begin("b")
        self.assertEqual(self.choose("ab"), "B")
        self.assertEqual(self.choose("ab"), "A")

    def test_ended_long_ago(self) -> None:
        """Nothing that ended a while ago is taken for the present."""
        self.begin("a")
        self.assertEqual(self.choose("a"), "A")
        self.begin("b")
        self.see("ab")
        self.end("b")
        self.see("ab")
        self.assertEqual(self.choose("ab"), "")

    def test_of_an_earlier_agent(self) -> None:
        """Of what an earlier agent began only the present counts, and nothing when it is over."""
        self.begin("a")
        self.reactor.last.writes(SECOND)
        self.reactor.advance(1)
        trace = self.captures["a"].trace
        self.captures["a"].let_go()
        world = Surroundings(
            spawner=self.reactor, clock=self.reactor, in_thread=self.threads, env={}
        )
        self.captures["b"] = adopt_capture(request(path=self.path), trace, CaptureLimits(), world)
        self.assertIsNotNone(self.captures["b"].outcome, "its process is not there")
        self.assertEqual(self.choose("b"), "")
        self.children.pop("a").ends(1)
