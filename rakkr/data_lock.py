"""One agent for each directory with state or journals."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

_NAME: Final = "agent.lock"
_LONGEST_PID: Final = 20


class InUse(Exception):
    """Another process works with the directory; the message is for people."""


class DataLock:
    """
    A lock on a directory that ends with this process, however it ends.

    It belongs to an open file that children do not inherit, so a capture program that outlives the
    agent does not hold it.

    :ivar path: the file; it stays when the lock is released, because deleting it would let two
        processes lock two files of one name.
    """

    def __init__(self, directory: Path) -> None:
        """:param directory: made if it is missing."""
        self.path = directory / _NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """
        Take the lock, or have it already.

        :raises InUse: when another process has it.
        :raises OSError: when the directory takes no file.
        """
        if self._descriptor is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, _LONGEST_PID, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise InUse(
                f"another agent ({f'process {holder}' if holder else 'a process'}) works with"
                f" {self.path.parent}; stop it, or give this one directories of its own, by"
                " --agent-state-file and --capture-dir"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have it; twice is once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
