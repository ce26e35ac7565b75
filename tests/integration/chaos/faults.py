"""Doing what a plan says that happens."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, race
from twisted.internet.task import deferLater

from rakkr.process import Ladder, run
from rakkr.solo.operator import OperatorRefused
from tests.integration.chaos.scenario import Fault, Kind
from tests.integration.chaos.stages import Stages
from tests.integration.chaos.world import PACE, World

_PATIENCE_SECONDS = 3.0
_SLOW = 100_000.0
_BREAKABLE = 400_000.0
_ROOM_BYTES = 300_000


@attrs.define(eq=False)
class Faults:
    """
    Lets things happen.

    :ivar recordings: the ids of the recordings, as they are queued.
    :ivar began: when the run began.
    :ivar done: what happened, in order, for the reader of a failed run.
    :ivar active: how many faults are on their way, or not over yet.
    """

    world: World
    stages: Stages
    recordings: list[str]
    began: float
    active: int = 0
    done: list[str] = attrs.field(factory=list)

    async def happen(self, fault: Fault) -> None:
        """Wait for a fault's moment and let it happen, unless the run is over before."""
        world, over = self.world, self.stages.over
        await race([self.stages.when(fault.stage), over.when()])
        self.active += 1
        try:
            await race([self._pause(fault.after), over.when()])
            if over.came:
                self.done.append(f"{fault.kind}: never")
                return
            at = f"{fault.kind} at {world.reactor.seconds() - self.began:.2f} s"
            result = await self._ways[fault.kind](fault)
            self.done.append(f"{at}{f': {result}' if result else ''}")
        except Exception as error:  # noqa: BLE001 - a fault that could not be done fails the run
            world.notes.append(f"{fault.kind}: {type(error).__name__}: {error}")
        finally:
            self.active -= 1

    async def _hunt(self, look: Callable[[], str | None]) -> str:
        """Look for something that may never come, so that nobody waits for us."""
        self.active -= 1
        try:
            while not self.stages.over.came:
                found = look()
                if found is not None:
                    return found
                await self._pause(0.01)
        finally:
            self.active += 1
        return "never"

    @property
    def _ways(self) -> dict[Kind, Callable[[Fault], Awaitable[str | None]]]:
        return {
            "kill agent": lambda fault: self._agent(fault, "KILL"),
            "restart agent": lambda fault: self._agent(fault, "TERM"),
            "torn state": lambda fault: self._agent(fault, "KILL", self._tear),
            "kill capture": self._kill_capture,
            "kill shim": self._kill_shim,
            "freeze capture": self._freeze,
            "device gone": self._unplug,
            "controller down": self._controller_down,
            "busy controller": self._busy,
            "reset upload": self._reset,
            "slow line": self._slow,
            "lease lost": self._expire,
            "stop": self._stop,
            "full disk": self._fill,
            "clock step": self._step,
            "kill ffmpeg": self._kill_encoder,
        }

    def _pause(self, seconds: float) -> Deferred[Any]:
        return deferLater(self.world.reactor, seconds, lambda: None)

    # The agent

    async def _agent(
        self, fault: Fault, how: str, meanwhile: Callable[[Fault], str] | None = None
    ) -> str | None:
        await self.world.agency.acquire()
        try:
            await self.world.end_agent(how)
            said = None if meanwhile is None else meanwhile(fault)
            await self._pause(fault.lasts)
            self.world.start_agent()
        finally:
            self.world.agency.release()
        return said

    def _tear(self, fault: Fault) -> str:
        own = self.world.own
        files = sorted(
            path
            for pattern in ("jobs/*.jsonl", "captures/.journal/*.jsonl", "*.json", "*.jsonl")
            for path in own.glob(pattern)
        )
        if not files:
            return "no state file yet"
        scaled = fault.chance * len(files)
        path = files[int(scaled)]
        size = path.stat().st_size
        length = int((scaled - int(scaled)) * size)
        os.truncate(path, length)
        return f"{path.relative_to(own)} cut from {size} to {length}"

    async def _step(self, fault: Fault) -> str:
        offset = "+3600" if fault.chance < 0.5 else "-3600"
        self.world.clock_file.write_text(f"{offset}\n")
        return offset

    async def _kill_encoder(self, _fault: Fault) -> str:
        def look() -> str | None:
            for pid in self.world.encoders():
                with _alive():
                    os.kill(pid, signal.SIGKILL)
                    return f"process {pid}"
            return None

        return await self._hunt(look)

    # Capture and card

    async def _program(self) -> int | None:
        give_up = self.world.reactor.seconds() + _PATIENCE_SECONDS
        while self.world.reactor.seconds() < give_up:
            if found := self.world.programs():
                return found[0].pid
            await self._pause(0.05)
        return None

    async def _kill_capture(self, _fault: Fault) -> str:
        pid = await self._program()
        with _alive():
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        return f"process {pid}"

    async def _kill_shim(self, _fault: Fault) -> str:
        pid = await self._program()
        agent = self.world.agent
        with _alive():
            parent = _parent(pid) if pid is not None else 1
            if parent > 1 and (agent is None or parent != agent.pid):
                os.kill(parent, signal.SIGKILL)
                return f"process {parent}"
        return "none"

    async def _freeze(self, fault: Fault) -> str:
        pid = await self._program()
        if pid is None:
            return "none"
        with _alive():
            os.kill(pid, signal.SIGSTOP)
            try:
                await self._pause(fault.lasts)
            finally:
                os.kill(pid, signal.SIGCONT)
        return f"process {pid}"

    async def _unplug(self, fault: Fault) -> None:
        self.world.plug.unlink(missing_ok=True)
        await self._pause(fault.lasts)
        self.world.plug.touch()

    async def _fill(self, fault: Fault) -> str:
        """Let the file system of the captures end a little behind what is in it."""
        disk = os.statvfs(self.world.captures)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        await remount(self.world, used + _ROOM_BYTES)
        await self._pause(fault.lasts)
        await remount(self.world, None)
        return f"{used + _ROOM_BYTES} bytes"

    # Controller and line

    async def _controller_down(self, fault: Fault) -> None:
        world = self.world
        if world.controller is None or world.controller.stopped:
            return  # another fault has it
        await world.end_controller("KILL" if fault.chance < 0.5 else "TERM")
        await self._pause(fault.lasts)
        await world.start_controller()

    async def _busy(self, fault: Fault) -> None:
        self.world.order(f"busy {fault.lasts}")
        await self._pause(fault.lasts)

    async def _reset(self, _fault: Fault) -> str:
        relay, incoming = self.world.relay, self.world.rig.solo_directory / "incoming"

        def look() -> str | None:
            size = sum(_size(path) for path in incoming.glob("*"))
            if size:
                relay.reset()
            return f"after {size} bytes" if size else None

        relay.pace = _BREAKABLE
        try:
            return await self._hunt(look)
        finally:
            relay.pace = PACE

    async def _slow(self, fault: Fault) -> None:
        self.world.relay.pace = _SLOW
        await self._pause(fault.lasts)
        self.world.relay.pace = PACE

    async def _expire(self, fault: Fault) -> str:
        recording = self.recordings[int(fault.chance * len(self.recordings))]
        self.world.order(f"expire {recording}")
        await self._pause(fault.lasts)
        return recording

    async def _stop(self, fault: Fault) -> str:
        recording = self.recordings[int(fault.chance * len(self.recordings))]
        return await stop(self.world, recording)


async def stop(world: World, recording: str) -> str:
    """Press Stop; a job that is over already does not mind."""
    try:
        await world.ask(lambda operator: operator.stop(recording))
    except OperatorRefused as refused:
        return str(refused)
    return recording


async def remount(world: World, size: int | None) -> None:
    """Change the size of the file system of the captures."""
    options = f"remount,size={size or '1g'}"
    await _root(world, "mount", "-o", options, str(world.captures))


async def mount(world: World) -> None:
    """Give the captures a file system of their own."""
    await _root(world, "mount", "-t", "tmpfs", "-o", "size=1g", "chaos", str(world.captures))


async def unmount(world: World) -> None:
    """Take it away."""
    await _root(world, "umount", "-l", str(world.captures))


async def _root(world: World, *argv: str) -> None:
    reactor = world.reactor
    ladder = Ladder(limit=20.0)
    done = await run(reactor, reactor, argv, env=dict(os.environ), ladder=ladder)
    if not done.exit.ok:
        world.notes.append(f"{argv}: {done.exit} {done.stderr.decode(errors='replace')}")


@contextmanager
def _alive() -> Iterator[None]:
    with contextlib.suppress(ProcessLookupError):
        yield


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 1
    return int(stat.rpartition(")")[2].split()[1])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
