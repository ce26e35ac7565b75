"""Levels: of one channel, and of all channels of an interface at one time, as they are sent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, Literal

import attrs
from attrs.validators import ge, min_len

from rakkr.capture.dropouts import Dropouts
from rakkr.meters.rounding import dbfs, ratio_db, rounded, score
from rakkr.stamps import format_stamp

SYNTHETIC_INTERFACE: Final = "iface_synthetic"
"""The interface of every invented frame, and of no other."""
MOST_LEVELS: Final = 512
"""A controller refuses a frame that has more (http-api 5.3)."""

Phase = Literal["same", "inverted"]


@attrs.frozen
class Correlation:
    """
    The channel that a channel is most alike.

    :ivar peer: its index, from 1.
    :ivar score: -1 to 1; negative where one is the other turned over.
    """

    peer: int = attrs.field(validator=ge(1))
    score: float

    @property
    def phase(self) -> Phase:
        """Which of the two it is."""
        return "inverted" if self.score < 0 else "same"

    def as_wire(self) -> dict[str, Any]:
        """The object ``channelCorrelation``."""
        return {"peerChannelIndex": self.peer, "phase": self.phase, "score": self.score}


@attrs.frozen(kw_only=True)
class Quality:
    """
    What a channel sounds like: scores from 0 (not at all) to 1.

    :ivar speech_like: whether it counts as speech.
    :ivar snr_db: how far what is wanted stands out of the noise.
    """

    speech: float
    speech_like: bool
    noise: float
    hum: float | None = None
    static: float | None = None
    broadband: float | None = None
    intelligibility: float | None = None
    snr_db: float | None = None

    def rounded(self) -> Quality | None:
        """As it is sent; None when what must be there is no number."""
        if math.isnan(self.speech) or math.isnan(self.noise):
            return None
        return attrs.evolve(
            self,
            speech=score(self.speech),
            noise=score(self.noise),
            hum=_optional(self.hum),
            static=_optional(self.static),
            broadband=_optional(self.broadband),
            intelligibility=_optional(self.intelligibility),
            snr_db=None if _absent(self.snr_db) else ratio_db(self.snr_db or 0.0, 1),
        )

    def as_wire(self) -> dict[str, Any]:
        """The members that come from here; what is not known is absent, never null."""
        known = {
            "broadbandNoiseScore": self.broadband,
            "estimatedSnrDb": self.snr_db,
            "humScore": self.hum,
            "intelligibilityScore": self.intelligibility,
            "noiseScore": self.noise,
            "speechLike": self.speech_like,
            "speechScore": self.speech,
            "staticScore": self.static,
        }
        return {name: value for name, value in known.items() if value is not None}


def _absent(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _optional(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else score(value)


@attrs.frozen(kw_only=True)
class ChannelLevels:
    """
    One channel over the time of a frame.

    :ivar index: from 1, as it lies in the device.
    :ivar clipping: whether the peak, before it was rounded, reached the clip threshold.
    :ivar dc: the mean of all samples, -1 to 1.
    :ivar quality: None where nobody listened.
    :ivar zero_run_seconds: the longest stretch of nothing but digital zero.
    :ivar stuck_run_seconds: the longest stretch of one same sample that is not zero.
    :ivar clipped_run: the longest stretch of samples at the clip threshold, in samples.
    """

    index: int = attrs.field(validator=ge(1))
    rms_dbfs: float
    peak_dbfs: float
    clipping: bool = False
    dc: float = 0.0
    crest_factor_db: float = 0.0
    zero_crossing_rate: float = 0.0
    quality: Quality | None = None
    correlation: Correlation | None = None
    zero_run_seconds: float = 0.0
    stuck_run_seconds: float = 0.0
    clipped_run: int = 0

    @property
    def label(self) -> str:
        """What it is called for people."""
        return f"Input {self.index}"

    @property
    def measured(self) -> bool:
        """Whether there are levels: damaged floating-point samples have none."""
        return not (math.isnan(self.rms_dbfs) or math.isnan(self.peak_dbfs))

    def rounded(self) -> ChannelLevels:
        """As it is sent, with every number in its range; for a channel that was measured."""
        peer, quality = self.correlation, self.quality
        shapeless = math.isnan(self.crest_factor_db) or math.isnan(self.zero_crossing_rate)
        return attrs.evolve(
            self,
            rms_dbfs=dbfs(self.rms_dbfs),
            peak_dbfs=dbfs(self.peak_dbfs),
            crest_factor_db=0.0 if shapeless else ratio_db(self.crest_factor_db, 2),
            zero_crossing_rate=0.0 if shapeless else score(self.zero_crossing_rate),
            quality=None if quality is None or shapeless else quality.rounded(),
            correlation=None if peer is None or math.isnan(peer.score) else _rounded_peer(peer),
        )

    def as_wire(self) -> dict[str, Any]:
        """One of ``levels``, of numbers that were rounded."""
        wire: dict[str, Any] = {
            "channelIndex": self.index,
            "clipping": self.clipping,
            "label": self.label,
            "peakDbfs": self.peak_dbfs,
        }
        if self.quality is not None:
            wire["quality"] = dict(self._quality(self.quality))
        return wire | {"rmsDbfs": self.rms_dbfs}

    def _quality(self, quality: Quality) -> Iterator[tuple[str, Any]]:
        if self.correlation is not None:
            yield "channelCorrelation", self.correlation.as_wire()
        members = quality.as_wire() | {
            "crestFactorDb": self.crest_factor_db,
            "zeroCrossingRate": self.zero_crossing_rate,
        }
        yield from sorted(members.items())


def _rounded_peer(peer: Correlation) -> Correlation:
    return attrs.evolve(peer, score=rounded(min(max(peer.score, -1.0), 1.0), 2))


@attrs.frozen(kw_only=True)
class MeterFrame:
    """
    Everything that an interface delivered since its last frame.

    :ivar captured_at: when the last of its samples was captured, seconds since 1970.
    :ivar interface_id: the controller's id of the interface, else our own.
    :ivar levels: of each channel; empty where there is no data.
    :ivar frames: how many frames of samples were measured.
    :ivar rate: frames in a second.
    :ivar dropouts: gaps in it that the capture program reported.
    """

    captured_at: float
    interface_id: str = attrs.field(validator=min_len(1))
    levels: tuple[ChannelLevels, ...]
    frames: int = attrs.field(validator=ge(0))
    rate: int = attrs.field(validator=ge(1))
    dropouts: Dropouts = attrs.Factory(Dropouts)

    @property
    def seconds(self) -> float:
        """How much audio it is made of."""
        return self.frames / self.rate

    @property
    def stamp(self) -> str:
        """``captured_at`` as it is written on the wire."""
        return format_stamp(self.captured_at)

    @property
    def synthetic(self) -> bool:
        """Whether its levels are invented."""
        return self.interface_id == SYNTHETIC_INTERFACE

    def rounded(self) -> MeterFrame:
        """
        As it is sent: every number rounded and in its range, at most 512 channels, and none whose
        level is no number.  Alarms judge this, so that they agree with what people see.
        """
        known = [each.rounded() for each in self.levels if each.measured]
        return attrs.evolve(self, levels=tuple(known[:MOST_LEVELS]))

    def as_wire(self, node_id: str) -> dict[str, Any]:
        """The body of ``POST /nodes/{id}/meter-frame`` and of ``--print-meter-frame``."""
        return {
            "capturedAt": self.stamp,
            "interfaceId": self.interface_id,
            "levels": [each.as_wire() for each in self.rounded().levels],
            "nodeId": node_id,
        }
