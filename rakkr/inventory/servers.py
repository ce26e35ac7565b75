"""Looking at the sound servers, by the programs that come with them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorProcess, IReactorTime

from rakkr.inventory.jack import Patchbay, read_ports
from rakkr.inventory.pipewire import NotADump, read_dump
from rakkr.inventory.view import NoAnswer, Server, View
from rakkr.process import Ladder, Ran, run
from rakkr.threads import InThread
from rakkr.wording import summary

LIMIT_SECONDS: Final = 3.0
_MOST_BYTES: Final = 1 << 24
_PACKAGES: Final = {"pw-dump": "pipewire-bin", "jack_lsp": "jackd2 (or jack-example-tools)"}
# What pw-dump 0.3 to 1.6 and jack_lsp 1.9 say when nobody listens.
_NO_SERVER: Final = ("Host is down", "server is not running", "server not running")
# Otherwise its tools start a server of their own where there is none.
_ENV: Final = {"LC_ALL": "C", "JACK_NO_START_SERVER": "1"}


@attrs.frozen
class SoundServers:
    """
    Asks PipeWire and JACK what they have.

    :ivar env: the whole environment of the programs that ask.
    """

    spawner: IReactorProcess
    clock: IReactorTime
    in_thread: InThread
    env: Mapping[str, str]

    async def __call__(self, server: Server) -> View:
        """Say what a server shows now; does not fail."""
        if server == "pipewire":
            return await self._pipewire()
        return await self._jack()

    async def jack_rate(self) -> int | None:
        """The frames in a second that JACK runs at; None when it does not say."""
        ran = await self._run(["jack_samplerate"])
        text = ran.stdout.strip()
        return int(text) if ran.exit.ok and text.isdigit() else None

    async def _pipewire(self) -> View:
        missing = self._missing("pw-dump")
        if missing is not None:
            return missing
        ran = await self._run(["pw-dump"])
        silent = _silent("pw-dump", "PipeWire", ran)
        if silent is not None:
            return silent
        try:
            return await self.in_thread(read_dump, _text(ran.stdout))
        except NotADump as error:
            return NoAnswer(str(error))

    async def _jack(self) -> View:
        missing = self._missing("jack_lsp")
        if missing is not None:
            return missing
        ran = await self._run(["jack_lsp", "-c", "-p", "-t"])
        silent = _silent("jack_lsp", "JACK", ran)
        if silent is not None:
            return silent
        found: Patchbay = read_ports(_text(ran.stdout))
        if not found.ports and ran.stdout.strip():
            return NoAnswer(f"jack_lsp printed no ports: {summary(_text(ran.stdout))[:100]}")
        return found

    def _missing(self, program: str) -> NoAnswer | None:
        """Say that a program is not there; None when it is."""
        if shutil.which(program, path=self.env.get("PATH", os.defpath)) is not None:
            return None
        package = _PACKAGES[program]
        return NoAnswer(f"{program} is not there: install the Debian package {package}", blind=True)

    async def _run(self, argv: Sequence[str]) -> Ran:
        return await run(
            self.spawner,
            self.clock,
            argv,
            env={**self.env, **_ENV},
            ladder=Ladder(grace=0.5, give_up=1.0, limit=LIMIT_SECONDS),
            most=_MOST_BYTES,
        )


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")


def _silent(program: str, server: str, ran: Ran) -> NoAnswer | None:
    """Say why a program has no answer; None when it has one."""
    if ran.exit.refused is not None:
        return NoAnswer(f"{server} cannot be asked: {ran.exit.refused}")
    if ran.overran:
        return NoAnswer(f"{server} does not answer {program} within {LIMIT_SECONDS:g} s")
    if not ran.exit.ok:
        said = summary(_text(ran.stderr))
        absent = any(words in said for words in _NO_SERVER)
        return NoAnswer(f"{server} does not answer {program}: {said or ran.exit}", absent=absent)
    return None
