"""
Children in sessions of their own.

Ctrl-C at a terminal reaches every process of the terminal's session, and would end a capture
before the agent has decided anything.  Our shim runs a program in a new session, and so does
``setsid`` of util-linux.  Either leads a process group then, so a wrapper script and the program
inside it get the same signals.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from signal import SIGINT, SIGKILL, Signals
from typing import AnyStr, Final

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import (
    IProcessProtocol,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.task import deferLater
from twisted.python.components import proxyForInterface
from zope.interface import implementer

from rakkr.process_identity import anybody_in

_POLL_SECONDS: Final = 0.05
_REAP_SECONDS: Final = 1.0

SignalGroup = Callable[[int, int], None]
"""Sends a signal, by number, to the process group that a pid leads, as ``os.killpg`` does."""


class _Leader(proxyForInterface(IProcessTransport)):  # type: ignore[misc]
    """A child that leads a process group: signals go to all of the group."""

    def __init__(self, original: IProcessTransport, signal_group: SignalGroup) -> None:
        super().__init__(original)
        self._signal_group = signal_group

    def signalProcess(self, signalID: str | int) -> None:  # noqa: N802, N803 - Twisted's names
        """Signal the group, or the child alone while it does not lead one yet."""
        pid = self.original.pid
        if pid is None:
            raise ProcessExitedAlready
        number = Signals[f"SIG{signalID}"] if isinstance(signalID, str) else Signals(signalID)
        try:
            self._signal_group(pid, number)
        except ProcessLookupError:
            self.original.signalProcess(signalID)


@implementer(IReactorProcess)
class OwnSession:
    """
    A spawner whose children run in sessions of their own.

    :ivar launcher: a program that makes a session for the command behind its own arguments.
    """

    def __init__(
        self,
        spawner: IReactorProcess,
        launcher: Sequence[str],
        signal_group: SignalGroup = os.killpg,
    ) -> None:
        self._spawner = spawner
        self._launcher = tuple(launcher)
        self._signal_group = signal_group

    def spawnProcess(  # noqa: N802 - Twisted's name
        self,
        processProtocol: IProcessProtocol,  # noqa: N803
        executable: bytes | str,
        args: Sequence[bytes | str] = (),
        env: Mapping[AnyStr, AnyStr] | None = None,
        path: bytes | str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool = False,  # noqa: N803
        childFDs: Mapping[int, int | str] | None = None,  # noqa: N803
    ) -> IProcessTransport:
        """Start the launcher with the executable and its arguments; else as ``IReactorProcess``."""
        argv = [*self._launcher, executable, *args[1:]]
        process = self._spawner.spawnProcess(
            processProtocol, self._launcher[0], argv, env, path, uid, gid, usePTY, childFDs
        )
        return _Leader(process, self._signal_group)


def in_own_session(spawner: IReactorProcess, env: Mapping[str, str]) -> IReactorProcess:
    """Have children in sessions of their own, if ``setsid`` is on the PATH."""
    setsid = shutil.which("setsid", path=env.get("PATH", os.defpath))
    return OwnSession(spawner, (setsid,)) if setsid else spawner


async def end_group(
    clock: IReactorTime,
    leader: int,
    *,
    grace: float,
    asked: bool,
    signal_group: SignalGroup = os.killpg,
    anybody: Callable[[int], bool] = anybody_in,
) -> bool:
    """
    End what a leader that was reaped has left behind in its group: INT, then KILL after the grace.

    No process gets the number of a group while somebody is in it, so it is asked often whether
    somebody still is, and nothing is sent once nobody was.

    :param leader: the process id that the leader had.
    :param asked: whether the group got its INT together with the leader.
    :param anybody: whether a living process is in the group.
    :returns: whether nobody is left.
    """
    for number, seconds in ((0 if asked else SIGINT, grace), (SIGKILL, _REAP_SECONDS)):
        give_up = clock.seconds() + seconds
        try:
            signal_group(leader, number)
            while clock.seconds() < give_up:
                if not anybody(leader):
                    return True
                await deferLater(clock, _POLL_SECONDS)
                signal_group(leader, 0)
        except ProcessLookupError:
            return True
        except OSError:  # not permitted
            return False
    return False
