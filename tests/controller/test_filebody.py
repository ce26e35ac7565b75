"""A file as a body, with a consumer that pauses when it likes."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IConsumer
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer
from zope.interface.verify import verifyClass, verifyObject

from rakkr.controller.errors import UnsendableFile
from rakkr.controller.filebody import FileBody, FileSource
from tests.controller.places import new_path


@implementer(IConsumer)
class Consumer:
    """Keeps what it is given, and pauses its producer after every so many bytes."""

    def __init__(self, pause_after: int) -> None:
        self.pause_after = pause_after
        self.body: FileBody | None = None
        self.got = b""
        self.since = 0
        self.pauses = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer."""

    def unregisterProducer(self) -> None:
        """Let a producer go."""

    def write(self, data: bytes) -> None:
        """Take some."""
        self.got += data
        self.since += len(data)
        if self.since >= self.pause_after and self.body is not None:
            self.since = 0
            self.pauses += 1
            self.body.pauseProducing()


verifyClass(IConsumer, Consumer)
CONTENT = bytes(range(256)) * 4096


class FileBodyTests(SynchronousTestCase):
    """Whole files, ends and errors."""

    def body(self, size: int, in_thread: Any = maybeDeferred) -> tuple[FileBody, Path]:
        """A body over a file of so many bytes."""
        self.path = new_path(self)
        self.path.write_bytes(CONTENT[:size])
        self.moved: list[int] = []
        source = FileSource(self.path)
        self.addCleanup(source.close)
        return FileBody(source, in_thread, self.moved.append), self.path

    @given(st.integers(1, len(CONTENT)), st.integers(1, 1 << 18))
    def test_all_of_it_in_order(self, size: int, pause_after: int) -> None:
        """However the consumer pauses, it gets every byte once, and the checksum is theirs."""
        body, _ = self.body(size)
        verifyObject(IBodyProducer, body)
        consumer = Consumer(pause_after)
        consumer.body = body
        done = body.startProducing(consumer)
        for _ in range(size // pause_after + size // (1 << 17) + 2):
            body.resumeProducing()
        self.successResultOf(done)
        self.assertEqual(consumer.got, CONTENT[:size])
        self.assertTrue(body.complete)
        self.assertEqual(body.checksum, f"sha256:{hashlib.sha256(consumer.got).hexdigest()}")
        self.assertEqual(self.moved[-1], size)
        self.assertEqual(body.length, size)

    def test_pausing_stops_it(self) -> None:
        """A paused body writes nothing, and holds no more than a few blocks."""
        body, _ = self.body(1 << 20)
        consumer = Consumer(1)
        consumer.body = body
        body.startProducing(consumer)
        self.assertEqual(consumer.pauses, 1)
        self.assertEqual(len(consumer.got), 1 << 17)
        body.stopProducing()

    def uncached(self) -> None:
        """Have every file be on a disk that is slow to answer."""

        def preadv(*_: Any) -> int:
            raise BlockingIOError

        self.patch(os, "preadv", preadv)

    def test_a_file_that_is_not_cached(self) -> None:
        """What only a thread may read is read by one, and arrives in order as well."""
        self.uncached()
        size = (1 << 20) - 3
        body, _ = self.body(size)
        consumer = Consumer(1 << 30)
        self.successResultOf(body.startProducing(consumer))
        self.assertEqual(consumer.got, CONTENT[:size])
        self.assertEqual(body.checksum, f"sha256:{hashlib.sha256(consumer.got).hexdigest()}")

    def test_stopped_while_reading(self) -> None:
        """A body that is stopped while a thread reads writes nothing more and closes its file."""
        self.uncached()
        waiting: list[tuple[Any, Deferred[Any]]] = []

        def later(work: Any) -> Deferred[Any]:
            waiting.append((work, Deferred()))
            return waiting[-1][1]

        body, _ = self.body(100, later)
        consumer = Consumer(1000)
        body.startProducing(consumer)
        body.resumeProducing()
        body.stopProducing()
        body.stopProducing()
        ((work, result),) = waiting
        result.callback(work())
        self.assertEqual(consumer.got, b"")
        self.assertTrue(body._source._file.closed)

    def test_a_known_checksum(self) -> None:
        """A checksum that is known already is taken as it is."""
        path = new_path(self)
        path.write_bytes(b"abc")
        source = FileSource(path, "sha256:" + "0" * 64)
        self.successResultOf(
            FileBody(source, maybeDeferred, lambda _: None).startProducing(Consumer(9))
        )
        self.assertEqual(source.checksum, "sha256:" + "0" * 64)

    def test_a_file_that_changes(self) -> None:
        """A file that became shorter or longer before its end was read fails with its name."""
        for size, words in ((10, "shorter"), (1 << 20, "longer")):
            body, path = self.body(1000)
            path.write_bytes(CONTENT[:size])
            failure = self.failureResultOf(body.startProducing(Consumer(1)), UnsendableFile)
            self.assertIn(f"{path} cannot be uploaded: it became {words}", str(failure.value))

    def test_machine_in_trouble(self) -> None:
        """A machine without a free descriptor is no fault of the file."""
        path = new_path(self)
        path.write_bytes(b"audio")
        for number, passing in ((errno.EMFILE, True), (errno.ENOENT, False)):
            with mock.patch("os.open", side_effect=OSError(number, "no")):
                with self.assertRaises(UnsendableFile) as caught:
                    FileSource(path)
            self.assertIs(caught.exception.passing, passing)

    def test_what_is_no_file(self) -> None:
        """A missing or empty file and a directory are refused at once."""
        empty = new_path(self)
        empty.touch()
        for path, words in (
            (new_path(self), "No such file"),
            (empty, "it is empty"),
            (Path.cwd(), "it is no file"),
        ):
            with self.assertRaises(UnsendableFile) as caught:
                FileSource(path)
            self.assertIn(words, str(caught.exception))
