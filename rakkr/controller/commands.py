"""What a job asks for: the command object of the wire, in our own names."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs.validators import ge, optional

Backend = Literal["alsa", "jack", "pipewire"]
Codec = Literal["mp3", "flac", "wav"]

_positive = ge(1)
_maybe_positive = optional(ge(1))


def _each_positive(
    _command: object, field: attrs.Attribute[Any], value: tuple[int, ...] | None
) -> None:
    for each in value or ():
        if each < 1:
            raise ValueError(f"'{field.name}' must be >= 1: {each}")


@attrs.frozen(kw_only=True)
class CacheRetention:
    """
    When local files of a recording may go.

    :ivar min_free_disk_percent: how much of the disk must stay free, 0 to 95.
    """

    policy_id: str
    delete_after_upload: bool = False
    max_age_days: float | None = attrs.field(default=None, validator=optional(ge(0)))
    max_bytes: int | None = attrs.field(default=None, validator=optional(ge(0)))
    min_free_disk_percent: float | None = attrs.field(default=None, validator=optional(ge(0)))

    def as_dict(self) -> dict[str, Any]:
        """The policy in the contract's members (cache-retention.md section 1)."""
        return {
            "deleteAfterUpload": self.delete_after_upload,
            "maxAgeDays": self.max_age_days,
            "maxBytes": self.max_bytes,
            "minFreeDiskPercent": self.min_free_disk_percent,
            "policyId": self.policy_id,
        }


@attrs.frozen(kw_only=True)
class ChannelMapEntry:
    """One source channel (1-based) and the output channel (1-based) it goes to."""

    source_channel_index: int = attrs.field(validator=_positive)
    included: bool = True
    label: str = ""
    output_channel_index: int | None = attrs.field(default=None, validator=_maybe_positive)


@attrs.frozen(kw_only=True)
class ChannelMap:
    """How captured channels become the channels of the recording."""

    channel_mode: str
    entries: tuple[ChannelMapEntry, ...] = ()
    source_channels: int | None = attrs.field(default=None, validator=_maybe_positive)
    assignment_id: str | None = None
    target_id: str | None = None
    target_type: str | None = None
    template_id: str | None = None
    template_name: str | None = None


@attrs.frozen(kw_only=True)
class Denoise:
    """Noise suppression by a named engine."""

    enabled: bool = False
    engine: str | None = None


@attrs.frozen(kw_only=True)
class Pass:
    """A high-pass or low-pass filter with its corner frequency in Hz."""

    enabled: bool = False
    hz: float | None = None


@attrs.frozen(kw_only=True)
class Deesser:
    """Sibilance reduction, 0 to 1."""

    enabled: bool = False
    intensity: float | None = None


@attrs.frozen(kw_only=True)
class Compressor:
    """Compression with the agent's own parameters."""

    enabled: bool = False


@attrs.frozen(kw_only=True)
class Loudnorm:
    """Loudness normalisation: LUFS, dBTP and LU."""

    enabled: bool = False
    target_i: float | None = None
    true_peak: float | None = None
    lra: float | None = None


@attrs.frozen(kw_only=True)
class Gate:
    """A noise gate with its threshold in dBFS."""

    enabled: bool = False
    threshold_db: float | None = None


@attrs.frozen(kw_only=True)
class Enhancement:
    """
    The stages of an enhanced rendition, in the order in which they are applied.

    :ivar keep_raw: whether the plain render is uploaded besides.
    """

    keep_raw: bool = False
    denoise: Denoise = Denoise()
    highpass: Pass = Pass()
    lowpass: Pass = Pass()
    deesser: Deesser = Deesser()
    compressor: Compressor = Compressor()
    loudnorm: Loudnorm = Loudnorm()
    gate: Gate = Gate()


@attrs.frozen(kw_only=True)
class Command:
    """
    What to capture, for how long, and what to make of it.

    :ivar capture_sample_rate: frames per second.
    :ivar duration_seconds: wall-clock length after which the capture ends by itself.
    :ivar capture_channel_selection: 1-based source channels; the channel map goes before it.
    """

    type: Literal["alsa_capture"]
    capture_device: str
    capture_format: str
    capture_sample_rate: int = attrs.field(validator=_positive)
    capture_channels: int = attrs.field(validator=_positive)
    duration_seconds: int = attrs.field(validator=_positive)
    output_file_name: str
    capture_backend: Backend | None = None
    capture_interface_id: str | None = None
    capture_channel_selection: tuple[int, ...] | None = attrs.field(
        default=None, validator=_each_positive
    )
    channel_map: ChannelMap | None = None
    capture_group_id: str | None = None
    chunk_seconds: int | None = attrs.field(default=None, validator=_maybe_positive)
    output_codec: Codec | None = None
    output_bitrate_kbps: int | None = attrs.field(default=None, validator=_maybe_positive)
    output_vbr: bool = False
    enhancement: Enhancement | None = None
    recorder_cache_retention: CacheRetention | None = None
    track_group_id: str | None = None
    track_index: int | None = None
    track_total: int | None = None
