"""Where the samples go: a file, a pipe, with or without a WAV header."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import Final

from rakkr.audio import wave
from rakkr.audio.pcm import SampleFormat

# What a header says that was written before anybody knew the length, like arecord's.
_UNKNOWN_BYTES: Final = 1 << 31
_PIPE_BYTES: Final = 1 << 20  # the most that a pipe may have without privileges


class Output:
    """
    Writes samples and, around them, a header if one is wanted.

    :param descriptor: open for writing; a regular file gets its final header from :meth:`finish`.
    """

    def __init__(
        self, descriptor: int, *, wav: bool, sample: SampleFormat, rate: int, channels: int
    ) -> None:
        self._descriptor = descriptor
        self._wav = wav
        self._sample = sample
        self._rate = rate
        self._channels = channels
        mode = os.fstat(descriptor).st_mode
        self._regular = stat.S_ISREG(mode)
        if stat.S_ISFIFO(mode):
            _widen(descriptor)
        # In append mode the position is of no meaning before the first write.
        appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        whence = os.SEEK_END if appends else os.SEEK_CUR
        self._start = os.lseek(descriptor, 0, whence) if self._regular else 0
        self._header_bytes = 0
        self._piped = 0

    def begin(self, frames: int | None) -> None:
        """
        Write the header with the planned length.

        :raises wave.CannotHold: for a format that WAV does not know.
        :raises OSError: when it cannot be written.
        """
        if self._wav:
            size = self._sample.frame_bytes(self._channels)
            self._header_bytes = wave.HEADER_BYTES
            self.write(self._header(_UNKNOWN_BYTES if frames is None else frames * size))

    def write(self, block: bytes) -> None:
        """
        Write all of a block.

        :raises OSError: when that fails.
        """
        view = memoryview(block)
        while view:
            taken = os.write(self._descriptor, view)
            self._piped += taken
            view = view[taken:]

    @property
    def frames(self) -> int:
        """Whole frames that were written so far, those of a block that failed half-way too."""
        written = self._piped
        if self._regular:  # the file knows, even when a signal came before we did
            written = os.lseek(self._descriptor, 0, os.SEEK_CUR) - self._start
        return max(0, written - self._header_bytes) // self._sample.frame_bytes(self._channels)

    def finish(self) -> None:
        """Put the length that was reached into the header of a regular file."""
        if self._wav and self._regular:
            data = self.frames * self._sample.frame_bytes(self._channels)
            os.pwrite(self._descriptor, self._header(data), self._start)

    def _header(self, data_bytes: int) -> bytes:
        return wave.header(self._sample, self._rate, self._channels, data_bytes)


def _widen(pipe: int) -> None:
    """Let whole blocks fit into a pipe, so that no reader ever sees a part of one."""
    with contextlib.suppress(OSError):  # the user's share of pipe memory may be used up
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
