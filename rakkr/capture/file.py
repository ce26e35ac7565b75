"""
The file of a capture: ours, which is a valid WAV at any moment, or the program's own.

Every method blocks for as long as the disk takes.  Nothing here deletes audio.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from rakkr.audio import wave
from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat
from rakkr.capture.request import CaptureRequest
from rakkr.durable import sync_directory

_RAW_WAV: Final = ".raw.wav"


class Storage(Protocol):
    """Where the samples of one capture go."""

    path: Path

    def size(self) -> int | None:
        """Bytes of the file, header and all; None if there is none."""

    def audio_bytes(self) -> int | None:
        """Bytes of samples, as far as can be told without reading; None if there is no file."""

    def checkpoint(self) -> None:
        """Make what was captured so far survive a power cut."""

    def so_far(self) -> CapturedAudio | None:
        """Say what there is while it grows, and touch nothing; None when it is not a frame."""

    def seal(self) -> CapturedAudio | None:
        """Finish, and say what there is; None when not one whole frame is."""

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


def fresh(path: Path) -> Path:
    """Find a name that no file has."""
    return next(each for each in alternatives(path) if not os.path.lexists(each))


class OwnFile:
    """
    A file that we opened; a program writes headerless samples to its descriptor.

    Samples that a WAV file cannot hold get no header.  The descriptor's offset belongs to the
    program, so the header is patched in place without moving it.

    :ivar descriptor: stands where the first sample goes, until it is sealed.
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
        self.trouble: str | None = None

    @classmethod
    def create(cls, path: Path, sample: SampleFormat, rate: int, channels: int) -> OwnFile:
        """
        Make a new file under this name, or under the next that is free, and its parents.

        :raises OSError: when that fails.
        """
        if not wave.holds(sample) and path.suffix == ".wav":
            path = path.with_suffix(".pcm")
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        for each in alternatives(path):
            try:
                descriptor = os.open(each, flags, 0o644)
            except FileExistsError:
                continue
            break
        file = cls(each, descriptor, sample, rate, channels)
        try:
            file._begin()
        except OSError:
            os.close(descriptor)
            each.unlink()
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

    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self.descriptor).st_size

    def audio_bytes(self) -> int:
        """Bytes of whole frames."""
        audio = max(0, self.size() - self._offset)
        return audio - audio % self._sample.frame_bytes(self._channels)

    def checkpoint(self) -> None:
        """
        Bring the header up to date, and everything to the disk.

        :raises OSError: when that fails; the samples are not touched.
        """
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

    def seal(self) -> CapturedAudio | None:
        """
        Write the last header and close; a file without a single frame is removed.

        A disk that refuses the header costs no audio: the file then counts as headerless.
        """
        frames = self.audio_bytes() // self._sample.frame_bytes(self._channels)
        try:
            if frames:
                self.checkpoint()
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"{self.path} could not be finished: {error.strerror}"
        finally:
            os.close(self.descriptor)
        if not frames:
            return None
        return self._audio(frames, wav=self._offset > 0 and self.trouble is None)

    def _audio(self, frames: int, *, wav: bool) -> CapturedAudio:
        return CapturedAudio(
            self.path, self._offset, self._sample, self._rate, self._channels, frames, wav
        )


class ProgramsFile:
    """A file that the program makes at a path that it was told."""

    def __init__(self, path: Path, request: CaptureRequest) -> None:
        self.path = path
        self.trouble: str | None = None
        self._request = request
        self._offset: int | None = None

    def size(self) -> int | None:
        """Bytes of the file, if there is one."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None

    def audio_bytes(self) -> int | None:
        """Bytes behind the header, or of the whole file when it is of no kind that we know."""
        size = self.size()
        if size is None:
            return None
        if self._offset is None:
            self._offset = self._find_offset()
        return max(0, size - (size if self._offset is None else self._offset))

    def _find_offset(self) -> int | None:
        """Look where the samples begin; None while the program still writes its header."""
        try:
            with self.path.open("rb") as file:
                start = file.read(4)
                if start not in {b"RIFF", b"RF64"}:
                    return 0 if len(start) == len(b"RIFF") else None
                return wave.read_header(file).data_offset
        except (OSError, wave.NotWave):
            return None

    def checkpoint(self) -> None:
        """
        Bring the content to the disk; the header is the program's business.

        :raises OSError: when that fails.
        """
        if not self.path.exists():
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def so_far(self) -> CapturedAudio | None:
        """
        Look into the file, which the program goes on writing.

        :raises NotWave: for a container that cannot be read.
        :raises OSError: when the file cannot be read.
        """
        if not self.size():
            return None
        request = self._request
        audio = wave.peek(self.path, request.format, request.rate, request.channels)
        return audio if audio.frames else None

    def seal(self) -> CapturedAudio | None:
        """
        Find out what the program wrote, and mend an unfinished header.

        :raises NotWave: for a container that cannot be read; the file stays as it is.
        :raises OSError: when the file cannot be read.
        """
        if not self.size():
            return None
        request = self._request
        audio = wave.sniff(self.path, request.format, request.rate, request.channels)
        try:
            self.checkpoint()
        except OSError as error:
            self.trouble = f"{self.path} could not be brought to the disk: {error.strerror}"
        return audio if audio.frames else None
