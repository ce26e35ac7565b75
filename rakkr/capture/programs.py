"""How the capture programs are called."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final, Literal

import attrs

from rakkr.audio.pcm import FORMATS, SampleFormat
from rakkr.capture import template
from rakkr.capture.request import CaptureRequest

_DEFAULT_COMMAND: Final = "arecord"
_COMMANDS: Final = {"pipewire": "pw-record", "jack": "jack_capture"}
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
# PipeWire's 24 bits are packed into 3 bytes (measured with 0.3.65).
_PIPEWIRE_FORMATS: Final = {
    "U8": ("u8", "U8"),
    "S16_LE": ("s16", "S16_LE"),
    "S24_LE": ("s24", "S24_3LE"),
    "S24_3LE": ("s24", "S24_3LE"),
    "S32_LE": ("s32", "S32_LE"),
    "FLOAT_LE": ("f32", "FLOAT_LE"),
}
_JACK_BITS: Final = {
    "S16_LE": "16",
    "S24_LE": "24",
    "S24_3LE": "24",
    "S32_LE": "32",
    "FLOAT_LE": "FLOAT",
}


class CannotLaunch(ValueError):
    """A capture that no program can be asked for; the message is for people."""


@attrs.frozen
class Launch:
    """
    A call of a capture program.

    :ivar argv: the program and its arguments.
    :ivar owner: who makes the file: ``agent`` means headerless samples on stdout.
    :ivar format: the samples that it will deliver.
    :ivar ends_itself: whether the program knows the length of the window.
    """

    argv: tuple[str, ...]
    owner: Literal["agent", "program"]
    format: SampleFormat
    ends_itself: bool = True


def select_command(command: str, backend: str) -> str:
    """Choose the program: the default name stands for the backend's own, any other for itself."""
    if command == _DEFAULT_COMMAND:
        return _COMMANDS.get(backend, command)
    return command


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
    for what in ("seconds", "channels", "rate"):
        if getattr(request, what) <= 0:
            given = getattr(request, what)
            raise CannotLaunch(f"a capture cannot have {given} {what}: at least 1 is needed")
    command = select_command(request.command, request.backend)
    name = PurePath(command).name
    if request.args_template is not None:
        return _templated(command, request, request.args_template, path)
    if name in _PIPEWIRE:
        return _pipewire(command, request)
    if name == "jack_capture":
        return _jack(command, request, path)
    argv = (
        *(command, "-D", request.device, "-f", request.format.name, "-r", str(request.rate)),
        *("-c", str(request.channels)),
    )
    if name in _ARECORD_DIALECT:
        return Launch((*argv, "-t", "raw", "-"), "agent", request.format, ends_itself=False)
    return Launch((*argv, "-d", str(request.seconds), str(path)), "program", request.format)


def _templated(command: str, request: CaptureRequest, text: str, path: Path) -> Launch:
    values = {
        "device": request.device,
        "format": request.format.name,
        "sample_rate": str(request.rate),
        "channels": str(request.channels),
        "seconds": str(request.seconds),
        "output": str(path),
        "output_path": str(path),
    }
    owner: Literal["agent", "program"] = "program" if template.names_output(text) else "agent"
    argv = (command, *template.expand(text, values))
    size = request.planned_frames * request.frame_bytes
    splits = PurePath(command).name == "arecord" and _RAW.isdisjoint(argv)
    if owner == "program" and splits and size >= _SPLIT_BYTES:
        raise CannotLaunch(
            f"{command} splits WAV files at 2 GiB, and {request.seconds} s need {size} bytes:"
            " replace {output} in the capture args template by -t raw -"
        )
    return Launch(argv, owner, request.format, ends_itself="{seconds}" in text)


def _pipewire(command: str, request: CaptureRequest) -> Launch:
    found = _PIPEWIRE_FORMATS.get(request.format.name)
    if found is None:
        known = ", ".join(_PIPEWIRE_FORMATS)
        raise CannotLaunch(f"{command} cannot deliver {request.format.name}; use one of {known}")
    target = () if request.device in {"", "default"} else ("--target", request.device)
    argv = (
        *(command, "--record", *target, "--rate", str(request.rate)),
        *("--channels", str(request.channels), "--format", found[0]),
        # Otherwise more than two channels are mixed by speaker position.
        # And when the target goes, another source would be recorded in its place.
        *("-P", "{ stream.dont-remix=true node.dont-reconnect=true }", "-"),
    )
    return Launch(argv, "agent", FORMATS[found[1]], ends_itself=False)


def _jack(command: str, request: CaptureRequest, path: Path) -> Launch:
    bits = _JACK_BITS.get(request.format.name)
    if bits is None:
        known = ", ".join(_JACK_BITS)
        raise CannotLaunch(f"{command} cannot deliver {request.format.name}; use one of {known}")
    port = () if request.device in {"", "default"} else ("--port", request.device)
    argv = (
        *(command, "--no-stdin", "-d", str(request.seconds), "-c", str(request.channels)),
        *("-f", "rf64", "-b", bits, "-dc", *port, str(path)),
    )
    return Launch(argv, "program", request.format)
