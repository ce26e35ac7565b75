"""
A process that an earlier agent started: not our child, but ended by the same ladder.

The system tells its end to its parent only, so it is watched through a pidfd.  Where there are
none (Linux before 5.3, no descriptors left) it is looked for a few times a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from signal import Signals
from typing import Final

from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from rakkr.ladder import Exit, Ladder, Watched
from rakkr.process_identity import PROC, ProcessIdentity, lives

_POLL_SECONDS: Final = 0.2

SendSignal = Callable[[int, int], None]
"""Sends a signal, by number, to a process or a group, as ``os.kill`` and ``os.killpg`` do."""


@implementer(IReadDescriptor)
class _Death:
    """A pidfd, which can be read from when its process is gone."""

    def __init__(self, descriptor: int, came: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._came = came

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """The process is gone."""
        self._came()

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        """Nothing can be lost; the reactor itself is going down."""

    def logPrefix(self) -> str:  # noqa: N802
        """Say who we are."""
        return "process"


class AdoptedProcess(Watched):
    """
    Somebody else's child; made by :func:`adopt`.

    :ivar identity: which process it is.
    """

    def __init__(
        self,
        clock: IReactorTime,
        ladder: Ladder,
        identity: ProcessIdentity,
        group: int,
        proc: Path,
        send: tuple[SendSignal, SendSignal],
    ) -> None:
        super().__init__(clock, ladder)
        self.identity = identity
        self._group = group
        self._proc = proc
        self._to_one, self._to_group = send
        self._watcher: IReactorFDSet | None = None
        self._death: _Death | None = None
        self._poll: IDelayedCall | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self.identity.pid if self.exit is None else None

    def _quieten(self) -> None:
        super()._quieten()
        if self._poll is not None and self._poll.active():
            self._poll.cancel()
        if self._death is not None and self._watcher is not None:
            self._watcher.removeReader(self._death)
            os.close(self._death.fileno())
            self._death = None

    def _watch(self, watcher: IReactorFDSet | None, open_pidfd: Callable[[int], int]) -> None:
        try:
            descriptor = open_pidfd(self.identity.pid) if watcher is not None else -1
        except OSError as error:
            self.log.debug("no pidfd for {pid}: {error}", pid=self.pid, error=str(error))
            descriptor = -1
        if descriptor >= 0 and watcher is not None:
            self._watcher, self._death = watcher, _Death(descriptor, self._gone)
            watcher.addReader(self._death)
            if not lives(self.identity, self._proc):  # it went before there was a pidfd
                self._gone()
        else:
            self._look()

    def _look(self) -> None:
        if lives(self.identity, self._proc):
            self._poll = self._clock.callLater(_POLL_SECONDS, self._look)
        else:
            self._gone()

    def _gone(self) -> None:
        self._ended(Exit(unknown=True))

    def _send(self, signal: str) -> None:
        if not lives(self.identity, self._proc):
            return  # the number may be somebody else's by now
        number = Signals[f"SIG{signal}"]
        with contextlib.suppress(ProcessLookupError):  # its end is on the way to us
            try:
                self._to_group(self._group, number)
            except ProcessLookupError:  # it does not lead one yet, or never will
                self._to_one(self.identity.pid, number)


def adopt(
    identity: ProcessIdentity,
    clock: IReactorTime,
    ladder: Ladder,
    *,
    group: int,
    watcher: IReactorFDSet | None = None,
    proc: Path = PROC,
    open_pidfd: Callable[[int], int] = os.pidfd_open,
    send: tuple[SendSignal, SendSignal] = (os.kill, os.killpg),
) -> AdoptedProcess:
    """
    Watch a process that is not our child, and end it by the ladder when somebody asks.

    One that is dead already, or whose number is another's, has its exit at once.  An exit is always
    ``unknown``, or ``abandoned``.

    :param group: the process group that gets the signals; while nobody is in it, the process does.
    :param watcher: the reactor; None looks for the process again and again.
    """
    process = AdoptedProcess(clock, ladder, identity, group, proc, send)
    if lives(identity, proc):
        process._watch(watcher, open_pidfd)
    else:
        process._gone()
    return process
