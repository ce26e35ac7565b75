"""A controller, a line to it, an agent and a card, and what can be seen of them from outside."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import DeferredLock
from twisted.internet.task import deferLater

from rakkr.process import Child, Ladder, spawn
from rakkr.rig import Rig, RigFailed, Writer, writers
from rakkr.solo.operator import Operator
from tests.integration.chaos.scenario import Plan
from tests.integration.relay import Relay

T = TypeVar("T")
PACE = 2_000_000.0
"""Bytes in a second that the line carries, so that an upload takes long enough to be broken."""

_AGO_SECONDS = 20_000.0  # far enough that no frame number is near 0, the number of silence
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_AWAKE_SECONDS = 3.0
_ROOT = Path(__file__).parents[3]
_FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"
_FAKETIME_ENVIRON = {"FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
_LADDER = Ladder(first="TERM", grace=20.0, give_up=5.0)


def faketime() -> Path | None:
    """The library that lets a process see another time, if it is installed."""
    return next(Path("/").glob(_FAKETIME.removeprefix("/")), None)


def lacking() -> frozenset[str]:
    """The kinds of faults that this machine cannot do."""
    found = set()
    if os.geteuid() != 0:
        found.add("full disk")  # only root mounts
    if faketime() is None:
        found.add("clock step")
    return frozenset(found)


@attrs.define(eq=False)
class World:
    """
    One run's processes.

    :ivar rig: starts them, and ends what is left of them.
    :ivar relay: the line between agent and controller.
    :ivar epoch: of the card, in seconds of the monotonic clock.
    :ivar dead: from when to when, on that clock, no agent worked.
    :ivar agency: held by whoever ends and starts the agent.
    :ivar notes: what went wrong beside the recordings.
    :ivar crashed: whether an agent ended that nobody had ended.
    """

    reactor: Any
    plan: Plan
    rig: Rig
    relay: Relay
    epoch: float
    controller: Child | None = None
    agent: Child | None = None
    dead: list[tuple[float, float]] = attrs.field(factory=list)
    agency: DeferredLock = attrs.field(factory=DeferredLock)
    notes: list[str] = attrs.field(factory=list)
    crashed: bool = False
    _died: float | None = None

    @classmethod
    def make(cls, reactor: Any, plan: Plan, directory: Path) -> World:
        """Lay everything out; nothing runs yet."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environ = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(_ROOT),
            "RAKKR_TONE_LEDGER": str(directory / "ledgers"),
            "RAKKR_TONE_PLUG": str(directory / "plug"),
        }
        rig = Rig(reactor, directory, environ)
        for folder in (rig.solo_directory, directory / "ledgers", directory / "agent/captures"):
            folder.mkdir(parents=True)
        world = cls(
            reactor=reactor,
            plan=plan,
            rig=rig,
            relay=Relay(0),
            epoch=round(time.monotonic() - _AGO_SECONDS, 3),
        )
        world.plug.touch()
        world.clock_file.write_text("+0\n")
        world.relay.pace = PACE
        return world

    # Places

    @property
    def device(self) -> str:
        """The card, as the capture program knows it."""
        return f"numbered:{self.epoch}"

    @property
    def own(self) -> Path:
        """The agent's directory."""
        return self.rig.directory / "agent"

    @property
    def captures(self) -> Path:
        """Where the agent captures."""
        return self.own / "captures"

    @property
    def plug(self) -> Path:
        """Without this file the card is gone."""
        return self.rig.directory / "plug"

    @property
    def clock_file(self) -> Path:
        """How far the agent's wall clock is off."""
        return self.rig.directory / "clock"

    def number_at(self, mono: float) -> int:
        """The frame that the card had then."""
        return round((mono - self.epoch) * self.plan.rate)

    # Processes

    async def start_controller(self) -> None:
        """Start the controller, on its old port if it had one, and wait until it listens."""
        port_file = self.rig.solo_directory / "port"
        port = port_file.read_text() if port_file.exists() else "0"
        port_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "tests.integration.chaos.controller"]
        self.controller = self._spawn("solo", [*argv, str(self.rig.solo_directory), port])
        give_up = self.reactor.seconds() + _START_SECONDS
        while not port_file.exists():
            if self.controller.exit is not None or self.reactor.seconds() > give_up:
                raise RigFailed(f"no controller: see {self.rig.log_of('solo')}")
            await deferLater(self.reactor, _LOOK_SECONDS)
        self.relay.target = int(port_file.read_text())
        self.rig._url = f"https://127.0.0.1:{self.relay.target}"

    async def end_controller(self, signal: str) -> None:
        """End the controller."""
        assert self.controller is not None
        await self.controller.stop(signal)
        self.rig.children.remove(self.controller)

    def order(self, line: str) -> None:
        """Tell the controller what to do: see :mod:`tests.integration.chaos.controller`."""
        with (self.rig.solo_directory / "orders").open("a") as file:
            file.write(line + "\n")

    def start_agent(self) -> None:
        """Start the agent."""
        environ = self.rig.environ
        library = faketime()
        if library is not None and any(each.kind == "clock step" for each in self.plan.faults):
            self.rig.environ = {
                **environ,
                **_FAKETIME_ENVIRON,
                "LD_PRELOAD": str(library),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
                "PATH": f"{self._true_clocked()}{os.pathsep}{environ['PATH']}",
            }
        more = ("--capture-command", "rakkr-tone", "--controller-url", self.relay.url)
        # What is only listened to is owed to nobody, and would stand in the ledgers.
        self.agent = self.rig.start_agent(*more, "--meter-backend", "synthetic")
        self.rig.environ = environ
        if self._died is not None:
            self.dead.append((self._died, time.monotonic() + _AWAKE_SECONDS))
            self._died = None
        self.agent.when_ended().addCallback(self._agent_ended, self.agent)

    def _true_clocked(self) -> Path:
        """
        A directory with a capture program that is left alone by the library.

        It does not look at the wall clock, and the library breaks its sleep on the monotonic one.
        """
        folder = self.rig.directory / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "rakkr-tone"
        real = Path(sys.executable).with_name("rakkr-tone")
        program.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec "{real}" "$@"\n')
        program.chmod(0o755)
        return folder

    async def end_agent(self, signal: str) -> None:
        """End the agent; hold :attr:`agency` until it is started again."""
        assert self.agent is not None
        self._died = time.monotonic()
        await self.agent.stop(signal)
        self.rig.children.remove(self.agent)

    def _agent_ended(self, how: object, agent: Child) -> None:
        if not agent.stopped:
            self.crashed = True
            self.notes.append(f"the agent ended by itself: {how}")

    def _spawn(self, name: str, argv: list[str]) -> Child:
        log = os.open(self.rig.log_of(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            child = spawn(
                self.reactor,
                self.reactor,
                argv,
                env=self.rig.environ,
                ladder=_LADDER,
                child_fds={0: nothing, 1: log, 2: log},
            )
        finally:
            os.close(log)
            os.close(nothing)
        self.rig.children.append(child)
        return child

    # What is to be seen

    def programs(self) -> list[Writer]:
        """The capture programs that run."""
        return [
            each
            for each in writers(self.captures)
            if any(Path(word).name == "rakkr-tone" for word in each.argv[:2])
        ]

    def encoders(self) -> list[int]:
        """The ids of the agent's ffmpeg processes."""
        found = []
        pid = None if self.agent is None else self.agent.pid
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                    if Path(words[0].decode()).name.startswith("ffmpeg"):
                        found.append(int(child))
        return found

    async def ask(self, call: Callable[[Operator], Awaitable[T]]) -> T:
        """Do something as the operator; again and again while the controller does not answer."""
        while True:
            try:
                return await call(self.rig.operator())
            except Exception as error:
                if type(error).__name__ == "OperatorRefused":
                    raise
            await deferLater(self.reactor, 0.3)
