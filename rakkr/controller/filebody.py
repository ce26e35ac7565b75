"""
A file as the body of a request: streamed in constant memory, hashed on the way.

What the page cache holds (a file that was just written is there) is read on the spot, which costs
less than handing it from thread to thread.  What is not there is fetched by a thread, so that a
slow or dead disk holds up this upload and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from errno import EAGAIN, EINTR, EIO, EMFILE, ENFILE, ENOMEM, ESTALE
from pathlib import Path
from typing import BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from rakkr.controller.errors import UnsendableFile
from rakkr.threads import InThread

# One write.  Larger ones cost more: the transport joins what it could not send again and again.
_PIECE = 1 << 17
# What a thread fetches at once.
_BLOCK = 1 << 19
# Errors of a machine that is in trouble for a moment, and may read the file later.
_PASSING = {EAGAIN, EINTR, EIO, EMFILE, ENFILE, ENOMEM, ESTALE}


class FileSource:
    """
    An open file of a known size that must not change while it is read.

    Its methods are called one at a time.

    :ivar size: bytes when it was opened; exactly these are sent.
    """

    def __init__(self, path: Path, checksum: str | None = None) -> None:
        """
        Open the file.

        :param checksum: ``sha256:<hex>`` of it where that is known, to be taken as it is.

        :raises UnsendableFile: when it is missing, empty, unreadable or no file.
        """
        self._path = path
        self._known = checksum
        try:
            # Not blocking, so that a FIFO without a writer is refused and not waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise unreadable(self._path, error) from error
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
            os.close(descriptor)
            raise self._unsendable(
                "it is empty" if stat.S_ISREG(found.st_mode) else "it is no file"
            )
        self._file: BinaryIO = open(descriptor, "rb", buffering=0)  # noqa: PTH123, SIM115
        self._hash = hashlib.sha256()
        self._read = 0
        self._piece = bytearray(_PIECE)
        self.size = found.st_size

    @property
    def checksum(self) -> str:
        """``sha256:<hex>`` of what was read so far, or the one that was known."""
        return self._known or f"sha256:{self._hash.hexdigest()}"

    def read_cached(self) -> bytes | None:
        """
        Read and hash the next piece if that needs no waiting.

        :returns: the piece, or None when only :meth:`read_block` can tell.
        :raises UnsendableFile: as there.
        """
        try:
            wanted = min(_PIECE, self.size - self._read)
            view = memoryview(self._piece)[:wanted]
            count = os.preadv(self._file.fileno(), [view], self._read, os.RWF_NOWAIT)
        except OSError:  # not in the cache, or a file system that cannot say so
            return None
        if not count:
            return None  # whether this is the end is for the patient way of reading to say
        return self._take(bytes(view[:count]))

    def read_block(self) -> bytes:
        """
        Read and hash the next block, a shorter one at the end of the file; blocks.

        :raises UnsendableFile: when the file cannot be read, or its size is not what it was.
        """
        try:
            wanted = min(_BLOCK, self.size - self._read)
            block = os.pread(self._file.fileno(), wanted, self._read)
        except OSError as error:
            raise unreadable(self._path, error) from error
        return self._take(block)

    def _take(self, block: bytes) -> bytes:
        if not block:
            raise self._unsendable("it became shorter while it was sent")
        self._read += len(block)
        if self._read == self.size != os.fstat(self._file.fileno()).st_size:
            raise self._unsendable("it became longer while it was sent")
        if self._known is None:
            self._hash.update(block)
        return block

    def close(self) -> None:
        """Close the file; again is harmless."""
        self._file.close()

    def _unsendable(self, why: str) -> UnsendableFile:
        return UnsendableFile(self._path, why)


def unreadable(path: Path, error: OSError) -> UnsendableFile:
    """Tell a file that is no good from a machine that is in trouble for a moment."""
    return UnsendableFile(path, error.strerror or str(error), passing=error.errno in _PASSING)


@implementer(IBodyProducer)
class FileBody:
    """
    Sends a file source, as fast as it is taken.

    :ivar length: its bytes, for Content-Length.
    :ivar sent: bytes that were handed to the transport.
    """

    def __init__(
        self, source: FileSource, in_thread: InThread, moved: Callable[[int], None]
    ) -> None:
        """
        Take over a source; it is closed when the body was sent or stopped.

        :param moved: called with :attr:`sent` whenever some of it was taken.
        """
        self._source = source
        self._in_thread = in_thread
        self._moved = moved
        self._consumer: IConsumer | None = None
        self._done: Deferred[None] | None = None
        self._block = memoryview(b"")
        self._fetching = self._paused = self._pumping = self._stopped = False
        self.length = source.size
        self.sent = 0

    @property
    def complete(self) -> bool:
        """Whether the whole file was handed to the transport."""
        return self.sent == self.length

    @property
    def checksum(self) -> str:
        """``sha256:<hex>`` of the file, once it was sent completely."""
        return self._source.checksum

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Send it all; fails with :class:`UnsendableFile`."""
        self._consumer = consumer
        self._done = Deferred(lambda _: self.stopProducing())
        done = self._done
        self._pump()
        return done

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Wait: the transport is full."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Go on."""
        self._paused = False
        self._pump()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """End for good, and close the file; again is harmless."""
        self._stopped = True
        if not self._fetching:  # else the thread is reading from it
            self._source.close()

    def _fetch(self) -> None:
        self._fetching = True
        self._in_thread(self._source.read_block).addCallback(self._arrived).addErrback(self._fail)

    def _arrived(self, block: bytes) -> None:
        self._fetching = False
        if self._stopped:
            self._source.close()
            return
        self._block = memoryview(block)
        self._pump()

    def _fail(self, failure: Failure) -> None:
        self._fetching = False
        stopped, done = self._stopped, self._done
        self.stopProducing()
        if not stopped and done is not None:
            done.errback(failure)

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while not (self._paused or self._stopped or self._fetching or self.complete):
                self._write_piece()
        except UnsendableFile:
            self._fail(Failure())
        finally:
            self._pumping = False
        if self.complete and not self._stopped:
            self.stopProducing()
            assert self._done is not None
            self._done.callback(None)

    def _write_piece(self) -> None:
        assert self._consumer is not None
        piece: bytes | None
        if self._block:
            piece, self._block = bytes(self._block[:_PIECE]), self._block[_PIECE:]
        else:
            piece = self._source.read_cached()
        if piece is None:
            self._fetch()
            return
        self.sent += len(piece)
        self._consumer.write(piece)
        self._moved(self.sent)
