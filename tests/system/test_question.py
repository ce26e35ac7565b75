"""Questions that may hang."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.system.question import NotKnown, Question
from tests.fakes.threads import FakeThreads


class QuestionTests(SynchronousTestCase):
    """Asked of a directory that is called /x, for 5 s."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.threads = FakeThreads()
        self.asked = 0
        self.error: Exception | None = None
        self.question = Question(self.clock, self.threads, self.work, about="/x", seconds=5.0)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def work(self) -> int:
        """Count, or fail."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.asked

    def ask(self) -> Deferred[int]:
        return Deferred.fromCoroutine(self.question.ask())

    def test_answers(self) -> None:
        """Each question is asked anew."""
        self.assertEqual([self.successResultOf(self.ask()) for _ in range(2)], [1, 2])

    def test_refused(self) -> None:
        """What the system refuses is told in its words, and asked again the next time."""
        self.error = PermissionError(13, "Permission denied")
        failure = self.failureResultOf(self.ask(), NotKnown)
        self.assertEqual(failure.getErrorMessage(), "/x cannot be read: Permission denied")
        self.error = None
        self.assertEqual(self.successResultOf(self.ask()), 2)

    def test_hangs(self) -> None:
        """Askers wait their time and no longer, and only one thread waits with them."""
        self.threads.held = []
        first = self.ask()
        self.clock.advance(4)
        second = self.ask()
        self.clock.advance(0.9)
        self.assertNoResult(first)
        self.clock.advance(0.1)
        self.assertIn("/x did not answer within 5 s", str(self.failureResultOf(first, NotKnown)))
        self.clock.advance(4)
        self.failureResultOf(second, NotKnown)
        third = self.ask()
        self.assertEqual(len(self.threads.held), 1)
        self.threads.release()
        self.assertEqual((self.successResultOf(third), self.asked), (1, 1))
        self.assertEqual(self.successResultOf(self.ask()), 2)

    def test_cancelled(self) -> None:
        """An asker that goes leaves nothing behind."""
        self.threads.held = []
        asker = self.ask()
        asker.cancel()
        self.failureResultOf(asker)
        self.threads.release()

    def test_defect(self) -> None:
        """A defect of ours is not taken for an answer of the system."""
        self.error = ZeroDivisionError("oops")
        self.failureResultOf(self.ask(), ZeroDivisionError)
