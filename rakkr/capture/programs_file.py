"""
The file that a capture program makes for itself.

Every method blocks for as long as the disk takes.  No audio of the source is ever deleted here.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Final

import attrs

from rakkr.audio import wave
from rakkr.audio.captured import CapturedAudio
from rakkr.capture.request import CaptureRequest

_LONGEST_HEADER: Final = 4096


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
            self._offset = self._find_offset(size)
        return max(0, size - (size if self._offset is None else self._offset))

    def _find_offset(self, size: int) -> int | None:
        """Look where the samples begin; None while the program still writes its header."""
        try:
            with self.path.open("rb") as file:
                start = file.read(4)
                if start not in {b"RIFF", b"RF64"}:
                    return 0 if len(start) == len(b"RIFF") else None
                return wave.read_header(file).data_offset
        except (OSError, wave.NotWave):
            return None if size < _LONGEST_HEADER else 0  # as long as it grows it is a capture

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

    def correct_rate(self, rate: int) -> None:
        """Expect another rate; a header that says one itself is believed all the same."""
        self._request = attrs.evolve(self._request, rate=rate)

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

    def seal(self, most: int | None = None) -> CapturedAudio | None:  # noqa: ARG002
        """
        Find out what the program wrote, and mend an unfinished header; nothing is cut off.

        :raises NotWave: for a container that cannot be read, or a file that the program split;
            all stays as it is.
        :raises OSError: when the file cannot be read.
        """
        if not self.size():
            self._find_parts()
            return None
        request = self._request
        audio = wave.sniff(self.path, request.format, request.rate, request.channels)
        try:
            self.checkpoint()
        except OSError as error:
            self.trouble = f"{self.path} could not be brought to the disk: {error.strerror}"
        return audio if audio.frames else None

    def discard(self) -> None:
        """Remove it; one that stays is named in :attr:`trouble`."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"{self.path} could not be removed: {error.strerror}"

    def _find_parts(self) -> None:
        """Name what arecord makes of a file of 2 GiB: it is renamed, and goes on in another."""
        pattern = f"{glob.escape(self.path.stem)}-[0-9][0-9]{glob.escape(self.path.suffix)}"
        parts = sorted(each.name for each in self.path.parent.glob(pattern))
        if parts:
            raise wave.NotWave(f"its program split it into {', '.join(parts)}")
