"""
The files of captures, and ours above all, which is a valid WAV at any moment.

Every method blocks for as long as the disk takes.  No audio of the source is ever deleted here.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

from rakkr.audio import wave
from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat
from rakkr.durable import sync_directory

_T = TypeVar("_T")
_RAW_WAV: Final = ".raw.wav"
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Storage(Protocol):
    """Where the samples of one capture go."""

    path: Path

    def size(self) -> int | None:
        """Bytes of the file, header and all; None if there is none."""

    def audio_bytes(self) -> int | None:
        """Bytes of samples, as far as can be told without reading; None if there is no file."""

    def checkpoint(self) -> None:
        """Make what was captured so far survive a power cut."""

    def correct_rate(self, rate: int) -> None:
        """Take it that the samples have another rate than was asked for."""

    def so_far(self) -> CapturedAudio | None:
        """Say what there is while it grows, and touch nothing; None when it is not a frame."""

    def seal(self, most: int | None = None) -> CapturedAudio | None:
        """
        Finish, and say what there is; None when not one whole frame is.

        :param most: frames of which nobody needs more; a file of ours is cut there.
        """

    def discard(self) -> None:
        """Remove it, because nothing in it is what was to be recorded."""

    @property
    def trouble(self) -> str | None:
        """What went wrong while sealing, though the audio is there."""


def stem_and_suffix(path: Path) -> tuple[str, str]:
    """Split a name before ``.raw.wav``, or before its last suffix."""
    if path.name.endswith(_RAW_WAV):
        return path.name.removesuffix(_RAW_WAV), _RAW_WAV
    return path.stem, path.suffix


def alternatives(path: Path) -> Iterator[Path]:
    """Name the path itself, then ``<stem>.2<suffix>``, ``<stem>.3<suffix>`` and so on."""
    yield path
    stem, suffix = stem_and_suffix(path)
    for number in itertools.count(2):
        yield path.with_name(f"{stem}.{number}{suffix}")


def first_free(path: Path, create: Callable[[Path], _T]) -> _T:
    """
    Create something under this name, or under the next that is free.

    :param create: raises FileExistsError for a name that is taken.
    :raises OSError: when that fails.
    """
    names = alternatives(path)
    while True:
        with contextlib.suppress(FileExistsError):
            return create(next(names))


def _new(path: Path) -> tuple[Path, int]:
    return path, os.open(path, _NEW, 0o644)


def wanted(path: Path, sample: SampleFormat) -> Path:
    """Rename a WAV file that cannot be one, because WAV cannot hold the samples."""
    if not wave.holds(sample) and path.suffix == ".wav":
        return path.with_suffix(".pcm")
    return path


class OwnFile:
    """
    A file that we opened; a program writes headerless samples to its descriptor.

    Samples that a WAV file cannot hold get no header.  The descriptor's offset belongs to the
    program, so the header is patched in place without moving it.

    :ivar descriptor: stands where the first sample goes; -1 as soon as it is sealed.
    """

    def __init__(
        self, path: Path, descriptor: int, sample: SampleFormat, rate: int, channels: int
    ) -> None:
        self.path = path
        self.descriptor = descriptor
        self._sample = sample
        self._rate = rate
        self._channels = channels
        self._offset = wave.HEADER_BYTES if wave.holds(sample) else 0
        self._named = False
        self._sealed_size = 0
        self.trouble: str | None = None

    @classmethod
    def create(cls, path: Path, sample: SampleFormat, rate: int, channels: int) -> OwnFile:
        """
        Make a new file under this name, or under the next that is free, and its parents.

        :raises OSError: when that fails.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        made, descriptor = first_free(wanted(path, sample), _new)
        file = cls(made, descriptor, sample, rate, channels)
        try:
            file._begin()
        except OSError:
            os.close(descriptor)
            made.unlink()
            raise
        return file

    def _begin(self) -> None:
        head = wave.header(self._sample, self._rate, self._channels, 0) if self._offset else b""
        if os.write(self.descriptor, head) != len(head):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    @classmethod
    def reopen(cls, path: Path, sample: SampleFormat, rate: int, channels: int) -> OwnFile:
        """
        Take over a file that another process of ours made, and that may still grow.

        :raises OSError: when it cannot be opened.
        """
        return cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC), sample, rate, channels)

    def correct_rate(self, rate: int) -> None:
        """Write another rate into the header from now on."""
        self._rate = rate

    def size(self) -> int:
        """Bytes of the file."""
        return self._sealed_size if self.descriptor < 0 else os.fstat(self.descriptor).st_size

    def audio_bytes(self) -> int:
        """Bytes of whole frames."""
        audio = max(0, self.size() - self._offset)
        return audio - audio % self._sample.frame_bytes(self._channels)

    def checkpoint(self) -> None:
        """
        Bring the header up to date, and everything to the disk; nothing once it is sealed.

        :raises OSError: when that fails; the samples are not touched.
        """
        if self.descriptor < 0:
            return
        if self._offset:
            head = wave.header(self._sample, self._rate, self._channels, self.audio_bytes())
            os.pwrite(self.descriptor, head, 0)
        os.fdatasync(self.descriptor)
        if not self._named:
            sync_directory(self.path.parent)
            self._named = True

    def so_far(self) -> CapturedAudio | None:
        """The frames that lie in the file now; its header is being rewritten, so it is no WAV."""
        frames = self.audio_bytes() // self._sample.frame_bytes(self._channels)
        return self._audio(frames, wav=False) if frames else None

    def seal(self, most: int | None = None) -> CapturedAudio | None:
        """
        Write the last header and close; a file without a single frame is removed.

        A disk that refuses the header costs no audio: the file then counts as headerless.  A full
        one does not refuse it, because the header has its place already.
        """
        frame_bytes = self._sample.frame_bytes(self._channels)
        frames = self.audio_bytes() // frame_bytes
        self._sealed_size = self.size()
        try:
            if most is not None and 0 < most < frames:
                os.ftruncate(self.descriptor, self._offset + most * frame_bytes)
                frames, self._sealed_size = most, self.size()
            if frames:
                self.checkpoint()
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"{self.path} could not be finished: {error.strerror}"
        finally:
            os.close(self.descriptor)
            self.descriptor = -1
        if not frames:
            return None
        return self._audio(frames, wav=self._offset > 0 and self.trouble is None)

    def discard(self) -> None:
        """Close and remove it; one that stays is named in :attr:`trouble`."""
        self._sealed_size = 0
        os.close(self.descriptor)
        self.descriptor = -1
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"{self.path} could not be removed: {error.strerror}"

    def _audio(self, frames: int, *, wav: bool) -> CapturedAudio:
        return CapturedAudio(
            self.path, self._offset, self._sample, self._rate, self._channels, frames, wav
        )
