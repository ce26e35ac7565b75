"""Where the sound of a file ends: what a recorder makes up when it has no source is exact zeros."""

from __future__ import annotations

import os
from typing import Final

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat

_BLOCK_FRAMES: Final = 1 << 14


def silent_byte(sample: SampleFormat) -> bytes:
    """The byte of which silence is made."""
    return b"\x80" if sample.kind == "unsigned" else b"\0"


def end_of_sound(audio: CapturedAudio, since: int) -> int:
    """
    Count the frames up to the last one that is not digital silence on every channel.  Blocks.

    :param since: frames that count whatever they are; no more of the file is read than needed.
    :returns: ``since`` to ``audio.frames``.
    :raises OSError: when the file cannot be read.
    """
    size = audio.format.frame_bytes(audio.channels)
    silent, end = silent_byte(audio.format), audio.frames
    with audio.path.open("rb") as file:
        while end > since:
            begin = max(since, end - _BLOCK_FRAMES)
            block = os.pread(file.fileno(), (end - begin) * size, audio.data_offset + begin * size)
            sound = len(block.rstrip(silent))
            if sound:
                return begin + -(-sound // size)
            end = begin
    return min(since, audio.frames)
