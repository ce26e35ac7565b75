"""
How PipeWire is recorded: by ``pw-record``, or by ``arecord`` through ALSA's plugin for PipeWire.

Both are told what a session manager must not do.  ``stream.dont-remix`` keeps it from mixing more
than two channels by speaker position; ``node.dont-reconnect``, ``node.dont-fallback`` and
``node.dont-move`` from joining the recorder to another microphone, when its own is gone or somebody
moves the stream, which it would do without a word.
Facts about versions are in docs/audio-programs.md.
"""

from __future__ import annotations

from typing import Final

from rakkr.audio.pcm import FORMATS
from rakkr.capture.findings import Findings
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere, Route
from rakkr.capture.tie import Tie
from rakkr.inventory.pipewire import SINK, Graph, Node

MOST_CHANNELS: Final = 64
DEFAULTS: Final = frozenset({"", "default", "auto"})
_PLUGIN: Final = "pipewire"
_NODE: Final = "NODE="
_PERIOD_SECONDS: Final = 0.15
"""A period of arecord's, of which it drops what it has when it is ended."""
# What pw-record calls s24 is 3 bytes long in 0.3.65 and 1.4.2, and 4 in 1.6.9, where the samples
# are those of s32 besides; s32 holds the 24 bits that PipeWire has in all of them.
_FORMATS: Final = {
    "U8": ("u8", "U8"),
    "S16_LE": ("s16", "S16_LE"),
    "S24_LE": ("s32", "S32_LE"),
    "S24_3LE": ("s32", "S32_LE"),
    "S32_LE": ("s32", "S32_LE"),
    "FLOAT_LE": ("f32", "FLOAT_LE"),
}


class TooFewChannels(CannotLaunch):
    """A source with fewer channels than were asked for; its ports may still be on their way."""


def names_pipewire(device: str) -> bool:
    """Whether an ALSA device is the plugin for PipeWire."""
    return device == _PLUGIN or device.startswith(f"{_PLUGIN}:")


def by_pw_record(command: str, request: CaptureRequest, findings: Findings) -> Route:
    """
    Record by ``pw-record`` or ``pw-cat``, headerless into our file.

    :raises CannotLaunch: for a format that it does not have.
    :raises NotThere: when the server is there and the source is not.
    """
    found = _FORMATS.get(request.format.name)
    if found is None:
        known = ", ".join(_FORMATS)
        raise CannotLaunch(f"{command} cannot deliver {request.format.name}; use one of {known}")
    source = _source(request.device, request, findings)
    target = () if source is None else ("--target", source.serial or source.name)
    if source is None and request.device not in DEFAULTS:
        target = ("--target", request.device)
    # Since 1.4 the standard output gets a container unless this is said; before it did not exist.
    raw = ("--raw",) if findings.can(command, "--raw") else ()
    argv = (
        *(command, "--record", *raw, *target, "--rate", str(request.rate)),
        *("--channels", str(request.channels), *_positions(source, request, findings)),
        *("--format", found[0], "-P", _properties(findings.client, source), "-"),
    )
    tie = _tie(request.device, source, findings)
    return Route(launch=Launch(argv, "agent", FORMATS[found[1]], ends_itself=False, tie=tie))


def by_arecord(command: str, request: CaptureRequest, findings: Findings) -> Route:
    """
    Record by ``arecord`` through the plugin, headerless into our file.

    :raises NotThere: when the server is there and the source is not.
    """
    wished = _wished(request.device)
    source = _source(wished, request, findings)
    name = wished if source is None else source.name
    device = _PLUGIN if source is None and wished in DEFAULTS else f"{_PLUGIN}:{_NODE}{name}"
    argv = (
        *(command, "-D", device, "-f", request.format.name, "-r", str(request.rate)),
        *("-c", str(request.channels), "-t", "raw", "-"),
    )
    call = Launch(
        argv,
        "agent",
        request.format,
        ends_itself=False,
        env={"PIPEWIRE_ALSA": _properties(findings.client, source)},
        tie=_tie(wished, source, findings),
        drain_seconds=_PERIOD_SECONDS,
    )
    return Route(launch=call)


def _wished(device: str) -> str:
    """What an ALSA device, or the bare name of a source, stands for."""
    if not names_pipewire(device):
        return device
    for part in device.removeprefix(_PLUGIN).removeprefix(":").split(","):
        if part.startswith(_NODE):
            return part.removeprefix(_NODE).strip("\"'")
    return "default"


def _source(wished: str, request: CaptureRequest, findings: Findings) -> Node | None:
    """Find the node to record; None when the server shows nothing, or has no default."""
    if request.channels > MOST_CHANNELS:
        raise CannotLaunch(
            f"PipeWire cannot deliver {request.channels} channels; {MOST_CHANNELS} at most"
        )
    graph = findings.view
    if not isinstance(graph, Graph):
        return None
    name = graph.default_source if wished in DEFAULTS else wished
    if name is None:
        return None
    node = graph.find(name)
    if node is None:
        there = ", ".join(graph.sources()) or "nothing that can be recorded"
        raise NotThere(f"PipeWire has no source {name}; it has {there}")
    channels = len(graph.outputs(node))
    if 0 < channels < request.channels:
        raise TooFewChannels(
            f"{name} cannot deliver {request.channels} channels, it has {channels}:"
            f" ask for {channels}, or name another source"
        )
    return node


def _positions(source: Node | None, request: CaptureRequest, findings: Findings) -> tuple[str, ...]:
    """Ask for the source's own positions, so that each channel meets its like."""
    if source is None or not isinstance(findings.view, Graph):
        return ()
    ports = findings.view.outputs(source)[: request.channels]
    names = [port.channel or "" for port in ports]
    fit = len(names) == request.channels and len(set(names)) == len(names)
    if not fit or not all(name.isalnum() and name != "UNK" for name in names):
        return ()
    # The last comma keeps 1.4.2 from refusing an odd number of names, and 1.6.9 a single one.
    return ("--channel-map", "".join(f"{name}," for name in names))


def _properties(client: str, source: Node | None) -> str:
    of_sink = source is not None and source.media_class == SINK
    facts = {
        "node.name": client,
        "stream.dont-remix": "true",
        "node.dont-reconnect": "true",
        "node.dont-fallback": "true",
        "node.dont-move": "true",
        **({"stream.capture.sink": "true"} if of_sink else {}),
    }
    return f"{{ {' '.join(f'{name}={value}' for name, value in facts.items())} }}"


def _tie(wished: str, source: Node | None, findings: Findings) -> Tie | None:
    if source is not None:
        names = (source.serial or source.name, source.name)
        return Tie(server="pipewire", client=findings.client, sources=names)
    if wished in DEFAULTS:
        return None  # whatever the server takes for the default is right
    return Tie(server="pipewire", client=findings.client, sources=(wished,))
