"""
How JACK is recorded: by ``arecord`` through ALSA's plugin for JACK, or by ``jack_capture``.

The ports are found by us, so that a pattern means the same to both programs and a port that is not
there is seen before anything is recorded: ``jack_capture`` would record silence for it.  Why
``arecord`` comes first stands in docs/audio-programs.md.
"""

from __future__ import annotations

from typing import Final

from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.capture.findings import Findings
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere, Route
from rakkr.capture.tie import Tie
from rakkr.inventory.jack import Patchbay

DEFAULTS: Final = frozenset({"", "default", "auto"})
_OF_THE_CARD: Final = "system:capture_*"
_ENV: Final = {"JACK_NO_START_SERVER": "1"}
"""A recorder starts no sound server: it would record from it, and nobody else would play to it."""
# A disk that stands still for as long costs nothing; 64 periods are the most that there may be.
_PERIOD_SECONDS: Final = 0.25
_BUFFER: Final = ("--buffer-time=16000000", f"--period-time={_PERIOD_SECONDS * 1e6:.0f}")
# What jack_capture calls its bits, and the samples that it delivers then.  Its 24 and 16 bits are
# off by up to one step, its 32 are JACK's 24 to the last.
_BITS: Final = {
    "S16_LE": ("16", "S16_LE"),
    "S24_LE": ("32", "S32_LE"),
    "S24_3LE": ("32", "S32_LE"),
    "S32_LE": ("32", "S32_LE"),
    "FLOAT_LE": ("FLOAT", "FLOAT_LE"),
}


def by_jack_capture(command: str, request: CaptureRequest, findings: Findings) -> Route:
    """
    Record by ``jack_capture``, which makes an RF64 file of its own.

    :raises CannotLaunch: for a format that it does not have, or a rate that JACK does not run at.
    :raises NotThere: when the server is there and a port is not.
    """
    bits, sample = _bits(command, request)
    ports = _ports(request, findings)
    named = ports or tuple(_wished(request.device))
    argv = (
        *(command, "--no-stdin", "-d", str(request.seconds), "-c", str(request.channels)),
        *("-f", "rf64", "-b", bits, "-dc"),
        *(word for port in named for word in ("--port", port)),
    )
    tie = Tie(server="jack", client="jack_capture*", sources=ports) if ports else None
    return Route(launch=Launch(argv, "program", sample, env=_ENV, tie=tie))


def by_arecord(command: str, request: CaptureRequest, findings: Findings) -> Route:
    """
    Record by ``arecord`` through the plugin, headerless into our file.

    :raises CannotLaunch: for a rate that JACK does not run at.
    :raises NotThere: when the ports are not known, or not there.
    """
    ports = _ports(request, findings)
    if not ports:
        view = findings.view
        why = "nobody looked" if isinstance(view, Patchbay) else getattr(view, "why", "")
        raise NotThere(f"the ports of JACK are not known: {why}")
    argv = (
        *(command, "-D", _plugin(findings.client, ports), "-f", request.format.name),
        *("-r", str(request.rate), "-c", str(request.channels), *_BUFFER, "-t", "raw", "-"),
    )
    tie = Tie(server="jack", client=findings.client, sources=ports)
    call = Launch(
        argv,
        "agent",
        request.format,
        ends_itself=False,
        env=_ENV,
        tie=tie,
        drain_seconds=_PERIOD_SECONDS,
    )
    return Route(launch=call)


def _bits(command: str, request: CaptureRequest) -> tuple[str, SampleFormat]:
    found = _BITS.get(request.format.name)
    if found is None:
        known = ", ".join(_BITS)
        raise CannotLaunch(f"{command} cannot deliver {request.format.name}; use one of {known}")
    return found[0], FORMATS[found[1]]


def _wished(device: str) -> list[str]:
    """Split a list of ports; a name with a comma in it can be given as a pattern."""
    if device in DEFAULTS:
        return [_OF_THE_CARD]
    return [part for each in device.split(",") if (part := each.strip())]


def _ports(request: CaptureRequest, findings: Findings) -> tuple[str, ...]:
    """Find the ports in the order of the channels; none when the server shows nothing."""
    patchbay = findings.view
    if not isinstance(patchbay, Patchbay):
        return ()
    if patchbay.rate not in {None, request.rate}:
        raise CannotLaunch(
            f"JACK runs at {patchbay.rate} Hz and cannot deliver {request.rate} Hz:"
            f" ask for {patchbay.rate} Hz, or start JACK at {request.rate} Hz"
        )
    found: list[str] = []
    for wished in _wished(request.device):
        if request.device in DEFAULTS:
            matching = patchbay.inputs_of_the_card
        else:
            matching = patchbay.matching(wished)
        if not matching:
            there = ", ".join(sorted({port.client for port in patchbay.sources})) or "nothing"
            raise NotThere(f"JACK has no port {wished}; it has ports of {there}")
        found += [name for name in matching if name not in found]
    if len(found) < request.channels:
        raise NotThere(
            f"JACK has {len(found)} ports like {request.device or 'default'},"
            f" and {request.channels} are needed"
        )
    return tuple(found[: request.channels])


def _plugin(client: str, ports: tuple[str, ...]) -> str:
    """Write ALSA's name for a PCM that is described on the spot; ``plug`` converts the format."""
    listed = " ".join(f"{number} {_quoted(port)}" for number, port in enumerate(ports))
    jack = f"type jack name {client} playback_ports {{0 none}} capture_ports {{{listed}}}"
    return f"plug:{{SLAVE={{{jack}}}}}"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
