"""From what the meter measured to the levels of each channel."""

from __future__ import annotations

from rakkr.audio import correlation
from rakkr.audio.meter import MeterFrame as Measurement
from rakkr.audio.quality import SPEECH_LIKE
from rakkr.audio.shapes import dbfs
from rakkr.meters.frame import ChannelLevels, Correlation, Quality

__all__ = ["levels_of"]


def levels_of(measured: Measurement, clip_dbfs: float, *, heard: bool) -> tuple[ChannelLevels, ...]:
    """
    Say what every channel had.

    :param clip_dbfs: the peak from which on a channel clips.
    :param heard: whether somebody listened for speech.
    """
    stretch, lasting, quality = measured.stretch, measured.lasting, measured.quality
    rms, peak = dbfs(stretch.rms), dbfs(stretch.peak)
    likeness = correlation.peers(stretch)
    return tuple(
        ChannelLevels(
            index=channel + 1,
            rms_dbfs=float(rms[channel]),
            peak_dbfs=float(peak[channel]),
            clipping=bool(peak[channel] >= clip_dbfs),
            dc=float(stretch.dc[channel]),
            crest_factor_db=float(max(0.0, peak[channel] - rms[channel])),
            zero_crossing_rate=float(stretch.crossing_rate[channel]),
            quality=Quality(
                speech=float(quality.speech[channel]),
                speech_like=heard and bool(quality.speech[channel] >= SPEECH_LIKE),
                noise=float(quality.noise[channel]),
                hum=float(quality.hum[channel]),
                static=float(quality.static[channel]),
                broadband=float(quality.broadband[channel]),
                intelligibility=float(quality.intelligibility[channel]),
                snr_db=float(quality.snr[channel]),
            ),
            correlation=_peer(likeness[channel]),
            zero_run_seconds=float(lasting.zero_run[channel]) / measured.rate,
            stuck_run_seconds=float(lasting.stuck_run[channel]) / measured.rate,
            clipped_run=int(lasting.clipped_run[channel]),
        )
        for channel in range(len(rms))
    )


def _peer(found: correlation.Peer | None) -> Correlation | None:
    return None if found is None else Correlation(found.channel, found.score)
