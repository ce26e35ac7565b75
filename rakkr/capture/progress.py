"""How far a capture has come, from what is seen of its file."""

from __future__ import annotations

from typing import Final

from rakkr.capture.growth import Growth
from rakkr.capture.pace import Pace, Timing, missing_frames

SETTLING_SECONDS: Final = 10.0
"""For so long after the first sample every look may tell better when that was."""
_SILENCE_SECONDS: Final = 2.0


class Progress:
    """
    Frames, growth, and when the first sample was captured.

    A look at a file comes some time after the last write into it, never before.  So the first
    sample is no later than any look says, and the earliest of them is nearest to the truth; after
    some seconds the drift of the sound card would say more than the looks.

    :ivar spawned_at: when the program was started; no sample is older.
    :ivar started_at: when the first sample was captured; None before it.
    :ivar bytes: bytes of samples at the last look.
    :ivar frame_bytes: bytes of one frame.
    """

    def __init__(
        self,
        spawned_at: float,
        rate: int,
        frame_bytes: int,
        *,
        watched_since: float | None = None,
        started_at: float | None = None,
    ) -> None:
        """
        Begin with nothing seen.

        :param watched_since: when we began to look, if that is not when the program was started.
        """
        since = spawned_at if watched_since is None else watched_since
        self.spawned_at = spawned_at
        self.started_at = started_at
        self.bytes = 0
        self.growth = Growth(since, since)
        self._looked_at = self._unseen_since = spawned_at
        self._rate = rate
        self.frame_bytes = frame_bytes
        self._pace = Pace(rate)

    @property
    def frames(self) -> int:
        """Whole frames at the last look."""
        return self.bytes // self.frame_bytes

    def seconds(self, now: float) -> float | None:
        """Time since the first sample; None before it."""
        return None if self.started_at is None else now - self.started_at

    def seen(self, size: int | None, audio_bytes: int | None, now: float) -> None:
        """
        Take a look into account.

        :param size: bytes of the file, None if there is none.
        :param audio_bytes: bytes of samples in it.
        """
        self.growth = self.growth.seen(size, now)
        if self.growth.grew == now:
            self._unseen_since = self._looked_at
        self._looked_at = now
        self.measured(audio_bytes or 0, now)
        if self.started_at is not None:
            self._pace.fed(now, self.frames)

    def measured(self, audio_bytes: int, now: float) -> None:
        """Take it that the file held so many bytes of samples at that moment, or before it."""
        self.bytes = audio_bytes
        if not self.frames:
            return
        latest = max(self.spawned_at, now - self.frames / self._rate)
        if self.started_at is None:
            self.started_at = latest
        elif now - self.started_at < SETTLING_SECONDS:
            self.started_at = min(self.started_at, latest)

    def timing(self, end: float, kept: int, *, to_the_end: bool) -> Timing | None:
        """
        Sum up an ended capture; None when it had no sample.

        :param end: when its program ended; what the file held then was seen.
        :param kept: how many frames were kept; what lay beyond was cut off.
        :param to_the_end: whether the program worked until then.  One that lost its device may have
            ended later, and its last sample is as old as the growth of its file allows.
        """
        if self.started_at is None:
            return None
        nominal = self.started_at + self.frames / self._rate
        if not to_the_end or end - self.growth.grew > _SILENCE_SECONDS:
            end = min(max(nominal, self._unseen_since), self.growth.grew)
        end = max(end, self.started_at)
        cut = max(0, self.frames - kept)
        return Timing(
            self.started_at,
            max(self.started_at, end - cut / self._rate),
            self._pace.drift_ppm,
            missing_frames(end - self.started_at, self.frames, self._rate),
        )
