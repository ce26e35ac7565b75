"""The command line of ``rakkr-tone``: the dialect of ``arecord``, and a few words of its own."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

import attrs

from rakkr.audio.pcm import SampleFormat, UnknownFormat, sample_format

_FASTEST = 1000
_BUFFER_MICROSECONDS = 500_000
_DEVICES = (
    "tone[:HZ], silence, noise, speech, numbered, or numbered:SECONDS for a card that runs by the"
    " monotonic clock since then"
)
_PRESETS = {"CD": (44100, 2), "CDR": (44100, 2), "DAT": (48000, 2)}


class BadArguments(ValueError):
    """A command line that cannot be followed; the message is for people."""


@attrs.frozen(kw_only=True)
class Arguments:
    """
    What to sound like, how, for how long, and into what.

    :ivar frames: how many frames, or None to go on until stopped.
    :ivar path: the file to write, None for stdout.
    :ivar speed: how many times as fast as real time; 0 as fast as possible.
    :ivar period: frames that are written in one go, or None for a twentieth of a second.
    :ivar buffer_seconds: how long a card that runs by the clock keeps what nobody reads.
    :ivar ledger: where to note what was written, None for nowhere.
    """

    device: str
    sample: SampleFormat
    rate: int
    channels: int
    frames: int | None
    path: str | None
    wav: bool
    quiet: bool
    speed: float
    period: int | None = None
    buffer_seconds: float = 0.5
    ledger: str | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArguments(message)


def _parser() -> _Parser:
    parser = _Parser(
        prog="rakkr-tone",
        description="Deliver known samples in real time, with the arguments of arecord.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-D", "--device", default="default", help=_DEVICES)
    add("-f", "--format", default="U8", help="sample format, for example S16_LE, or cd or dat")
    add("-r", "--rate", type=int, help="frames in a second (default 8000)")
    add("-c", "--channels", type=int, help="samples in a frame (default 1)")
    add("-d", "--duration", type=int, default=0, help="seconds; 0 goes on until stopped")
    add("-s", "--samples", type=int, default=0, help="frames in each channel, instead of -d")
    add("-t", "--file-type", default="wav", choices=["wav", "raw"])
    add("-q", "--quiet", action="store_true", help="say nothing but errors")
    add("--numbered", action="store_true", help="every frame carries its number")
    add("--period-size", type=int, help="frames that are written in one go")
    add("--speed", type=float, default=1.0, help="times real time; 0 is flat out")
    for ignored in ("-N", "--nonblock"), ("-M", "--mmap"), ("-v", "--verbose"):
        add(*ignored, action="store_true", help=argparse.SUPPRESS)
    add("-B", "--buffer-time", type=int, default=_BUFFER_MICROSECONDS, help="of a card, in us")
    add("--ledger", help="file to note in what was really written")
    add("-F", "--period-time", help=argparse.SUPPRESS)
    add("--buffer-size", help=argparse.SUPPRESS)
    add("path", nargs="?", help="file to write; stdout if absent or -")
    return parser


def parse(argv: list[str]) -> Arguments:
    """
    Read the command line.

    :raises BadArguments: with a sentence.
    :raises SystemExit: after ``--help``.
    """
    given: Any = _parser().parse_args(argv)
    try:
        sample = sample_format("S16_LE" if given.format.upper() in _PRESETS else given.format)
    except UnknownFormat as error:
        raise BadArguments(str(error)) from None
    rate, channels = _PRESETS.get(given.format.upper(), (8000, 1))
    rate, channels = given.rate or rate, given.channels or channels
    _within("--rate", rate, 2000, 768000)
    _within("--channels", channels, 1, 256)
    _within("--duration", given.duration, 0, 1 << 31)
    _within("--samples", given.samples, 0, 1 << 40)
    _within("--buffer-time", given.buffer_time, 1000, 60_000_000)
    if given.period_size is not None:
        _within("--period-size", given.period_size, 1, rate)
    if not 0 <= given.speed <= _FASTEST:  # not a number fails here too
        raise BadArguments(f"--speed {given.speed} is not between 0 and {_FASTEST}")
    return Arguments(
        device="numbered" if given.numbered else given.device,
        sample=sample,
        rate=rate,
        channels=channels,
        frames=given.samples or given.duration * rate or None,
        path=None if given.path in {None, "-"} else given.path,
        wav=given.file_type == "wav",
        quiet=given.quiet,
        speed=given.speed,
        period=given.period_size,
        buffer_seconds=given.buffer_time / 1e6,
        ledger=given.ledger,
    )


def _within(flag: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadArguments(f"{flag} {value} is not between {least} and {most}")
