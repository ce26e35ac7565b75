"""
``rakkr-tone``: a capture program for machines without sound hardware.

It takes the arguments of ``arecord``, delivers samples at the speed of a sound card, and ends as
``arecord`` ends: exit code 0 when the duration is reached, 1 after a signal or an error, with a
sentence on stderr.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start a thread for every core

from rakkr.audio.wave import CannotHold
from rakkr.tone.arguments import Arguments, BadArguments, parse
from rakkr.tone.output import Output
from rakkr.tone.sources import BLOCKS_PER_SECOND, Source, UnknownDevice, open_source


class Stopped(BaseException):
    """A signal asked the program to end; nothing may mistake it for an error."""


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # once is enough: the header is being finished
    raise Stopped(signal.strsignal(number))


def deliver(source: Source, output: Output, arguments: Arguments) -> None:
    """
    Write block after block, each at the moment at which a sound card would have it.

    Every moment is counted from the start, so lateness never adds up.
    """
    step = arguments.period or max(1, arguments.rate // BLOCKS_PER_SECOND)
    pace = arguments.rate * arguments.speed
    first, start = 0, time.monotonic()
    while arguments.frames is None or first < arguments.frames:
        # Blocks end where a second ends, so that sources that repeat can keep them.
        frames = min(step, arguments.rate - first % arguments.rate)
        if arguments.frames is not None:
            frames = min(frames, arguments.frames - first)
        block = source.block(first, frames)
        first += frames
        if pace and (early := start + first / pace - time.monotonic()) > 0:
            time.sleep(early)
        output.write(block)


def _open(path: str | None) -> int:
    if path is None:
        return sys.stdout.fileno()
    if Path(path).is_file():  # as arecord does: readers of an old file keep it
        Path(path).unlink()
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)


def _run(argv: list[str]) -> None:
    arguments = parse(argv)
    shape = arguments.sample, arguments.rate, arguments.channels
    source = open_source(arguments.device, *shape)
    output = Output(
        _open(arguments.path),
        wav=arguments.wav,
        sample=arguments.sample,
        rate=arguments.rate,
        channels=arguments.channels,
    )
    try:
        output.begin(arguments.frames)
        deliver(source, output, arguments)
    except Stopped as stopped:
        if not arguments.quiet:
            print(f"Aborted by signal {stopped}...", file=sys.stderr)
        raise
    finally:
        output.finish()


def main() -> NoReturn:
    """Run the program; the exit code tells how it ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        _run(sys.argv[1:])
    except Stopped:
        sys.exit(1)
    except BadArguments as error:
        sys.exit(f"rakkr-tone: {error}")
    except UnknownDevice as error:
        sys.exit(f"rakkr-tone: audio open error: {error}")
    except CannotHold as error:
        sys.exit(f"rakkr-tone: {error}: use -t raw")
    except OSError as error:
        what = f" {error.filename}" if error.filename else ""
        sys.exit(f"rakkr-tone: write error{what}: {error.strerror}")
    sys.exit(0)
