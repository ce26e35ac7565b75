"""How far the controller's clock is ahead of ours, from the ``Date`` of one of its answers."""

from __future__ import annotations

import statistics
from collections import deque
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

# `Date` is cut off to whole seconds: on average its moment lies half a second later.
_HALF_RESOLUTION = 0.5
# A slower answer says too little about the moment at which its Date was written.
_SLOWEST_ANSWER = 8.0


def measure_skew(date: str | None, received: float, round_trip: float) -> float | None:
    """
    Estimate the controller's time minus ours, in seconds.

    The ``Date`` is taken as written half a round trip before its answer arrived; what remains
    uncertain is half a second and half the round trip, in both directions.

    :param date: the header's text, as in RFC 9110, section 5.6.7.
    :param received: our wall time when the answer arrived, seconds since the epoch.
    :param round_trip: seconds from sending the request to that moment.
    :returns: None when there is no readable date, or the answer took too long to say anything.
    """
    if date is None or not 0 <= round_trip <= _SLOWEST_ANSWER:
        return None
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() + _HALF_RESOLUTION - (received - round_trip / 2)


class SkewEstimate:
    """
    The skew by the median of the last few answers, so that a single odd one changes nothing.

    Three, not more: when a clock is really set, the second answer after that is believed.
    """

    _KEPT: Final = 3

    def __init__(self) -> None:
        self._readings: deque[float] = deque(maxlen=self._KEPT)

    def measured(self, skew: float) -> float:
        """Take a measurement in, in seconds, and say what is to be believed now."""
        self._readings.append(skew)
        return statistics.median(self._readings)

    def forget(self) -> None:
        """Believe the next measurement alone: either clock may have been set meanwhile."""
        self._readings.clear()
