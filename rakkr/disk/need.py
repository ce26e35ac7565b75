"""How many bytes recordings will write until they are over."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Final, Literal

import attrs

from rakkr.audio.pcm import SampleFormat

HEADER_BYTES: Final = 4096
"""For each file, whatever its kind (the contract's jobs.md, section 11)."""

CHUNKS_KEPT: Final = 4
"""A chunked job needs no more than this many chunks at a time: delivered ones make room."""

FLAC_SHARE: Final = 0.7
"""
Of the size of the same samples as WAV.

Speech and music leave FLAC 50 to 65 %; it is the hiss of open inputs at 24 bits that costs more.
Only noise at full scale reaches 100 %, and nobody records that for long: a render that runs out
of room is made again when there is room, so what is usual counts here, and a little more.
"""

MP3_KBPS: Final = 128
_WIDE_FLAC_BITS: Final = 24
_NARROW_FLAC_BITS: Final = 16


@attrs.frozen(kw_only=True)
class RenderCopy:
    """
    A file that will be made of what was captured.

    :ivar format: the samples that were captured.
    :ivar rate: in Hz.
    :ivar channels: of the file, not of the capture.
    :ivar seconds: its whole length.
    :ivar bitrate_kbps: of an mp3; None for the usual one.
    """

    codec: Literal["wav", "flac", "mp3"]
    format: SampleFormat
    rate: int
    channels: int
    seconds: float
    bitrate_kbps: int | None = None

    @property
    def bytes(self) -> int:
        """Its size, header and all; exact for wav, usual for flac, nominal for mp3."""
        return math.ceil(self.seconds * self._bytes_per_second()) + HEADER_BYTES

    def _bytes_per_second(self) -> float:
        if self.codec == "mp3":
            return (self.bitrate_kbps or MP3_KBPS) * 1000 / 8
        if self.codec == "wav":  # which packs samples: 24 bits are 3 bytes, however they came
            return self.rate * self.channels * self.format.bits / 8
        wide = self.format.bits > _NARROW_FLAC_BITS
        bits = _WIDE_FLAC_BITS if wide else _NARROW_FLAC_BITS
        return FLAC_SHARE * self.rate * self.channels * bits / 8


@attrs.frozen(kw_only=True)
class CaptureLoad:
    """
    What one capture will write, from now on.

    :ivar rate: in Hz.
    :ivar seconds: until the end of its longest window.
    :ivar chunk_seconds: the length of its chunks, None when it is delivered in one piece.
    :ivar copies: the files that will be rendered of it; of a chunked one, for the whole window.
    """

    format: SampleFormat
    rate: int
    channels: int
    seconds: float
    chunk_seconds: int | None = None
    copies: tuple[RenderCopy, ...] = ()

    @property
    def bytes_per_second(self) -> int:
        """How fast its file grows, by the true size of its samples."""
        return self.rate * self.format.frame_bytes(self.channels)

    @property
    def capture_bytes(self) -> int:
        """What will be added to the captured file, and has to be there at one time."""
        return math.ceil(self._kept(self.seconds) * self.bytes_per_second) + HEADER_BYTES

    @property
    def render_bytes(self) -> int:
        """What the rendered files will take at one time."""
        kept = (attrs.evolve(copy, seconds=self._kept(copy.seconds)) for copy in self.copies)
        return sum(copy.bytes for copy in kept)

    def _kept(self, seconds: float) -> float:
        seconds = max(0.0, seconds)
        if self.chunk_seconds is None:
            return seconds
        return min(seconds, CHUNKS_KEPT * max(1, self.chunk_seconds))


@attrs.frozen
class Need:
    """
    What a number of recordings will write.

    :ivar bytes_per_second: of all captures together.
    :ivar capture_bytes: of captured samples until the end of each window.
    :ivar render_bytes: of rendered files.
    """

    bytes_per_second: int = 0
    capture_bytes: int = 0
    render_bytes: int = 0

    @property
    def total(self) -> int:
        """All bytes that are still to be written."""
        return self.capture_bytes + self.render_bytes

    def __add__(self, other: Need) -> Need:
        return Need(
            self.bytes_per_second + other.bytes_per_second,
            self.capture_bytes + other.capture_bytes,
            self.render_bytes + other.render_bytes,
        )


def need_of(captures: Iterable[CaptureLoad], pending: Iterable[RenderCopy] = ()) -> Need:
    """
    Add up what captures will write.

    :param pending: files that are still to be rendered of captures that are over.
    """
    loads = tuple(captures)
    return Need(
        sum(load.bytes_per_second for load in loads),
        sum(load.capture_bytes for load in loads),
        sum(load.render_bytes for load in loads) + sum(copy.bytes for copy in pending),
    )


@attrs.frozen
class Short:
    """
    A recording for which there is no room.

    :ivar required: bytes, of this and of all that are running.
    :ivar free: bytes that there are.
    :ivar path: where.
    """

    reason: ClassVar[str] = "insufficient_capture_disk_space"
    required: int
    free: int
    path: str

    @property
    def sentence(self) -> str:
        """The contract's text."""
        return (
            f"{self.reason}: required {self.required} bytes"
            f" but only {self.free} bytes free at {self.path}"
        )


def preflight(need: Need, free: int, path: str) -> Short | None:
    """
    Say whether there is too little room, before a device is opened.

    :param need: of the new recording and all that are running.
    """
    return Short(need.total, free, path) if free < need.total else None
