"""The shim between an agent and a capture program, as a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor

from rakkr.capture.exit_note import ExitNote, read_note
from rakkr.capture.surroundings import shim_command
from rakkr.process import Child, Exit, Ladder, spawn
from tests.integration.capture_world import until

pytestmark = pytest.mark.deadline(30)
_SOON, _LATE = 0.0, 1e9


class Shim:
    """A shim under test, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.leash = directory / "a.leash"
        self.exit = directory / "a.exit"
        self.ready = directory / "ready"
        self.stderr = b""
        self.children: list[Child] = []

    def start(
        self, *command: str, leash: float | None = _LATE, before: tuple[str, ...] = ()
    ) -> Child:
        """Call it, perhaps behind another program."""
        if leash is not None:
            self.push(leash)
        world: Any = reactor
        child = spawn(
            world,
            world,
            [*before, *shim_command(sys.executable), str(self.leash), str(self.exit), *command],
            env={**os.environ, "READY": str(self.ready)},
            ladder=Ladder("KILL"),
            output=self._hear,
        )
        self.children.append(child)
        return child

    def script(self, text: str, leash: float | None = _LATE) -> Child:
        """Call it with a shell script, which may say on $READY that it has come somewhere."""
        return self.start("sh", "-c", text, leash=leash)

    def push(self, seconds: float) -> None:
        """Set the leash, counted from now."""
        draft = self.leash.with_suffix(".new")
        draft.write_text(f"{time.monotonic() + seconds}\n", encoding="ascii")
        draft.replace(self.leash)

    async def until_ready(self) -> None:
        """Wait until the script has come there."""
        await until(self.ready.exists)

    def note(self) -> ExitNote:
        """Read what it wrote."""
        found = read_note(self.exit)
        assert found is not None
        return found

    def _hear(self, _descriptor: int, data: bytes) -> None:
        self.stderr += data


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[Shim]:
    """Have one, and no process of it afterwards."""
    made = Shim(tmp_path)
    yield made
    for child in made.children:
        if child.pid is not None:
            os.killpg(child.pid, signal.SIGKILL)


async def test_the_exit_code(shim: Shim) -> None:
    """The program's exit code is the shim's, and is written down with the moment."""
    assert await shim.script("exit 3").when_ended() == Exit(3)
    written = json.loads(shim.exit.read_text("ascii"))
    assert (written["code"], written["signal"], written["leash"]) == (3, None, False)
    assert 0.0 <= time.monotonic() - written["endedAt"] < 5.0
    assert list(shim.exit.parent.glob("*.tmp")) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGINT, signal.SIGTERM])
async def test_the_signal(shim: Shim, number: signal.Signals) -> None:
    """A signal that ended the program ends the shim, too, and is written down."""
    child = shim.script(f"kill -{int(number)} $$; sleep 60")
    assert await child.when_ended() == Exit(None, int(number))
    assert (shim.note().code, shim.note().signal) == (None, int(number))


@pytest.mark.parametrize(
    ("program", "code", "why"),
    [("no-such-program", 127, "No such file"), ("/", 126, "Permission denied")],
)
async def test_a_program_that_cannot_be_called(
    shim: Shim, program: str, code: int, why: str
) -> None:
    """A program that cannot be called is a line on stderr and the exit code of a shell."""
    assert await shim.start(program).when_ended() == Exit(code)
    assert shim.stderr.decode().count("\n") == 1
    assert f"failed to execute {program}: {why}" in shim.stderr.decode()
    assert not shim.exit.exists()


async def test_arguments_and_descriptors(shim: Shim) -> None:
    """The program gets its arguments as they are, our streams, and signals as at its birth."""
    code = "import signal, sys; print(sys.argv[1:], signal.pthread_sigmask(0, []), end='')"
    words = ["a b", "ü", "--", ""]
    await shim.start(sys.executable, "-c", code, *words).when_ended()
    assert shim.stderr.decode() == f"{words} set()"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_group(shim: Shim, number: signal.Signals) -> None:
    """A signal to the group ends the program, and the shim only after it has written EXIT."""
    child = shim.script(
        f"trap 'sleep 0.3; exit 5' {int(number)}; : > $READY; while :; do sleep 0.05; done"
    )
    await shim.until_ready()
    assert child.pid is not None
    os.killpg(child.pid, number)
    assert await child.when_ended() == Exit(5)
    assert shim.note().code == 5


async def test_a_signal_before_the_program(shim: Shim) -> None:
    """A stop that comes while the shim is about to call the program is passed on to it."""
    early = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {2});"
        " os.kill(os.getpid(), 2); os.execv(sys.argv[1], sys.argv[1:])"
    )
    child = shim.start("sleep", "60", before=(sys.executable, "-c", early))
    assert await child.when_ended() == Exit(None, signal.SIGINT)
    assert shim.note().signal == signal.SIGINT


async def test_the_leash(shim: Shim) -> None:
    """When the moment in the leash has passed, the program is asked to end."""
    began = time.monotonic()
    how = await shim.script("exec sleep 60", leash=0.5).when_ended()
    assert how == Exit(None, signal.SIGINT)
    assert 0.5 <= time.monotonic() - began < 5.0
    assert shim.note().leashed


async def test_a_leash_that_is_pushed_out(shim: Shim) -> None:
    """A leash that is written anew counts from then on, whether it became longer or shorter."""
    began = time.monotonic()
    child = shim.script(": > $READY; exec sleep 60", leash=1.0)
    await shim.until_ready()
    shim.push(3.0)
    await child.when_ended()
    assert 2.9 <= time.monotonic() - began < 10.0
    child = shim.script("exec sleep 60", leash=_LATE)
    shim.push(_SOON)
    await child.when_ended()
    assert shim.note().leashed


@pytest.mark.parametrize("content", [None, b"", b"soon", b"nan", b"-inf", b"\xff"])
async def test_a_leash_that_cannot_be_read(shim: Shim, content: bytes | None) -> None:
    """A leash that makes no sense ends nobody."""
    if content is not None:
        shim.leash.write_bytes(content)
    assert await shim.script("sleep 0.3; exit 4", leash=None).when_ended() == Exit(4)


async def test_force(shim: Shim) -> None:
    """A program that ignores the end of its leash is killed ten seconds later, children and all."""
    child = shim.script("trap '' INT; : > $READY; sleep 60; :")
    await shim.until_ready()
    began = time.monotonic()
    shim.push(_SOON)
    leader = child.pid
    assert leader is not None
    await child.when_ended()
    assert 9.9 <= time.monotonic() - began < 20.0
    assert (shim.note().signal, shim.note().leashed) == (signal.SIGKILL, True)

    def gone() -> bool:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        return False

    await until(gone)


async def test_an_exit_that_cannot_be_written(shim: Shim) -> None:
    """A place that takes no file changes nothing about the end."""
    shim.exit = shim.exit.parent / "nowhere" / "a.exit"
    assert await shim.script("exit 6").when_ended() == Exit(6)
