"""How full a disk is, by ``df``, or by the system itself where there is no ``df``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.logger import Logger

from rakkr.process import Ladder, Ran, run
from rakkr.process_identity import ProcessIdentity, identify, lives
from rakkr.system.df import BadAnswer, Filled, parse_df
from rakkr.system.file_system import FileSystem, look_at
from rakkr.system.question import NotKnown, Question
from rakkr.wording import summary

LOOK_SECONDS: Final = 5.0
_LADDER: Final = Ladder(grace=1.0, give_up=1.0, limit=10.0)
_MOST_BYTES: Final = 1 << 16
_MOST_SAID: Final = 200


class DiskProbe:
    """
    Asks about the file system of one directory.

    :ivar path: the directory; it need not be there yet.
    :ivar look: asks the system itself, which tells which file system it is.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        *,
        command: str,
        spawner: IReactorProcess,
        clock: IReactorTime,
        in_thread: Callable[..., Deferred[Any]],
        environ: Mapping[str, str],
        proc: Path,
    ) -> None:
        """
        :param command: the ``df`` program, called with ``-Pk`` and the directory.
        :param proc: where the system tells of processes.
        """
        self.path = path
        self.look: Question[FileSystem] = Question(
            clock, in_thread, partial(look_at, path), about=str(path), seconds=LOOK_SECONDS
        )
        self._command = command
        self._spawner = spawner
        self._clock = clock
        self._environ = environ
        self._proc = proc
        self._stuck: ProcessIdentity | None = None
        self._refused: str | None = None

    async def filled(self, seen: FileSystem) -> Filled:
        """
        How full it is.

        :param seen: the look before; a disk that does not answer it is not asked by ``df``, which
            would hang as well, and could not be killed.
        :raises NotKnown: when ``df`` hangs, fails, or says nothing of use; without it, when the
            system names no size.
        """
        self._refuse_a_second()
        ran = await run(
            self._spawner,
            self._clock,
            [self._command, "-Pk", str(seen.place)],
            env=self._environ,
            ladder=_LADDER,
            most=_MOST_BYTES,
        )
        self._say_whether_refused(ran.exit.refused)
        if ran.exit.refused is not None:
            if seen.filled.total == 0:
                raise NotKnown(f"{ran.exit.refused}, and {seen.place} has no size")
            return seen.filled
        return self._read(ran, f"{self._command} -Pk {seen.place}")

    def _read(self, ran: Ran, call: str) -> Filled:
        if ran.exit.abandoned and ran.pid is not None:
            self._stuck = identify(ran.pid, self._proc)
        if ran.overran:
            raise NotKnown(f"{call} did not answer within {_LADDER.limit:g} s")
        if not ran.exit.ok:
            said = summary(ran.stderr.decode("utf-8", "replace"))[-_MOST_SAID:]
            raise NotKnown(f"{call} failed: {ran.exit}{f' ({said})' if said else ''}")
        try:
            return parse_df(ran.stdout.decode("utf-8", "replace"))
        except BadAnswer as error:
            raise NotKnown(f"{call}: {error}") from error

    def _refuse_a_second(self) -> None:
        """Start none while one that could not be killed is still there."""
        if self._stuck is not None and lives(self._stuck, self._proc):
            raise NotKnown(f"{self._command} of an earlier look hangs and cannot be killed")
        self._stuck = None

    def _say_whether_refused(self, refused: str | None) -> None:
        if refused != self._refused and refused is not None:
            self.log.warn("{why}; the system itself is asked instead", why=refused)
        self._refused = refused
