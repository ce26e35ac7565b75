"""Tests for ``rakkr.meters.beside``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.capture import Capture
from rakkr.meters.beside import Beside
from rakkr.meters.follower import Follower


@attrs.define(eq=False)
class Looking:
    """
    Stands for a follower.

    :ivar from_start: whether all of it is measured.
    :ivar looks: how often it was asked to look.
    :ivar is_over: whether nothing more will come.
    :ivar trouble: raised by each look.
    """

    from_start: bool
    looks: int = 0
    is_over: bool = False
    trouble: OSError | None = None

    async def look(self) -> None:
        """Count."""
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble


@attrs.frozen(eq=False, slots=False)
class Captured:
    """
    Stands for a capture.

    :ivar adopted: whether an earlier agent began it.
    """

    adopted: bool = False


def some_capture(*, adopted: bool = False) -> Capture:
    """Something that is only told from others."""
    return cast(Capture, Captured(adopted))


class BesideTests(SynchronousTestCase):
    """Captures that the meters do not follow."""

    def setUp(self) -> None:
        self.one, self.two = some_capture(), some_capture()
        self.running: Sequence[Capture] = (self.one, self.two)
        self.followed: Capture | None = self.one
        self.looking: dict[Capture, Looking] = {}
        self.beside = Beside(lambda: self.running, lambda: self.followed, self.follow)

    def follow(self, capture: Capture, *, from_start: bool) -> Follower:
        """Note what is followed."""
        self.looking[capture] = Looking(from_start)
        return cast(Follower, self.looking[capture])

    def look(self, times: int = 1) -> None:
        """Look."""
        for _ in range(times):
            self.successResultOf(Deferred.fromCoroutine(self.beside.look()))

    def test_the_other_one(self) -> None:
        """What the meters follow is left to them, and what they do not is followed here."""
        self.look(2)
        self.assertNotIn(self.one, self.looking)
        self.assertEqual(self.looking[self.two].looks, 2)

    def test_meters_choose_first(self) -> None:
        """While the meters follow none, none is begun: they are about to choose theirs."""
        self.followed = None
        self.look()
        self.assertEqual(self.looking, {})

    def test_taken_up(self) -> None:
        """A capture that the meters take up is not measured twice."""
        self.look()
        self.followed = self.two
        self.look(3)
        self.assertEqual(self.looking[self.two].looks, 1)
        self.assertNotIn(self.one, self.looking, "the meters have read it")

    def test_adopted(self) -> None:
        """What an earlier agent measured of a capture is not read again."""
        three = some_capture(adopted=True)
        self.running = (self.one, self.two, three)
        self.look()
        self.assertTrue(self.looking[self.two].from_start)
        self.assertFalse(self.looking[three].from_start)

    def test_read_to_its_end(self) -> None:
        """A capture that runs no more is read until nothing more will come, and not once more."""
        self.look(2)
        self.looking[self.two].is_over = True
        self.look(3)
        self.assertEqual(self.looking[self.two].looks, 3)

    def test_trouble(self) -> None:
        """A file that cannot be read holds no other one up."""
        three = some_capture()
        self.running = (self.one, self.two, three)
        self.look()
        self.looking[self.two].trouble = OSError("no")
        with capturedLogs() as logs:
            self.look(3)
        self.assertEqual(self.looking[three].looks, 4)
        self.assertEqual(len(logs), 1, "it is said once, and not at every look")
