"""When a capture has lost its source, from one look at the server to the next."""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.capture.tie import Hold, Standing

JOINING_SECONDS: Final = 5.0
"""A recorder that is joined to nothing for so long after its start will not be."""
_PATIENCE_SECONDS: Final = 0.5
"""A server may take a link away only to make it anew."""
QUIET_SECONDS: Final = 2.0
"""A file that does not grow for so long, with a server that does not answer, has no source."""
_LOOKS_SECONDS: Final = {Hold.GOOD: 2.0, Hold.UNKNOWN: 1.0}
_BAD_LOOKS_SECONDS: Final = 0.25


@attrs.frozen
class Lost:
    """
    A source that is gone.

    :ivar why: for people.
    :ivar keep: frames that surely are of the source; None: all that there are.
    :ivar silence: whether what lies behind those may be silence that the recorder made up; if not
        it is of something else.
    """

    why: str
    keep: int | None
    silence: bool = True


@attrs.frozen(kw_only=True)
class Holding:
    """
    What was seen so far.

    :ivar since: when the looks began, in seconds of the clock of all looks.
    :ivar frames: how many surely are of the source: those at the last look that was good.
    :ivar good: whether there was one.
    :ivar bad_since: when the looks became bad; None while they are good.
    :ivar standing: at the last look.
    """

    since: float
    frames: int = 0
    good: bool = False
    bad_since: float | None = None
    standing: Standing | None = None

    def seen(self, standing: Standing, now: float, frames: int) -> Holding:
        """
        Take a look into account.

        :param now: when it began; an answer may take its time.
        :param frames: that there were then.
        """
        if standing.hold is Hold.GOOD:
            most = max(frames, self.frames)
            return Holding(since=self.since, frames=most, good=True, standing=standing)
        same = self.standing is not None and self.standing.hold is standing.hold
        began = self.bad_since if same and self.bad_since is not None else now
        return attrs.evolve(self, bad_since=began, standing=standing)

    @property
    def settled(self) -> bool:
        """Whether it is known that the capture has its source, or nobody will ever know."""
        unknown = self.standing is not None and self.standing.hold is Hold.UNKNOWN
        return self.good or unknown

    def lost(self, now: float, *, quiet: float) -> Lost | None:
        """
        Decide whether the source is gone.

        :param quiet: for how long the file has not grown, in seconds.
        """
        standing, bad_since = self.standing, self.bad_since
        if standing is None or bad_since is None:
            return None
        match standing.hold:
            case Hold.ELSEWHERE:
                return Lost(standing.why, self.frames, silence=False)
            case Hold.GONE:
                return Lost(standing.why, self.frames)
            case Hold.LOOSE:
                begin = bad_since if self.good else self.since
                patience = _PATIENCE_SECONDS if self.good else JOINING_SECONDS
                return Lost(standing.why, self.frames) if now - begin >= patience else None
            case _:  # nobody says; what is written while nobody says is believed
                over = min(quiet, now - bad_since) >= QUIET_SECONDS
                return Lost(standing.why, None) if over else None

    @property
    def next_look(self) -> float:
        """Seconds until the server should be looked at again."""
        if self.standing is None:
            return _BAD_LOOKS_SECONDS
        return _LOOKS_SECONDS.get(self.standing.hold, _BAD_LOOKS_SECONDS)
