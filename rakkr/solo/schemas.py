"""What each route takes: the tables of the controller contract, sections 5 and 10."""

from __future__ import annotations

from typing import Any

from rakkr.solo.validation import (
    Check,
    Member,
    Place,
    fault,
    flag,
    free_object,
    items,
    moment,
    needed,
    number,
    one_of,
    or_null,
    record,
    text,
    whole,
)

BACKENDS = ("alsa", "jack", "pipewire", "unknown")
CODECS = ("mp3", "flac", "wav")
RESERVED_EVENT_PREFIXES = ("controller.", "watchdog.")

_word = text(1, trim=False)
_score = number(0, 1)

HEARTBEAT = record(
    {
        "agentVersion": needed(text(1, 80)),
        "hostname": needed(text(1, 255)),
        "ipAddresses": Member(items(text(1, 120), most=16, cut=True), default=list),
        "runtime": Member(
            record(
                {
                    "audioBackends": Member(items(one_of(*BACKENDS), most=1 << 16), default=list),
                    "architecture": Member(_word),
                    "kernelRelease": Member(_word),
                    "osName": Member(_word),
                    "uptimeSeconds": Member(whole(0)),
                }
            )
        ),
        "status": Member(
            one_of("provisioning", "online", "offline", "degraded", "recording", "alerting"),
            default=lambda: "online",
        ),
    }
)

_CHANNEL = record(
    {"alias": needed(text(1, 160)), "index": needed(whole(1, 256, convert=True))},
)
_INTERFACE = record(
    {
        "alias": needed(text(1, 160)),
        "backend": Member(one_of(*BACKENDS), default=lambda: "unknown"),
        "channelCount": needed(whole(0, 256, convert=True)),
        "channels": Member(items(_CHANNEL, most=256), default=list),
        "hardwarePath": Member(text(1, 500)),
        "sampleRates": Member(items(whole(1, convert=True), most=16), default=list),
        "serialNumber": Member(text(1, 255)),
        "systemName": needed(text(1, 255)),
        "systemRef": Member(text(1, 255)),
    }
)
INVENTORY = record({"interfaces": Member(items(_INTERFACE, most=64), default=list)})

_CORRELATION = record(
    {
        "peerChannelIndex": needed(whole(1)),
        "phase": needed(one_of("same", "inverted")),
        "score": needed(number(-1, 1)),
    }
)
_QUALITY = record(
    {
        "crestFactorDb": needed(number(0, 80)),
        "noiseScore": needed(_score),
        "speechScore": needed(_score),
        "zeroCrossingRate": needed(_score),
        "speechLike": needed(flag),
        "broadbandNoiseScore": Member(_score),
        "humScore": Member(_score),
        "staticScore": Member(_score),
        "intelligibilityScore": Member(_score),
        "estimatedSnrDb": Member(number(0, 80)),
        "channelCorrelation": Member(_CORRELATION),
    }
)
_LEVEL = record(
    {
        "channelIndex": needed(whole(1)),
        "clipping": needed(flag),
        "label": needed(_word),
        "peakDbfs": needed(number(-160, 24)),
        "rmsDbfs": needed(number(-160, 24)),
        "quality": Member(_QUALITY),
    }
)
METER_FRAME = record(
    {
        "capturedAt": needed(moment),
        "interfaceId": needed(_word),
        "nodeId": needed(_word),
        "levels": needed(items(_LEVEL, most=512)),
    }
)


def _event_type(value: Any, place: Place) -> str:
    kind = str(text(1, 160)(value, place))
    if kind.startswith(RESERVED_EVENT_PREFIXES):
        raise fault(place, "custom", "this event type is the controller's own")
    return kind


HEALTH_EVENT = record(
    {
        "type": needed(_event_type),
        "severity": needed(one_of("info", "warning", "critical")),
        "details": Member(free_object, default=dict),
        "id": Member(text(1, 160)),
        "openedAt": Member(moment),
        "recordingId": Member(text(1, 160)),
        "scheduleId": Member(text(1, 160)),
    },
    strict=True,
)

_AUDIO_DEFAULTS = record(
    {
        "captureArgsTemplate": Member(text(1, 1000)),
        "captureBackend": Member(one_of("alsa", "jack", "pipewire")),
        "captureChannels": Member(whole(1, 256)),
        "captureCommand": Member(text(1, 255)),
        "captureDevice": Member(text(1, 255)),
        "captureFormat": Member(text(1, 80)),
        "captureSampleRate": Member(whole(1, 384000)),
        "meterArgsTemplate": Member(text(1, 1000)),
    },
    strict=True,
)
_THRESHOLDS = {
    "maxAgeDays": Member(or_null(whole(1, 3650))),
    "maxBytes": Member(or_null(whole(1))),
    "minFreeDiskPercent": Member(or_null(whole(0, 95))),
}
RETENTION = record(
    {"policyId": needed(text(1, 160)), "deleteAfterUpload": needed(flag), **_THRESHOLDS},
    strict=True,
)
NODE_CONFIG = record(
    {
        "audioDefaults": Member(or_null(_AUDIO_DEFAULTS)),
        "recordingCapacity": Member(
            or_null(record({"maxConcurrentRecordings": needed(whole(1, 128))}, strict=True))
        ),
        "recorderCachePolicies": Member(items(RETENTION, most=256)),
    },
    strict=True,
)


def _group_with(value: Any, place: Place) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return list(items(text(1, 160), most=128, least=1)(listed, place))


_ORDER = {
    "nodeId": Member(text(1, 160)),
    "device": Member(text(1, 255)),
    "name": Member(text(1, 255)),
    "durationSeconds": Member(whole(1, 7 * 86400)),
    "outputCodec": Member(one_of(*CODECS)),
    "channels": Member(whole(1, 256)),
    "sampleRate": Member(whole(1, 384000)),
    "format": Member(text(1, 80)),
    "backend": Member(one_of("alsa", "jack", "pipewire")),
    "captureInterfaceId": Member(text(1, 160)),
    "captureChannelSelection": Member(items(whole(1, 256), most=256, least=1)),
    "channelMap": Member(free_object),
    "chunkSeconds": Member(whole(1, 86400)),
    "outputBitrateKbps": Member(whole(8, 512)),
    "outputVbr": Member(flag),
    "recorderCacheRetention": Member(RETENTION),
    "enhancement": Member(free_object),
    "groupWith": Member(_group_with),
    "command": Member(free_object),
}
_MEMBER = record(_ORDER, strict=True)
ORDER: Check = record({**_ORDER, "members": Member(items(_MEMBER, most=128, least=1))}, strict=True)
ASSIGNMENTS: Check = items(free_object, most=1024)
