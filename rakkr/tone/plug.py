"""The plug of a pretended card: it can be pulled, and one program at a time can open the card."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path


class Plug:
    """
    A file that stands for the plug: while it does not exist, the card is not there.

    :param path: that file, None for a card that is always there and that any number may open.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def open(self, device: str) -> None:
        """
        Open a card for this process alone, until it ends.

        :raises OSError: ENODEV without the plug, EBUSY while another process has it open.
        """
        self.check()
        if self._path is None:
            return
        lock = self._path.with_name(f"{self._path.name}.{device.replace('/', '_')}")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY)) from None

    def check(self) -> None:
        """
        Look whether the plug is in.

        :raises OSError: ENODEV when it is not.
        """
        if self._path is not None and not self._path.exists():
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
