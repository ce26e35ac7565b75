"""Frames for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from rakkr.capture.dropouts import Dropouts
from rakkr.meters.frame import ChannelLevels, Correlation, MeterFrame, Quality

GOOD: dict[str, Any] = {"rms_dbfs": -20.0, "peak_dbfs": -8.0, "crest_factor_db": 12.0}
QUIET: dict[str, Any] = {**GOOD, "rms_dbfs": -62.0, "peak_dbfs": -50.0}
SILENT: dict[str, Any] = {**GOOD, "rms_dbfs": -160.0, "peak_dbfs": -160.0}
CLIPPED: dict[str, Any] = {**GOOD, "peak_dbfs": -0.5, "clipping": True}
STUCK: dict[str, Any] = {**GOOD, "stuck_run_seconds": 2.5}
OFFSET: dict[str, Any] = {**GOOD, "dc": -0.02}
SPEECH = Quality(
    speech=0.7,
    speech_like=True,
    noise=0.2,
    hum=0.1,
    static=0.0,
    broadband=0.3,
    intelligibility=0.6,
    snr_db=18.0,
)


def alike(peer: int, score: float) -> dict[str, Any]:
    """A good channel that is like another one."""
    return {**GOOD, "correlation": Correlation(peer, score)}


def frame(
    *channels: dict[str, Any],
    seconds: float = 5.0,
    interface_id: str = "iface_1",
    dropouts: Dropouts = Dropouts(),  # noqa: B008 - frozen
    **common: Any,
) -> MeterFrame:
    """A frame of the channels whose levels are given, the first being channel 1."""
    return MeterFrame(
        captured_at=1_700_000_000.25,
        interface_id=interface_id,
        levels=tuple(
            ChannelLevels(index=index, **{**levels, **common})
            for index, levels in enumerate(channels, 1)
        ),
        frames=round(seconds * 48_000),
        rate=48_000,
        dropouts=dropouts,
    )
