"""Tests for ``rakkr.health.desk``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.desk import Desk
from tests.fakes.threads import FakeThreads


class DeskTests(SynchronousTestCase):
    """Blocking work in turn."""

    def setUp(self) -> None:
        self.threads = FakeThreads()
        self.desk = Desk(self.threads)
        self.done: list[int] = []

    def ask(self, number: int) -> Deferred[None]:
        return Deferred.fromCoroutine(self.desk.do(self.done.append, number))

    def test_in_turn(self) -> None:
        """What is asked for later is done later, and only one at a time."""
        self.threads.held = []
        first, second = self.ask(1), self.ask(2)
        self.assertEqual(len(self.threads.held), 1)
        self.threads.release()
        self.assertEqual(self.done, [1, 2])
        self.successResultOf(first)
        self.successResultOf(second)

    def test_failure(self) -> None:
        """An error is the asker's; the next one has his turn."""
        failing = Deferred.fromCoroutine(self.desk.do(int, "x"))
        self.failureResultOf(failing, ValueError)
        self.successResultOf(self.ask(1))

    def test_no_thread(self) -> None:
        """When no thread can be had, that is the asker's error; the next one has his turn."""

        def no_thread(*_: object) -> Deferred[Any]:
            raise RuntimeError("can't start new thread")

        self.desk._in_thread = no_thread
        self.failureResultOf(self.ask(1), RuntimeError)
        self.desk._in_thread = self.threads
        self.successResultOf(self.ask(2))

    def test_no_longer_waited_for(self) -> None:
        """Who gives up waiting does not let the next one begin before the work is done."""
        self.threads.held = []
        first, second = self.ask(1), self.ask(2)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(len(self.threads.held), 1)
        self.assertNoResult(second)
        self.threads.release()
        self.successResultOf(second)
        self.assertEqual(self.done, [1, 2])

    def test_gives_up_the_place(self) -> None:
        """Who gives up before his turn is not served."""
        self.threads.held = []
        self.ask(1)
        second, third = self.ask(2), self.ask(3)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.threads.release()
        self.successResultOf(third)
        self.assertEqual(self.done, [1, 3])
