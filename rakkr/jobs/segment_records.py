"""What a job's journal says of the segments of its take; see :mod:`rakkr.jobs.records`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import sample_format


def _known(record: SegmentSealed, _field: attrs.Attribute[Any], value: str) -> None:
    if record.path is not None:
        sample_format(value)


def audio_members(audio: CapturedAudio) -> dict[str, Any]:
    """The members of :class:`SegmentSealed` that say where the audio is, and what."""
    return {
        "path": audio.path,
        "data_offset": audio.data_offset,
        "format": audio.format.name,
        "rate": audio.rate,
        "channels": audio.channels,
        "frames": audio.frames,
        "wav": audio.wav,
    }


@attrs.frozen
class SegmentOpened:
    """:ivar trace: what the capture room needs to find the segment again; only it reads that."""

    number: int
    trace: dict[str, Any]


@attrs.frozen
class SegmentRunning:
    """The capture program was started; ``trace`` says now which process it is."""

    number: int
    trace: dict[str, Any]


@attrs.frozen
class SegmentStarted:
    """The segment's first sample was captured; ``mono`` is of the boot that ``boot_id`` names."""

    number: int
    mono: float
    wall: float
    boot_id: str


@attrs.frozen
class Heard:
    """
    How far the capture program's messages were read, and the losses they reported until there.

    :ivar offset: bytes of its messages.
    :ivar dropout_count: of the whole segment so far, not since the last record.
    """

    number: int
    offset: int
    dropout_count: int
    dropout_milliseconds: float


@attrs.frozen(kw_only=True)
class SegmentSealed:
    """
    A segment that does not grow any more.

    :ivar path: its file; None when nothing usable was left.
    :ivar format: the ALSA name of the sample format; one that is not known is refused.
    :ivar error: why it ended before it should; None for an end that was wanted.
    :ivar missing_frames: how many fewer frames there are than the clock says.
    :ivar drift_ppm: how much faster than the clock the device ran.
    """

    number: int
    path: Path | None
    data_offset: int
    format: str = attrs.field(validator=_known)
    rate: int
    channels: int
    frames: int
    wav: bool
    started_mono: float | None
    started_wall: float | None
    ended_mono: float | None
    boot_id: str
    error: str | None = None
    dropout_count: int = 0
    dropout_milliseconds: float = 0.0
    missing_frames: int = 0
    drift_ppm: float | None = None

    @property
    def audio(self) -> CapturedAudio | None:
        """The file as its readers see it."""
        if self.path is None:
            return None
        return CapturedAudio(
            path=self.path,
            data_offset=self.data_offset,
            format=sample_format(self.format),
            rate=self.rate,
            channels=self.channels,
            frames=self.frames,
            wav=self.wav,
        )

    @property
    def size(self) -> int:
        """Bytes of the file up to the last whole frame; 0 without a file."""
        if self.path is None:
            return 0
        frame_bytes = sample_format(self.format).frame_bytes(self.channels)
        return self.data_offset + self.frames * frame_bytes


OfSegment = SegmentOpened | SegmentRunning | SegmentStarted | Heard | SegmentSealed
