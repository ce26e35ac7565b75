"""Tests for ``rakkr.health.problems``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.problems import OpenProblems
from tests.fakes.threads import FakeThreads


class OpenProblemsTests(SynchronousTestCase):
    """A file of problems in a directory of its own."""

    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.directory / "state" / "open-problems.json"
        self.threads = FakeThreads()
        self.clock = Clock()

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def opened(self, node_id: str = "node") -> OpenProblems:
        """What the next agent finds."""
        return OpenProblems(self.path, self.threads, self.clock, node_id)

    def test_over_a_restart(self) -> None:
        """The next agent knows what is open, and what is over is gone."""
        problems = self.opened()
        problems.put("disk", "warning")
        problems.put("load", "critical")
        problems.put("disk", "critical")
        problems.put("load", None)
        problems.put("never", None)
        self.assertEqual(self.opened().get("disk"), "critical")
        self.assertEqual(self.opened().keys(), ("disk",))

    def test_burst(self) -> None:
        """While a write is under way changes gather; the last ones are written before a stop."""
        problems = self.opened()
        self.threads.held = []
        for how in ("warning", None, "critical"):
            problems.put("disk", how)
        self.assertEqual(len(self.threads.held), 1)
        stopped = problems.stopService()
        self.assertNoResult(stopped)
        while self.threads.held:
            self.threads.held.pop(0)()
        self.successResultOf(stopped)
        self.threads.held = None
        self.assertEqual(self.opened().get("disk"), "critical")

    def test_hanging_disk(self) -> None:
        """A disk that does not answer keeps nobody from stopping for longer than five seconds."""
        problems = self.opened()
        self.threads.held = []
        problems.put("disk", "warning")
        stopped = problems.stopService()
        self.clock.advance(4.9)
        self.assertNoResult(stopped)
        with capturedLogs() as logs:
            self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual([each["path"] for each in logs], [str(self.path)])

    def test_another_node(self) -> None:
        """A node that got a new id has reported nothing yet, whatever it did under the old one."""
        self.opened("old").put("disk", "warning")
        problems = self.opened("new")
        self.assertEqual(problems.keys(), ())
        problems.put("load", "warning")
        self.assertEqual((self.opened("new").keys(), self.opened("old").keys()), (("load",), ()))

    def test_nothing_changed(self) -> None:
        """What is known already is not written again."""
        problems = self.opened()
        problems.put("disk", "warning")
        self.path.unlink()
        problems.put("disk", "warning")
        self.assertFalse(self.path.exists())

    def test_damaged(self) -> None:
        """A file that is none of ours is set aside, and nothing is open."""
        self.path.parent.mkdir()
        for content in (b"", b"{", b"[]", b'{"open": 3}', b"\xff\xfe", b"[" * 5000):
            self.path.write_bytes(content)
            self.assertEqual(self.opened().keys(), ())
            self.assertEqual(self.path.with_name(f"{self.path.name}.damaged").read_bytes(), content)

    def test_odd_entries(self) -> None:
        """An entry that cannot be understood spoils only itself."""
        self.path.parent.mkdir()
        self.path.write_text(json.dumps({"nodeId": "node", "open": {"disk": 7, "load": "warning"}}))
        self.assertEqual(self.opened().keys(), ("load",))

    def test_no_disk(self) -> None:
        """A disk that takes nothing hurts nobody, and is written to again when it does."""
        self.path.parent.write_text("in the way")
        problems = self.opened()
        problems.put("disk", "warning")
        problems.put("load", "warning")
        self.assertEqual(problems.get("disk"), "warning")
        self.path.parent.unlink()
        problems.put("load", None)
        self.assertEqual(self.opened().keys(), ("disk",))
