"""
The ways in which a capture ends.  Audio that exists is always named.

Where there is audio, ``timing`` says when it was captured.
"""

from __future__ import annotations

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.growth import StallEvidence
from rakkr.capture.pace import Timing


@attrs.frozen
class Completed:
    """
    The window was recorded, or somebody asked for an end before, or the program ended early.

    :ivar planned_frames: frames that were wanted, at the audio's rate.
    :ivar stopped: whether ``stop()`` ended it.
    """

    audio: CapturedAudio
    planned_frames: int
    dropouts: Dropouts
    stopped: bool
    timing: Timing | None = None

    @property
    def ended_early(self) -> bool:
        """Whether more than a second of the window is missing, though nobody stopped it."""
        missing = self.planned_frames - self.audio.frames
        return not self.stopped and missing > self.audio.rate


@attrs.frozen
class StartFailed:
    """
    No program ran.

    :ivar error: one line that says why, and what to do.
    """

    error: str


@attrs.frozen
class Stalled:
    """
    The file no longer grew, so the program was ended.

    :ivar audio: what had been recorded until then.
    """

    error: str
    evidence: StallEvidence
    audio: CapturedAudio | None
    dropouts: Dropouts
    timing: Timing | None = None


@attrs.frozen
class Failed:
    """
    The program ended badly, or what it left is no recording.

    :ivar error: one line: exit status and what the program said, or what is wrong with the file.
    :ivar audio: what can be used of it.
    :ivar disk_full: whether there was no room left for the file.
    """

    error: str
    audio: CapturedAudio | None
    dropouts: Dropouts
    timing: Timing | None = None
    disk_full: bool = False


CaptureOutcome = Completed | StartFailed | Stalled | Failed
