"""From what an operator ordered to the command that an agent carries out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_SECONDS = 3600
DEFAULT_CODEC = "flac"
DEFAULT_CHANNELS = 2
DEFAULT_FORMAT = "S16_LE"
DEFAULT_RATE = 48000

_TAKEN_AS_THEY_ARE = (
    "captureInterfaceId",
    "captureChannelSelection",
    "channelMap",
    "chunkSeconds",
    "outputBitrateKbps",
    "outputVbr",
    "enhancement",
    "recorderCacheRetention",
)


def members_of(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    The single orders of an order: what stands beside ``members`` holds for each of them.

    :returns: the order itself where it names no members.
    """
    members = order.get("members")
    if members is None:
        return [dict(order)]
    common = {name: value for name, value in order.items() if name != "members"}
    return [{**common, **member} for member in members]


def _interface(order: Mapping[str, Any], interfaces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The known interface that is meant: by id, else by device, else the first one."""
    named, device = order.get("captureInterfaceId"), order.get("device")
    for interface in interfaces:
        if named is not None:
            chosen = interface["id"] == named
        else:
            chosen = device is None or device == device_of(interface)
        if chosen:
            return dict(interface)
    return {}


def device_of(interface: Mapping[str, Any]) -> str:
    """What opens an interface: an ALSA reference that names hardware, else its system name."""
    reference = str(interface.get("systemRef", "")).removeprefix("alsa:")
    if interface.get("backend") == "alsa" and reference.startswith(("hw:", "plughw:")):
        return reference
    return str(interface["systemName"])


def make_command(
    order: Mapping[str, Any],
    *,
    recording_id: str,
    group: str,
    defaults: Mapping[str, Any],
    interfaces: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """
    The command of a job.

    :param group: the capture group; every command has one.
    :param defaults: the node's audio defaults.
    :param interfaces: the node's interfaces as they are known.
    """
    interface = _interface(order, interfaces)
    codec = order.get("outputCodec", DEFAULT_CODEC)
    channel_map = order.get("channelMap") or {}
    known_device = device_of(interface) if interface else None
    backend = interface.get("backend") if interface.get("backend") != "unknown" else None
    command: dict[str, Any] = {
        "type": "alsa_capture",
        "captureDevice": order.get("device")
        or known_device
        or defaults.get("captureDevice", "default"),
        "captureBackend": order.get("backend") or backend or defaults.get("captureBackend"),
        "captureInterfaceId": interface.get("id"),
        "captureChannels": order.get("channels")
        or channel_map.get("sourceChannels")
        or defaults.get("captureChannels", DEFAULT_CHANNELS),
        "captureFormat": order.get("format") or defaults.get("captureFormat", DEFAULT_FORMAT),
        "captureSampleRate": order.get("sampleRate")
        or defaults.get("captureSampleRate", DEFAULT_RATE),
        "captureGroupId": group,
        "durationSeconds": order.get("durationSeconds", DEFAULT_SECONDS),
        "outputCodec": codec,
        "outputFileName": f"{recording_id}.{codec}",
    }
    if codec == "mp3":
        command |= {"outputBitrateKbps": 128, "outputVbr": True}
    command |= {name: order[name] for name in _TAKEN_AS_THEY_ARE if name in order}
    command |= order.get("command", {})
    return {name: value for name, value in command.items() if value is not None}
