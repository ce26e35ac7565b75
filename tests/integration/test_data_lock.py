"""The data lock between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rakkr.data_lock import DataLock, InUse

PROGRAM = Path(__file__).with_name("lock_program.py")
ROOT = PROGRAM.parent.parent.parent


def start(directory: Path) -> subprocess.Popen[str]:
    """A process that takes the lock and starts a child, or says why it cannot."""
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_killed(tmp_path: Path) -> None:
    """The lock of a killed process is free at once, though a child of it lives on."""
    with start(tmp_path) as holder:
        assert holder.stdout is not None
        word, child = holder.stdout.readline().split()
        try:
            assert word == "held"
            with pytest.raises(InUse, match=f"process {holder.pid}") as raised:
                DataLock(tmp_path).acquire()
            assert str(tmp_path) in str(raised.value)
            holder.kill()
            assert holder.wait(30) == -signal.SIGKILL
            os.kill(int(child), 0)  # still there
            lock = DataLock(tmp_path)
            lock.acquire()
            lock.release()
        finally:
            os.kill(int(child), signal.SIGKILL)
            holder.kill()


def test_second_refuses(tmp_path: Path) -> None:
    """A second process refuses with a sentence that names the first, and harms it in no way."""
    lock = DataLock(tmp_path)
    lock.acquire()
    with start(tmp_path) as second:
        said, _ = second.communicate(timeout=30)
    assert second.returncode == 2
    assert f"process {os.getpid()}" in said
    assert lock.path.read_text() == f"{os.getpid()}\n"
    lock.release()
