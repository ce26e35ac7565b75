"""What is to be captured, and when a capture counts as failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from rakkr.audio.pcm import SampleFormat

if TYPE_CHECKING:
    from rakkr.capture.route import Route


@attrs.frozen(kw_only=True)
class CaptureRequest:
    """
    One device, recorded for a while into one file.

    :ivar backend: ``alsa``, ``pipewire`` or ``jack``.
    :ivar command: the program, by name or path; ``arecord`` stands for the backend's own.
    :ivar args_template: arguments with placeholders, instead of the ones we know.
    :ivar device: in the backend's own words.
    :ivar rate: frames in a second.
    :ivar seconds: length of the window.
    :ivar path: the file to make; another name is found if this one is taken.
    :ivar route: how it is captured on this machine, once that was found out.
    """

    backend: str
    command: str
    args_template: str | None
    device: str
    format: SampleFormat
    rate: int
    channels: int
    seconds: int
    path: Path
    route: Route | None = None

    @property
    def planned_frames(self) -> int:
        """Frames of the whole window."""
        return self.seconds * self.rate

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.format.frame_bytes(self.channels)

    def placeholders(self, output: str) -> dict[str, str]:
        """Give the values of an args template, by name; ``output`` is a path, or ``-``."""
        return {
            "device": self.device,
            "format": self.format.name,
            "sample_rate": str(self.rate),
            "channels": str(self.channels),
            "seconds": str(self.seconds),
            "output": output,
            "output_path": output,
        }


@attrs.frozen(kw_only=True)
class CaptureLimits:
    """
    When to give a capture up, in seconds and bytes.

    :ivar min_output_bytes: less audio than that is no recording.
    :ivar growth_grace_seconds: no stall is seen before.
    :ivar stalled_seconds: without growth for so long, a capture has stalled; 1 at least.
    :ivar stop_grace_seconds: from the first signal of a stop to KILL.
    :ivar overrun_seconds: how much longer than its window a program may run.
    """

    min_output_bytes: int = 128
    growth_grace_seconds: float = 10.0
    stalled_seconds: float = 30.0
    stop_grace_seconds: float = 5.0
    overrun_seconds: float = 5.0
