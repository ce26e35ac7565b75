"""Captures beside the one whose levels are sent: they are measured too, for their reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final
from weakref import WeakSet

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.capture.capture import Capture
from rakkr.meters.follower import FollowCapture, Follower
from rakkr.meters.kept import Kept
from rakkr.meters.service import LOOK_SECONDS, MeterService
from rakkr.periodic import Periodic

_FORGET_SECONDS: Final = 10.0


class Beside:
    """
    Follows every capture that runs but that of the meters.

    A capture that the meters take up is left to them, and one that ends is read to its end.  It is
    read from its beginning, unless an earlier agent began it.
    """

    log = Logger()

    def __init__(
        self,
        running: Callable[[], Sequence[Capture]],
        followed: Callable[[], Capture | None],
        follow: FollowCapture,
    ) -> None:
        """
        :param running: the captures that run, or have just ended.
        :param followed: that of the meters; while they have none, they are about to choose one.
        """
        self._running = running
        self._followed = followed
        self._follow = follow
        self._followers: dict[Capture, Follower] = {}
        self._begun: WeakSet[Capture] = WeakSet()
        self._complained: WeakSet[Follower] = WeakSet()

    async def look(self) -> None:
        """Measure what has come since the last time."""
        taken = self._followed()
        if taken is not None:
            self._begun.add(taken)
            for capture in self._running():
                if capture not in self._begun:
                    self._begun.add(capture)
                    follower = self._follow(capture, from_start=not capture.adopted)
                    self._followers[capture] = follower
        for capture, follower in list(self._followers.items()):
            if capture is not self._followed():
                await self._look(follower)
            if capture is self._followed() or follower.is_over:
                del self._followers[capture]

    async def _look(self, follower: Follower) -> None:
        try:
            await follower.look()
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the other ones are measured all the same
            if follower in self._complained:
                return
            self._complained.add(follower)
            if isinstance(error, OSError):
                self.log.warn("what is recorded cannot be read: {error}", error=str(error))
            else:
                self.log.failure("what is recorded could not be measured")


def measure_beside(
    service: MeterService,
    clock: IReactorTime,
    kept: Kept,
    *,
    running: Callable[[], Sequence[Capture]],
    follow: FollowCapture,
    files: Callable[[], Collection[Path]],
) -> None:
    """
    Let the meters measure every capture, and keep what was measured no longer than it is needed.

    :param running: the captures that run, or have just ended.
    :param files: of everything that is being recorded, earlier segments included.
    """
    beside = Beside(running, lambda: service.followed, follow)

    async def forget() -> None:
        kept.sweep(files())

    for name, seconds, work in (
        ("measuring beside", LOOK_SECONDS, beside.look),
        ("forgetting", _FORGET_SECONDS, forget),
    ):
        Periodic(clock, seconds, work, name=name).setServiceParent(service)
