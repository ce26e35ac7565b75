"""A file that takes up room, so that there is room when there is none."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

from rakkr.disk.space import Space, read_space
from rakkr.durable import sync_directory

NAME: Final = ".rakkr-reserve"
DEFAULT_BYTES: Final = 8 << 20
LEAST_BYTES: Final = 256 << 10
LARGEST_SHARE: Final = 0.02
_ROOMY: Final = 4


def reserve_bytes(wished: int, total: int) -> int:
    """
    Size a reserve.

    :param total: bytes of the file system, of which it takes two hundredths at most; on a tiny one
        it still has to hold headers and journals.
    """
    return max(LEAST_BYTES, min(wished, int(total * LARGEST_SHARE)))


class Reserve:
    """
    A file in a directory whose blocks are really allocated.

    When the disk is full it is given back, and the captures are sealed and the journals written
    with what it held.  Its methods block for as long as the disk takes, may be called in any
    thread, and never raise: to have no reserve is no reason not to record.

    :ivar trouble: why the last attempt to make it failed, None when it did not.
    """

    def __init__(
        self,
        directory: Path,
        size: int = DEFAULT_BYTES,
        *,
        read: Callable[[Path], Space] = read_space,
    ) -> None:
        self.path = directory / NAME
        self.trouble: str | None = None
        self._wished = size
        self._read = read
        self._lock = Lock()

    @property
    def held(self) -> bool:
        """Whether the file is there with anything in it; one look at the disk."""
        return self._allocated() >= LEAST_BYTES

    def make(self) -> bool:
        """
        Make the file if it is not there, and if several times its size is free.

        Otherwise it would take from the captures what it is meant to save for their end.

        :returns: whether it is there.
        """
        with self._lock:
            self.trouble = None
            try:
                return self._made()
            except OSError as error:
                self.trouble = f"{self.path} cannot be made: {error.strerror or error}"
                with contextlib.suppress(OSError):
                    self.path.unlink()
                return False

    def release(self) -> bool:
        """
        Give the room back.

        :returns: whether there was any to give.
        """
        with self._lock:
            had = self.held
            try:
                self.path.unlink()
                sync_directory(self.path.parent)  # a journalling file system frees it only then
            except OSError:
                return had and not self.held
            return had

    def _made(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        space = self._read(self.path.parent)
        size = reserve_bytes(self._wished, space.total)
        if self._allocated() >= size:
            return True
        if space.free < _ROOMY * size:
            self.trouble = (
                f"the reserve for a full disk, {self.path}, has to wait:"
                f" only {space.free} bytes are free; make room"
            )
            return False
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not self.held:  # for example where zeros are compressed away
            raise OSError(errno.ENOTSUP, "this file system sets no room aside")
        return True

    def _allocated(self) -> int:
        """Bytes that it really takes; a hole would save nothing."""
        try:
            return self.path.lstat().st_blocks * 512
        except OSError:
            return 0
