"""Tests for ``rakkr.cache.failing``."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache.failing import LONGEST_SECONDS, Failing, Pause
from rakkr.cache.files import Deleted
from rakkr.cache.plan import Deletion
from tests.cache.holding import delivered

PATH = Path("/captures/1.flac")
PLANNED = Deletion(delivered(1), "p", "max_age", (PATH,), 0)


def failed(why: str = "busy") -> list[Deleted]:
    """A deletion that did not work."""
    return [Deleted(PLANNED, (), {PATH: why}, 0)]


class FailingTests(SynchronousTestCase):
    """Failures that stay."""

    def test_told_once(self) -> None:
        """Only the first failure of a file is told of, until it was deleted and fails anew."""
        failing = Failing()
        self.assertEqual(failing.note(failed(), 0.0)[0].errors, {PATH: "busy"})
        self.assertEqual(failing.note(failed(), 60.0)[0].errors, {})
        failing.note([Deleted(PLANNED, (PATH,), {}, 0)], 200.0)
        self.assertEqual(failing.paths(200.0), set())
        self.assertEqual(failing.note(failed(), 300.0)[0].errors, {PATH: "busy"})

    def test_left_alone_for_longer_and_longer(self) -> None:
        """A pause is a minute at first, doubles, and is never longer than a day."""
        failing = Failing()
        failing.note(failed(), 0.0)
        self.assertEqual((failing.paths(59.9), failing.paths(60.0)), ({PATH}, set()))
        failing.note(failed(), 60.0)
        self.assertEqual((failing.paths(179.9), failing.paths(180.0)), ({PATH}, set()))
        pause = None
        for _ in range(30):
            pause = Pause.after(pause, 0.0)
        assert pause is not None
        self.assertEqual(pause.seconds, LONGEST_SECONDS)
