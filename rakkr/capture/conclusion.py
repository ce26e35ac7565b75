"""What an ended capture comes to."""

from __future__ import annotations

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.growth import StallEvidence
from rakkr.capture.holding import Lost
from rakkr.capture.outcome import CaptureOutcome, Completed, Failed, Stalled, StartFailed
from rakkr.capture.pace import Timing
from rakkr.capture.verdict import Ending, is_disk_full, judge, summary, with_full_disk


@attrs.frozen(kw_only=True)
class Left:
    """
    What there is when a capture has ended.

    :ivar audio: what can be used.
    :ivar timing: when it was captured.
    :ivar stall: why we ended its program, if it had stalled.
    :ivar lost: why we ended it, if its source was gone.
    :ivar wanted: frames that were asked for, at ``rate``.
    :ivar stopped: whether ``stop()`` ended it.
    """

    audio: CapturedAudio | None
    dropouts: Dropouts
    timing: Timing | None
    stall: StallEvidence | None
    lost: Lost | None
    wanted: int
    rate: int
    stopped: bool


def conclude(ending: Ending, left: Left) -> CaptureOutcome:
    """Decide how a capture ended."""
    if left.lost is not None:
        reason = "; ".join(filter(None, (left.lost.why, ending.unusable)))
        return Failed(reason, left.audio, left.dropouts, left.timing)
    if left.stall is not None:
        reason = "; ".join(filter(None, (left.stall.sentence, ending.unusable)))
        full = is_disk_full(summary(ending.stderr), no_room=ending.disk_full)
        reason = with_full_disk(reason, full=full)
        return Stalled(reason, left.stall, left.audio, left.dropouts, left.timing)
    verdict = judge(ending)
    if not verdict.ran and verdict.error is not None:
        return StartFailed(verdict.error)
    if verdict.error is not None or left.audio is None:
        error = verdict.error or f"{ending.path} holds no audio"
        return Failed(error, left.audio, left.dropouts, left.timing, verdict.disk_full)
    planned = left.wanted * left.audio.rate // left.rate
    return Completed(left.audio, planned, left.dropouts, left.stopped, left.timing)


def audio_of(outcome: CaptureOutcome) -> CapturedAudio | None:
    """The audio of an outcome, whichever it is."""
    return None if isinstance(outcome, StartFailed) else outcome.audio
