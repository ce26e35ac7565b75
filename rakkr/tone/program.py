"""
``rakkr-tone``: a capture program for machines without sound hardware.

It takes the arguments of ``arecord``, delivers samples at the speed of a sound card, and ends as
``arecord`` ends: exit code 0 when the duration is reached, 1 after a signal or an error, with a
sentence on stderr.

Two variables are for tests: ``RAKKR_TONE_LEDGER`` names a directory in which every process notes
what it really wrote (:mod:`rakkr.tone.ledger`), ``RAKKR_TONE_PLUG`` a file without which there is
no device (:mod:`rakkr.tone.plug`).
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start a thread for every core

from rakkr.audio.wave import CannotHold
from rakkr.tone.arguments import Arguments, BadArguments, parse
from rakkr.tone.card import Card, Pace, Played, epoch_of
from rakkr.tone.ledger import Ledger
from rakkr.tone.output import Output
from rakkr.tone.plug import Plug
from rakkr.tone.sources import BLOCKS_PER_SECOND, Source, UnknownDevice, open_source


class Stopped(BaseException):
    """A signal asked the program to end; nothing may mistake it for an error."""


class DeviceLost(Exception):
    """The device is not there, or somebody else's; the message is that of ``arecord``."""


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # once is enough: the header is being finished
    raise Stopped(signal.strsignal(number))


def deliver(
    source: Source,
    output: Output,
    arguments: Arguments,
    pace: Pace,
    plug: Plug,
    ledger: Ledger | None,
) -> None:
    """
    Write block after block, each at the moment at which a sound card would have it.

    :raises DeviceLost: when the plug was pulled.
    :raises OSError: when the samples cannot be written.
    """
    step = arguments.period or max(1, arguments.rate // BLOCKS_PER_SECOND)
    while arguments.frames is None or output.frames < arguments.frames:
        # Blocks end where a second ends, so that sources that repeat can keep them.
        frames = min(step, arguments.rate - pace.next % arguments.rate)
        if arguments.frames is not None:
            frames = min(frames, arguments.frames - output.frames)
        block = source.block(pace.next, frames)
        if (early := pace.early(frames, time.monotonic())) > 0:
            time.sleep(early)
        with _lost_while("read error"):
            plug.check()
        if lost := pace.overrun(time.monotonic()):
            milliseconds = 1000 * lost / arguments.rate
            print(f"overrun!!! (at least {milliseconds:.3f} ms long)", file=sys.stderr, flush=True)
            continue
        _write(block, output, ledger, pace.next)
        pace.read(frames)


def _write(block: bytes, output: Output, ledger: Ledger | None, first: int) -> None:
    before = output.frames
    try:
        output.write(block)
    finally:
        if ledger is not None:
            ledger.wrote(first, output.frames - before)


@contextmanager
def _lost_while(doing: str) -> Iterator[None]:
    """Say what ``arecord`` says of a device that is not there, or that somebody else has open."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENODEV, errno.EBUSY}:
            raise
        raise DeviceLost(f"{doing}: {error.strerror}") from error


def _open(path: str | None) -> int:
    if path is None:
        return sys.stdout.fileno()
    if Path(path).is_file():  # as arecord does: readers of an old file keep it
        Path(path).unlink()
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)


def _ledger(arguments: Arguments) -> Ledger | None:
    path, folder = arguments.ledger, os.environ.get("RAKKR_TONE_LEDGER")
    if path is None and folder:
        path = str(Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}.ledger")
    if path is None:
        return None
    about = {
        "device": arguments.device,
        "format": arguments.sample.name,
        "rate": arguments.rate,
        "channels": arguments.channels,
        "pid": os.getpid(),
    }
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return Ledger(os.open(path, flags, 0o644), about)


def _pace(arguments: Arguments) -> Pace:
    epoch, now = epoch_of(arguments.device), time.monotonic()
    if epoch is None:
        return Played(arguments.rate * arguments.speed, now)
    buffer = round(arguments.buffer_seconds * arguments.rate)
    return Card.opened(arguments.rate, epoch, buffer, now)


def _run(argv: list[str]) -> None:
    arguments = parse(argv)
    shape = arguments.sample, arguments.rate, arguments.channels
    source = open_source(arguments.device, *shape)
    where = os.environ.get("RAKKR_TONE_PLUG")
    plug = Plug(Path(where) if where else None)
    with _lost_while("audio open error"):
        plug.open(arguments.device)
    output = Output(
        _open(arguments.path),
        wav=arguments.wav,
        sample=arguments.sample,
        rate=arguments.rate,
        channels=arguments.channels,
    )
    try:
        output.begin(arguments.frames)
        deliver(source, output, arguments, _pace(arguments), plug, _ledger(arguments))
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
    except DeviceLost as error:
        sys.exit(f"rakkr-tone: {error}")
    except CannotHold as error:
        sys.exit(f"rakkr-tone: {error}: use -t raw")
    except OSError as error:
        what = f" {error.filename}" if error.filename else ""
        sys.exit(f"rakkr-tone: write error{what}: {error.strerror}")
    sys.exit(0)
