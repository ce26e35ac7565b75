"""What a rig ends: its own children, and whatever they left writing into its directory."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.internet import reactor

from rakkr.rig import Rig, writers

_WAITS = "import sys, time; print('up', flush=True); time.sleep(60)"
_DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {_WAITS}"


@contextmanager
def process(source: str, opened: Path, mode: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has a file open, and is up."""
    with opened.open(mode) as file:
        argv = [sys.executable, "-c", source]
        child = subprocess.Popen(
            argv, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    assert child.stdout is not None
    assert child.stdout.read(3) == b"up\n"
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


async def test_what_was_left_is_ended(tmp_path: Path) -> None:
    """A capture that no agent came back for gets INT, then KILL; a reader is left alone."""
    kept = tmp_path / "kept"
    kept.mkdir()
    file = kept / "a.raw.wav"
    file.touch()
    with (
        process(_WAITS, file, "ab") as writer,
        process(_DEAF, file, "r+b") as deaf,
        process(_WAITS, file, "rb") as reader,
    ):
        found = {each.pid: each for each in writers(kept)}
        assert found.keys() == {writer.pid, deaf.pid}
        assert found[writer.pid].paths == (file,)
        assert found[writer.pid].argv[1:] == ("-c", _WAITS)
        await Rig(reactor, kept, {}).stop()
        assert writer.wait(10) == -signal.SIGINT
        assert deaf.wait(10) == -signal.SIGKILL
        assert reader.poll() is None
        assert writers(kept) == []
