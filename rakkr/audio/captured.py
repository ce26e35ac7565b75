"""A piece of recorded audio on the disk, as its readers see it."""

from __future__ import annotations

from pathlib import Path

import attrs

from rakkr.audio.pcm import SampleFormat


@attrs.frozen
class CapturedAudio:
    """
    Interleaved PCM inside a file.

    :ivar path: the file.
    :ivar data_offset: bytes before the first sample (0 for headerless PCM).
    :ivar format: how samples are coded.
    :ivar rate: frames in a second.
    :ivar channels: samples in a frame.
    :ivar frames: whole frames of it that count, whatever its header says and the file holds.
    :ivar wav: whether the file as it stands is a WAV or RF64 file that others can read.
    """

    path: Path
    data_offset: int
    format: SampleFormat
    rate: int
    channels: int
    frames: int
    wav: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / self.rate
