"""
A process that begins a capture as an agent does, and waits to be killed.

It is called with the directory, the program, and changes to the request as JSON, and says its
traces on stdout: one line when the files are announced, one when the program runs, and one when
there was a sample.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed

from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.request import CaptureLimits
from rakkr.capture.trace import Trace
from rakkr.process import Child, Ladder, spawn
from tests.integration.capture_world import real_surroundings, two_seconds


class CapturingAgent:
    """
    The other side: calls that process, and listens.

    :ivar traces: what it has said.
    """

    def __init__(self, directory: Path, program: Path, **changes: Any) -> None:
        self.traces: list[Trace] = []
        self._waiting: list[tuple[int, Deferred[Trace]]] = []
        self._rest = b""
        world: Any = reactor
        call = (sys.executable, "-c", _CALL, str(directory), str(program), json.dumps(changes))
        self.child: Child = spawn(
            world,
            world,
            call,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
            ladder=Ladder("KILL"),
            child_fds={0: "w", 1: "r", 2: 2},
            output=self._hear,
        )

    def trace(self, number: int) -> Deferred[Trace]:
        """Wait for the trace of that number: 0 announced, 1 running, 2 with its first sample."""
        waiting: Deferred[Trace] = Deferred()
        self._waiting.append((number, waiting))
        self._tell()
        return waiting

    async def die(self) -> None:
        """Kill it, as the system does, and wait until it is gone."""
        await self.child.stop("KILL")

    def _hear(self, _descriptor: int, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.traces += [Trace.from_json(json.loads(line)) for line in lines]
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for number, each in waiting:
            if number < len(self.traces):
                each.callback(self.traces[number])
            else:
                self._waiting.append((number, each))


_CALL = "from tests.integration.capturing_agent import main; main()"


def _say(trace: Trace) -> Deferred[None]:
    sys.stdout.write(json.dumps(trace.as_json()) + "\n")
    sys.stdout.flush()
    return succeed(None)


async def _capture(directory: Path, program: str, changes: dict[str, Any]) -> None:
    capture: Capture = start_capture(
        two_seconds(directory, command=program, **changes),
        CaptureLimits(),
        real_surroundings(),
        _say,
    )
    await capture.when_spawned()
    _say(capture.trace)
    await capture.when_started()
    _say(capture.trace)


def main() -> None:
    """Begin, and wait."""
    world: Any = reactor
    directory, program, changes = sys.argv[1:]
    world.callWhenRunning(_begin, Path(directory), program, json.loads(changes))
    world.run()


def _begin(directory: Path, program: str, changes: dict[str, Any]) -> None:
    Deferred.fromCoroutine(_capture(directory, program, changes))
