"""Tests for ``rakkr.threads``."""

from __future__ import annotations

import threading

from twisted.trial.unittest import SynchronousTestCase

from rakkr.threads import Threads


class ThreadsTests(SynchronousTestCase):
    """A pool of two threads."""

    def setUp(self) -> None:
        self.pool = Threads(minthreads=0, maxthreads=2)
        self.pool.start()
        self.begun = threading.Semaphore(0)
        self.answer = threading.Event()
        self.addCleanup(self.answer.set)
        self.done: list[str] = []

    def work(self) -> None:
        """Take as long as the test wants."""
        self.begun.release()
        self.answer.wait()
        self.done.append("done")

    def begin(self, count: int) -> None:
        """Have so many threads work."""
        for _ in range(count):
            self.pool.callInThread(self.work)
        for _ in range(count):
            self.begun.acquire()

    def test_waits(self) -> None:
        """What is under way when it ends is done."""
        self.begin(2)
        threading.Timer(0.01, self.answer.set).start()
        self.pool.stop()
        self.assertEqual(self.done, ["done"] * 2)

    def test_hangs(self) -> None:
        """What never ends does not keep it from ending, nor the process."""
        self.pool.patience = 0.01
        self.begin(2)
        threads = list(self.pool.threads)
        self.pool.stop()
        self.assertEqual((self.done, [each.daemon for each in threads]), ([], [True, True]))
