"""A file on its way out, no faster than the other side reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

_PIECE = 1 << 16


@implementer(IPushProducer)
class Download:
    """
    Writes a file into a request and finishes it.

    The length is that of the file when it was opened, so one that is replaced meanwhile stays
    whole.
    """

    def __init__(self, request: Request, path: Path) -> None:
        self._request = request
        self._path = path
        self._file: BinaryIO | None = None
        self._paused = False
        self._writing = False

    def start(self) -> None:
        """Send the head, and begin with the file."""
        self._file = self._path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
        self._request.setHeader(b"content-length", b"%d" % size)
        self._request.notifyFinish().addErrback(lambda _gone: self.stopProducing())
        self._request.registerProducer(self, streaming=True)
        self.resumeProducing()

    def pauseProducing(self) -> None:  # noqa: N802
        """The other side is slower than the disk."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        """Write until told to pause, or to the end."""
        self._paused = False
        if self._writing:  # told so from within our own write
            return
        self._writing = True
        try:
            while self._file is not None and not self._paused:
                self._step(self._file)
        finally:
            self._writing = False

    def _step(self, file: BinaryIO) -> None:
        piece = file.read(_PIECE)
        if piece:
            self._request.write(piece)
            return
        self.stopProducing()
        self._request.unregisterProducer()
        self._request.finish()

    def stopProducing(self) -> None:  # noqa: N802
        """Nobody reads any more."""
        if self._file is not None:
            self._file.close()
            self._file = None
