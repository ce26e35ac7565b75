"""When the next event may be sent: at once in good times, and in step after an outage."""

from __future__ import annotations

from typing import Final

import attrs

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0
_MOST_DOUBLINGS: Final = 5
SPREAD_SECONDS: Final = 5.0


@attrs.define
class Pacing:
    """
    A bounded rate, growing pauses after failures, and a random moment to go on.

    Thirty nodes that lost one controller find it again at different moments, and then none of them
    sends faster than ``rate``.

    :ivar rate: events per second; so many may also go at once after a quiet second.
    :ivar failures: how many there have been in a row.
    """

    rate: float
    failures: int = 0
    _credit: float = attrs.field(init=False)
    _counted_at: float | None = None

    def __attrs_post_init__(self) -> None:
        self._credit = max(1.0, self.rate)

    def pause(self, now: float) -> float:
        """
        Seconds until the next event may go, 0 for at once.

        :param now: monotonic seconds.
        """
        most = max(1.0, self.rate)
        if self._counted_at is not None:
            self._credit = min(most, self._credit + (now - self._counted_at) * self.rate)
        self._counted_at = now
        # Rounding must not leave a pause that is too short to be one.
        return 0.0 if self._credit > 1 - 1e-6 else (1 - self._credit) / self.rate

    def sent(self) -> None:
        """One goes now."""
        self._credit -= 1

    def failed(self, luck: float) -> float:
        """
        Note that the controller did not take it.

        :param luck: between 0 and 1, another one each time.
        :returns: the pause until the next try, in seconds.
        """
        self.failures += 1
        doublings = min(self.failures - 1, _MOST_DOUBLINGS)
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**doublings)
        return longest * (0.5 + luck / 2)

    def worked(self, luck: float) -> float:
        """
        Note that the controller took it.

        :returns: a pause in seconds before all the others: none unless it was away for long.
        """
        were, self.failures = self.failures, 0
        return luck * SPREAD_SECONDS if were > 1 else 0.0
