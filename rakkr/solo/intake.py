"""A file that is arriving: hashed while it is written, and given its name when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from rakkr.audio.wave import NotWave, read_header
from rakkr.durable import sync_directory
from rakkr.solo.admission import Refused


class Intake:
    """
    The body of one upload on its way to the disk.

    :ivar size: how many bytes have come.
    :param path: where it is written; it must not exist.
    :param most: how many bytes it may have.
    :raises Refused: 500 when the file cannot be made.
    """

    def __init__(self, path: Path, *, most: int) -> None:
        self._path = path
        self._most = most
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise _unwritable(error) from error

    @property
    def checksum(self) -> str:
        """``sha256:<hex>`` of what has come so far."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, piece: bytes) -> None:
        """
        Take some bytes.

        :raises Refused: 413 when there are too many, 500 when the disk does not take them.
        """
        if self.size + len(piece) > self._most:
            raise Refused(413, f"The file is larger than {self._most} bytes", taints="warning")
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _unwritable(error) from error
        self._hash.update(piece)
        self.size += len(piece)

    def abandon(self) -> None:
        """Leave nothing behind; after :meth:`place` this changes nothing."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def place(self, target: Path) -> int | None:
        """
        Give the whole file its name, and return when it is safe on the disk.  Blocks.

        :returns: its length in seconds if it is a WAV file.
        :raises Refused: 500 when the disk does not take it.
        """
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            seconds = wav_seconds(self._path)
            if not target.parent.is_dir():
                target.parent.mkdir(parents=True)
                sync_directory(target.parent.parent)
            self._path.replace(target)
            sync_directory(target.parent)
        except OSError as error:
            raise _unwritable(error) from error
        return seconds


def _unwritable(error: OSError) -> Refused:
    return Refused(500, f"The file cannot be stored: {error.strerror}", taints="critical")


def wav_seconds(path: Path) -> int | None:
    """The whole seconds of a WAV or RF64 file of any size; None for anything else."""
    try:
        with path.open("rb") as file:
            found = read_header(file)
    except (NotWave, OSError):
        return None
    return round(found.data_bytes / found.format.frame_bytes(found.channels) / found.rate)
