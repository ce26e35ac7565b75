"""What counts as a fault, and how long it must last."""

from __future__ import annotations

import attrs

from rakkr.settings import Settings


@attrs.frozen(kw_only=True)
class Limits:
    """
    The settings of the alarms; the defaults are theirs.

    :ivar clip_dbfs: of a peak, for the record: whether a channel clips stands in its levels.
    :ivar correlation: of how much alike two channels are, whichever way round.
    :ivar stuck_seconds: of a sample, other than zero, that does not change.
    :ivar dc_dbfs: of the mean of all samples.
    :ivar set_seconds: of audio that show a fault until it is reported, and the same for its end.
        Three frames of the reference agent, five seconds apart, are fifteen seconds.
    """

    clip_dbfs: float = -1.0
    flatline_dbfs: float = -120.0
    low_signal_dbfs: float = -55.0
    correlation: float = 0.98
    stuck_seconds: float = 1.0
    dc_dbfs: float = -40.0
    set_seconds: float = 15.0
    clear_seconds: float = 15.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those of a node."""
        return cls(
            clip_dbfs=settings.meter_clip_dbfs,
            flatline_dbfs=settings.meter_flatline_dbfs,
            low_signal_dbfs=settings.meter_low_signal_dbfs,
            correlation=settings.meter_correlation,
            stuck_seconds=settings.meter_stuck_seconds,
            dc_dbfs=settings.meter_dc_dbfs,
            set_seconds=settings.meter_alarm_set_seconds,
            clear_seconds=settings.meter_alarm_clear_seconds,
        )


def post_seconds(settings: Settings) -> float:
    """How often levels are sent: as often as the node says that it lives, unless told otherwise."""
    given = settings.meter_post_seconds
    return float(settings.heartbeat_seconds) if given is None else given
