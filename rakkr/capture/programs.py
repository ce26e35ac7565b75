"""Which program captures, and how it is called."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final, Literal

import attrs

from rakkr.capture import jack, pipewire, template
from rakkr.capture.findings import Findings
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, Launch, NotThere, Route
from rakkr.inventory.view import Server

__all__ = ["CannotLaunch", "Launch", "NotThere", "candidates", "launch", "package_of", "route_of"]

_DEFAULT_COMMAND: Final = "arecord"
_CANDIDATES: Final = {
    "pipewire": ("pw-record", "pw-cat", _DEFAULT_COMMAND),
    "jack": (_DEFAULT_COMMAND, "jack_capture"),
}
"""What may record a backend, the best one first; see docs/audio-programs.md for the reasons."""
_FOR_TEMPLATES: Final = {"pipewire": "pw-record", "jack": "jack_capture"}
"""What the default name stands for in the contract; a template is written for one program."""
_ARECORD_DIALECT: Final = frozenset({"arecord", "rakkr-tone"})
_SPLIT_BYTES: Final = (1 << 31) - 1
_RAW: Final = frozenset({"raw", "-traw", "--file-type=raw"})
_PIPEWIRE: Final = frozenset({"pw-record", "pw-cat"})
_PACKAGES: Final = {
    "arecord": "alsa-utils",
    "pw-record": "pipewire-bin",
    "pw-cat": "pipewire-bin",
    "jack_capture": "jack-capture",
    "ffmpeg": "ffmpeg",
    "sox": "sox",
    "rec": "sox",
}
_PLUGIN_PACKAGES: Final = {"pipewire": "pipewire-alsa", "jack": "libasound2-plugins"}
_REMARKS: Final = {
    "pipewire": "pw-record is not installed: arecord records PipeWire through its ALSA plugin",
    "jack": "ALSA has no plugin for JACK: jack_capture records it, 16 bits not to the last one;"
    " install the Debian package libasound2-plugins",
}


def candidates(request: CaptureRequest) -> tuple[str, ...]:
    """Name the programs that may be called; the default name stands for the backend's own."""
    if request.command != _DEFAULT_COMMAND:
        return (request.command,)
    if request.args_template is not None:
        return (_FOR_TEMPLATES.get(request.backend, request.command),)
    return _CANDIDATES.get(request.backend, (request.command,))


def server_of(request: CaptureRequest) -> Server | None:
    """Which sound server a request is for, if we know how to ask it what it has."""
    if request.args_template is not None:
        return None
    names = {PurePath(command).name for command in candidates(request)}
    if names & _PIPEWIRE or _by_plugin(request):
        return "pipewire"
    return "jack" if "jack_capture" in names else None


def package_of(command: str) -> str | None:
    """Name the Debian package that brings a program, if it is known."""
    return _PACKAGES.get(PurePath(command).name)


def launch(request: CaptureRequest, path: Path) -> Launch:
    """
    Find the call that captures what was asked for.

    A template replaces the arguments, never the program.  A program that is not known is called
    like ``arecord`` with the file as its last argument, so that wrapper scripts work.  Programs
    whose samples we count ourselves are not told how long the window is: it may grow.

    :param path: the file, for programs that make their own.
    :raises CannotLaunch: when the program cannot do that, or the numbers make no sense.
    :raises BadTemplate: when the template cannot be followed.
    """
    check_numbers(request)
    command = candidates(request)[0]
    if request.args_template is not None:
        return _templated(command, request, request.args_template, path)
    route = request.route
    if route is None:
        try:
            route = route_of(request, Findings())
        except NotThere as absent:
            raise CannotLaunch(str(absent)) from absent
    return route.to(path)


def check_numbers(request: CaptureRequest) -> None:
    """
    See that there is something to capture.

    :raises CannotLaunch: when the numbers make no sense.
    """
    for what in ("seconds", "channels", "rate"):
        if getattr(request, what) <= 0:
            given = getattr(request, what)
            raise CannotLaunch(f"a capture cannot have {given} {what}: at least 1 is needed")


def route_of(request: CaptureRequest, findings: Findings) -> Route:
    """
    Choose among the programs that are there.

    :raises CannotLaunch: when none of them can do what was asked for.
    :raises NotThere: when the sound server does not have the source now.
    """
    wished = candidates(request)
    if findings.programs is None:
        command = wished[0]
    else:
        found = next((each for each in wished if each in findings.programs), None)
        if found is None and len(wished) > 1:
            raise CannotLaunch(_nothing_for(request.backend))
        command = found or wished[0]
    route = _by_program(command, request, findings)
    if len(wished) > 1 and command == wished[-1]:
        return attrs.evolve(route, remark=_REMARKS[request.backend])
    return route


def _by_program(command: str, request: CaptureRequest, findings: Findings) -> Route:
    name = PurePath(command).name
    if name in _PIPEWIRE:
        return pipewire.by_pw_record(command, request, findings)
    if name == "jack_capture":
        return jack.by_jack_capture(command, request, findings)
    if _by_plugin(request):
        return pipewire.by_arecord(command, request, findings)
    if stands_for_server(command, request):
        return jack.by_arecord(command, request, findings)
    return _like_arecord(command, request)


def stands_for_server(command: str, request: CaptureRequest) -> bool:
    """Whether ``arecord`` needs ALSA's plugin for the request's backend."""
    return command == _DEFAULT_COMMAND and request.backend in _CANDIDATES


def _nothing_for(backend: str) -> str:
    programs = [each for each in _CANDIDATES[backend] if each != _DEFAULT_COMMAND]
    return (
        f"nothing here can record {backend}: install the Debian package {package_of(programs[0])},"
        f" or {_PLUGIN_PACKAGES[backend]} for arecord"
    )


def _by_plugin(request: CaptureRequest) -> bool:
    if request.command == _DEFAULT_COMMAND and request.backend == "pipewire":
        return True
    arecord = PurePath(request.command).name == _DEFAULT_COMMAND
    return arecord and pipewire.names_pipewire(request.device)


def _like_arecord(command: str, request: CaptureRequest) -> Route:
    argv = (
        *(command, "-D", request.device, "-f", request.format.name, "-r", str(request.rate)),
        *("-c", str(request.channels)),
    )
    if PurePath(command).name in _ARECORD_DIALECT:
        raw = (*argv, "-t", "raw", "-")
        return Route(launch=Launch(raw, "agent", request.format, ends_itself=False))
    return Route(launch=Launch((*argv, "-d", str(request.seconds)), "program", request.format))


def _templated(command: str, request: CaptureRequest, text: str, path: Path) -> Launch:
    owner: Literal["agent", "program"] = "program" if template.names_output(text) else "agent"
    argv = (command, *template.expand(text, request.placeholders(str(path))))
    size = request.planned_frames * request.frame_bytes
    splits = PurePath(command).name == _DEFAULT_COMMAND and _RAW.isdisjoint(argv)
    if owner == "program" and splits and size >= _SPLIT_BYTES:
        raise CannotLaunch(
            f"{command} splits WAV files at 2 GiB, and {request.seconds} s need {size} bytes:"
            " replace {output} in the capture args template by -t raw -"
        )
    return Launch(argv, owner, request.format, ends_itself="{seconds}" in text)
