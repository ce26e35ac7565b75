"""Tests for ``rakkr.cache.uncollected``."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from rakkr.cache import uncollected as module
from rakkr.cache.uncollected import uncollected


class _AtOnce:
    """A timer whose time is over when it begins."""

    def __init__(self, wanted: float, seconds: float, function: Callable[[], None]) -> None:
        assert seconds == wanted
        self.daemon = False
        self.start = function

    def cancel(self) -> None:
        """Do nothing more."""


class UncollectedTests(SynchronousTestCase):
    """The collector waits, and no longer than that."""

    def test_until_the_last_one_ends(self) -> None:
        """Of several pieces of work the last one to end lets it go on."""
        with uncollected():
            with uncollected():
                self.assertFalse(gc.isenabled())
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())

    def test_work_that_fails(self) -> None:
        """Work that fails lets it go on, too."""
        with self.assertRaises(ValueError), uncollected():
            raise ValueError
        self.assertTrue(gc.isenabled())

    def test_work_that_does_not_end(self) -> None:
        """Work that a disk holds up has the collector back after a while."""
        self.patch(module, "Timer", partial(_AtOnce, module.LONGEST_SECONDS))
        with uncollected():
            self.assertTrue(gc.isenabled())
        self.assertTrue(gc.isenabled())

    def test_off_before(self) -> None:
        """A collector that somebody else turned off stays off."""
        gc.disable()
        self.addCleanup(gc.enable)
        with uncollected():
            pass
        self.assertFalse(gc.isenabled())
