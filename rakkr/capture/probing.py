"""Asking capture programs what they can do: once each, until another version is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorProcess, IReactorTime

from rakkr.capture.abilities import Abilities, read_abilities
from rakkr.process import Ladder, Ran, run
from rakkr.wording import summary

LIMIT_SECONDS: Final = 5.0
_HELP: Final = {"jack_capture": "--help2"}
"""Programs that keep their options out of ``--help``."""
_LIST_PCMS: Final = "-L"


class NoAbilities(Exception):
    """A program that does not say what it can do; the message is for people."""


@attrs.define
class Probing:
    """
    Knows what programs can do.

    :ivar env: their whole environment; the locale is forced to C, since their answers are parsed.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    env: Mapping[str, str]
    _known: dict[tuple[str, int, int], Abilities] = attrs.field(factory=dict)

    def find(self, command: str) -> Path | None:
        """Find a program on the PATH of the environment."""
        found = shutil.which(command, path=self.env.get("PATH", os.defpath))
        return None if found is None else Path(found)

    async def abilities(self, command: str) -> Abilities | None:
        """
        Say what a program can do; None when there is none of this name.

        :raises NoAbilities: when it gives no answer; it is asked again the next time.
        """
        path = self.find(command)
        if path is None:
            return None
        try:
            stat = path.stat()
        except OSError:  # it was replaced at this moment
            return None
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        if key not in self._known:
            self._known[key] = await self._ask(path)
        return self._known[key]

    async def pcms(self, command: str) -> frozenset[str]:
        """
        Name the PCMs that ALSA has beside its cards.

        :raises NoAbilities: when the program cannot say.
        """
        ran = await self._run(command, _LIST_PCMS)
        if ran.overran or not ran.exit.ok:
            said = summary(_text(ran)) or str(ran.exit)
            raise NoAbilities(f"{command} {_LIST_PCMS} does not name the plugins: {said}")
        lines = ran.stdout.decode("utf-8", "replace").splitlines()
        return frozenset(line for line in lines if line and not line[0].isspace())

    async def _ask(self, path: Path) -> Abilities:
        option = _HELP.get(PurePath(path).name, "--help")
        told = await self._run(str(path), option)
        version = await self._run(str(path), "--version")
        text, other = (_text(ran) for ran in (told, version))
        found = read_abilities(text, other)
        if found.options is None:
            said = summary(text) or str(told.exit)
            late = f" within {LIMIT_SECONDS:g} s" if told.overran else ""
            raise NoAbilities(f"{path} {option} does not say what it can do{late}: {said}")
        return found

    async def _run(self, command: str, option: str) -> Ran:
        return await run(
            self.spawner,
            self.clock,
            [command, option],
            env={**self.env, "LC_ALL": "C"},
            ladder=Ladder(grace=1.0, give_up=1.0, limit=LIMIT_SECONDS),
        )


def _text(ran: Ran) -> str:
    """Some print their help on stderr."""
    return (ran.stdout + b"\n" + ran.stderr).decode("utf-8", "replace")
