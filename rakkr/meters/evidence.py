"""What the details of an alarm say of the frame that set it off (metering.md section 9.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from rakkr.meters.frame import ChannelLevels, MeterFrame, Quality
from rakkr.meters.limits import Limits
from rakkr.meters.rounding import score

_FLATLINE_SPAN: Final = 40.0
_LOW_SIGNAL_SPAN: Final = 30.0
_LEAST_SPAN: Final = 0.01


def indices(levels: Iterable[ChannelLevels]) -> list[int]:
    """Name channels."""
    return [each.index for each in levels]


def highest_rms(frame: MeterFrame) -> float:
    """Find the level of the loudest channel; the frame has one."""
    return max(each.rms_dbfs for each in frame.levels)


def quality_of(frame: MeterFrame) -> dict[str, float | None]:
    """Find the worst of each score; None where no channel has it."""

    def worst(choose: Callable[..., float], read: Callable[[Quality], float | None]) -> Any:
        found = [read(each.quality) for each in frame.levels if each.quality is not None]
        return choose((each for each in found if each is not None), default=None)

    return {
        "maxBroadbandNoiseScore": worst(max, lambda quality: quality.broadband),
        "maxHumScore": worst(max, lambda quality: quality.hum),
        "maxNoiseScore": worst(max, lambda quality: quality.noise),
        "maxSpeechScore": worst(max, lambda quality: quality.speech),
        "maxStaticScore": worst(max, lambda quality: quality.static),
        "minEstimatedSnrDb": worst(min, lambda quality: quality.snr_db),
        "minIntelligibilityScore": worst(min, lambda quality: quality.intelligibility),
    }


def correlated(frame: MeterFrame, limits: Limits) -> list[ChannelLevels]:
    """The channels that are too much like another one."""
    return [
        each
        for each in frame.levels
        if each.correlation is not None and abs(each.correlation.score) >= limits.correlation
    ]


def pairs(levels: Iterable[ChannelLevels]) -> list[dict[str, Any]]:
    """Make pairs of correlated channels; what both say of each other is one."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for each in levels:
        assert each.correlation is not None
        left, right = sorted((each.index, each.correlation.peer))
        pair = {
            "leftChannelIndex": left,
            "phase": each.correlation.phase,
            "rightChannelIndex": right,
            "score": each.correlation.score,
        }
        found.setdefault((left, right), pair)
    return list(found.values())


def clipping_fault(peak_dbfs: float, clip_dbfs: float) -> float:
    """How far into clipping, 0 to 1; at a threshold of full scale there is nothing between."""
    if clip_dbfs >= 0:
        return 1.0 if peak_dbfs >= clip_dbfs else 0.0
    return score((peak_dbfs - clip_dbfs) / -clip_dbfs)


def flatline_fault(rms_dbfs: float, flatline_dbfs: float) -> float:
    """How far below the threshold, of 40 dB."""
    return score((flatline_dbfs - rms_dbfs) / _FLATLINE_SPAN)


def low_signal_fault(rms_dbfs: float, low_signal_dbfs: float) -> float:
    """How far below the threshold, of 30 dB."""
    return score((low_signal_dbfs - rms_dbfs) / _LOW_SIGNAL_SPAN)


def correlation_fault(levels: Iterable[ChannelLevels], threshold: float) -> float:
    """How far between the threshold and sameness, of those that are over it."""
    found = [abs(each.correlation.score) for each in levels if each.correlation is not None]
    span = max(1.0 - threshold, _LEAST_SPAN)
    return score((max(found, default=threshold) - threshold) / span)
