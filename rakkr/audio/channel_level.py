"""What a meter says of one channel, rounded as it goes over the wire."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np

from rakkr.audio.correlation import Peer, peers
from rakkr.audio.meter import MeterFrame
from rakkr.audio.quality import SPEECH_LIKE
from rakkr.audio.shapes import dbfs, rounded

_MOST_CREST: Final = 80.0


@attrs.frozen(kw_only=True)
class ChannelLevel:
    """
    The level and the quality of a channel; levels in dB of full scale, scores 0 to 1.

    :ivar channel: counted from 1.
    :ivar clipping: whether the peak reached the level that counts as clipping.
    :ivar crest: peak by RMS, in dB.
    :ivar snr: estimated signal by noise, in dB.
    :ivar peer: the channel that carries the same sound.
    """

    channel: int
    rms: float
    peak: float
    clipping: bool
    crest: float
    crossing_rate: float
    speech_like: bool
    speech: float
    hum: float
    static: float
    broadband: float
    noise: float
    snr: float
    intelligibility: float
    peer: Peer | None

    def as_wire(self) -> dict[str, Any]:
        """Return it as the controller takes it."""
        quality: dict[str, Any] = {
            "broadbandNoiseScore": self.broadband,
            "crestFactorDb": self.crest,
            "estimatedSnrDb": self.snr,
            "humScore": self.hum,
            "intelligibilityScore": self.intelligibility,
            "noiseScore": self.noise,
            "speechLike": self.speech_like,
            "speechScore": self.speech,
            "staticScore": self.static,
            "zeroCrossingRate": self.crossing_rate,
        }
        if self.peer is not None:
            quality["channelCorrelation"] = {
                "peerChannelIndex": self.peer.channel,
                "phase": self.peer.phase,
                "score": self.peer.score,
            }
        return {
            "channelIndex": self.channel,
            "clipping": self.clipping,
            "label": f"Input {self.channel}",
            "peakDbfs": self.peak,
            "quality": quality,
            "rmsDbfs": self.rms,
        }


def channel_levels(frame: MeterFrame, clip_dbfs: float) -> tuple[ChannelLevel, ...]:
    """
    Round what a frame says of each channel: half away from zero, in 32 bits.

    :param clip_dbfs: the peak from which on a channel is said to clip, in dB of full scale.
    """
    stretch, quality = frame.stretch, frame.quality
    # As in the reference agent: measured in 64 bits, and only then made shorter.
    rms, peak = (dbfs(each.astype(np.float32)) for each in (stretch.rms, stretch.peak))
    crest = np.clip(peak - rms, 0.0, _MOST_CREST)
    columns = {
        "rms": rounded(rms, 1),
        "peak": rounded(peak, 1),
        "clipping": (peak >= clip_dbfs).tolist(),
        "crest": rounded(crest, 2),
        "crossing_rate": rounded(frame.lasting.crossing_rate, 2),
        "speech_like": (quality.speech >= SPEECH_LIKE).tolist(),
        "speech": rounded(quality.speech, 2),
        "hum": rounded(quality.hum, 2),
        "static": rounded(quality.static, 2),
        "broadband": rounded(quality.broadband, 2),
        "noise": rounded(quality.noise, 2),
        "snr": rounded(quality.snr, 1),
        "intelligibility": rounded(quality.intelligibility, 2),
        "peer": peers(stretch),
    }
    rows = zip(*columns.values(), strict=True)
    return tuple(
        ChannelLevel(channel=at + 1, **dict(zip(columns, row, strict=True)))
        for at, row in enumerate(rows)
    )
