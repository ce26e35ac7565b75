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

    :ivar descriptor: open for writing; a regular file gets its final header from :meth:`finish`.
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
        self._start = os.lseek(descriptor, 0, os.SEEK_CUR) if self._regular else 0

    def begin(self, frames: int | None) -> None:
        """
        Write the header with the planned length.

        :raises wave.CannotHold: for a format that WAV does not know.
        :raises OSError: when it cannot be written.
        """
        if self._wav:
            size = self._sample.frame_bytes(self._channels)
            self.write(self._header(_UNKNOWN_BYTES if frames is None else frames * size))

    def write(self, block: bytes) -> None:
        """
        Write all of a block.

        :raises OSError: when that fails.
        """
        view = memoryview(block)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self) -> None:
        """Put the length that was reached into the header of a regular file."""
        if self._wav and self._regular:
            end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
            data = max(0, end - self._start - wave.HEADER_BYTES)
            data -= data % self._sample.frame_bytes(self._channels)
            os.pwrite(self._descriptor, self._header(data), self._start)

    def _header(self, data_bytes: int) -> bytes:
        return wave.header(self._sample, self._rate, self._channels, data_bytes)


def _widen(pipe: int) -> None:
    """Let whole blocks fit into a pipe, so that no reader ever sees a part of one."""
    with contextlib.suppress(OSError):  # the user's share of pipe memory may be used up
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
