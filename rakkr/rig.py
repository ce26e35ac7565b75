"""
A controller and an agent as processes of their own, in a directory of their own.

The demo, the benchmarks and the integration tests work with it: what they show is what a user runs.
A capture program outlives its agent on purpose, so what a rig ends includes the programs that no
agent came back for: they are known by the files below the directory that they write into.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
from treq.client import HTTPClient
from twisted.internet.task import deferLater
from twisted.web.client import Agent

from rakkr.controller.trust import Trust
from rakkr.process import Child, Exit, Ladder, spawn
from rakkr.solo.operator import Operator

NODE = "node_rig"
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.05
# INT ends captures and delivers them; TERM would leave them to the next agent.
_LADDER = Ladder(first="INT", grace=45.0, give_up=5.0)
_LEFT_SECONDS = 5.0


class RigFailed(Exception):
    """A process of the rig did not come up; the message says where its log is."""


@attrs.frozen
class Writer:
    """
    A process that has files open for writing.

    :ivar argv: the words that it was started with.
    """

    pid: int
    argv: tuple[str, ...]
    paths: tuple[Path, ...]


def writers(directory: Path) -> list[Writer]:
    """
    Find the other processes of this machine that write into files below a directory.

    Those of other users are seen only by root.
    """
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to look at
            paths = tuple(_written(process, directory.resolve()))
            argv = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            if paths:
                found.append(Writer(int(process.name), tuple(argv), paths))
    return found


def _written(process: Path, directory: Path) -> Iterator[Path]:
    for link in (process / "fd").iterdir():
        path = link.readlink()
        if path.is_relative_to(directory):
            about = dict(
                line.split(":\t")
                for line in (process / "fdinfo" / link.name).read_text().splitlines()
            )
            if int(about["flags"], 8) & os.O_ACCMODE != os.O_RDONLY:
                yield path


@attrs.define
class Rig:
    """
    The processes, and the way to their operator side.

    :ivar directory: everything that they write is in here.
    :ivar environ: what they inherit.
    """

    reactor: Any
    directory: Path
    environ: Mapping[str, str]
    children: list[Child] = attrs.field(factory=list)
    _url: str | None = None

    @property
    def solo_directory(self) -> Path:
        """Where the controller keeps its files."""
        return self.directory / "solo"

    @property
    def url(self) -> str:
        """The controller's base URL, once it runs."""
        assert self._url is not None
        return self._url

    async def start_controller(self, *flags: str) -> Child:
        """
        Start the built-in controller on a free port, and wait until it listens.

        :raises RigFailed: when it ends, or is silent for half a minute.
        """
        address = self.solo_directory / "url"
        address.unlink(missing_ok=True)
        child = self.start("solo", ["--solo-only", "--solo-dir", str(self.solo_directory), *flags])
        give_up = self.reactor.seconds() + _START_SECONDS
        while not address.exists():
            if child.exit is not None or self.reactor.seconds() > give_up:
                raise RigFailed(f"the controller did not come up: see {self.log_of('solo')}")
            await deferLater(self.reactor, _LOOK_SECONDS)
        self._url = address.read_text().strip()
        return child

    def start_agent(self, *flags: str, name: str = "agent") -> Child:
        """Start an agent that works for the controller."""
        return self.start(name, [*self.agent_flags(name), *flags])

    def agent_flags(self, name: str = "agent") -> list[str]:
        """The flags that lead an agent to the controller, with its files in the directory."""
        own = self.directory / name
        return [
            "--controller-url",
            self.url,
            "--controller-ca-cert-path",
            str(self.solo_directory / "ca.pem"),
            "--controller-token-file",
            str(self.solo_directory / "node-token"),
            "--capture-dir",
            str(own / "captures"),
            "--agent-health-log-file",
            str(own / "health-events.jsonl"),
            "--agent-state-file",
            str(own / "job-state.json"),
        ]

    def start(self, name: str, flags: Sequence[str]) -> Child:
        """Start ``twistd -n rakkr-recorder`` with these flags; its output goes to a log."""
        self.directory.mkdir(parents=True, exist_ok=True)
        twistd = str(Path(sys.executable).with_name("twistd"))
        log = os.open(self.log_of(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            child = spawn(
                self.reactor,
                self.reactor,
                [twistd, "-n", "--pidfile=", "rakkr-recorder", "--node-id", NODE, *flags],
                env=self.environ,
                ladder=_LADDER,
                child_fds={0: nothing, 1: log, 2: log},
            )
        finally:
            os.close(log)
            os.close(nothing)
        self.children.append(child)
        return child

    def log_of(self, name: str) -> Path:
        """Where a process's output is."""
        return self.directory / f"{name}.log"

    def operator(self) -> Operator:
        """The operator's side of the controller."""
        trust = Trust(self.solo_directory / "ca.pem", None, None)
        token = (self.solo_directory / "operator-token").read_text().strip()
        http = HTTPClient(Agent(self.reactor, trust))
        return Operator(http, self.url, token, self.reactor)

    async def __aenter__(self) -> Self:
        """The rig itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what still runs."""
        await self.stop()

    async def stop(self) -> list[Exit]:
        """
        End what still runs, the youngest first, and say how each ended.

        Afterwards no process writes into the directory any more.
        """
        for child in reversed(self.children):
            child.stop()
            await child.when_ended()
        await self._end_the_rest()
        return [child.exit for child in self.children if child.exit is not None]

    async def _end_the_rest(self) -> None:
        for number in (signal.SIGINT, signal.SIGKILL):
            for left in writers(self.directory):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(left.pid, number)
            give_up = self.reactor.seconds() + _LEFT_SECONDS
            while writers(self.directory):
                if self.reactor.seconds() > give_up:
                    break
                await deferLater(self.reactor, _LOOK_SECONDS)
            else:
                return
