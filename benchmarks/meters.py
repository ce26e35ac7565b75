"""Levels, quality and correlation of a second of audio: against plain C, and against ffmpeg."""

from __future__ import annotations

import ctypes
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rakkr.audio.blocks import Decoder
from rakkr.audio.correlation import peers
from rakkr.audio.meter import Meter
from rakkr.audio.pcm import sample_format

RATE = 48_000
WIDTHS = (32, 64)
ROUNDS = 7
_OUR_SECONDS = 10
_THEIR_SECONDS = 5
_FFMPEG_SECONDS = 11


def run() -> dict[str, Any]:
    """
    Measure CPU time for the same second of S32_LE, in rounds that take turns; medians.

    Ours is all that the agent does but voice activity: decoding, levels, runs, quality, and the
    peer of each channel, with a frame in each second.  The peer in C computes peak, RMS, crossings
    and correlation; that in ffmpeg is ``astats``, without what starting it costs.

    :returns: by the number of channels: ``vs_c``, ``vs_astats`` (ours by theirs, less is better),
        and the milliseconds of each for a second of audio.
    """
    with tempfile.TemporaryDirectory() as directory:
        library = _compiled(Path(directory))
        return {str(width): _compared(width, library, Path(directory)) for width in WIDTHS}


def _compiled(directory: Path) -> ctypes.CDLL:
    library = directory / "meters.so"
    source = Path(__file__).with_name("meters.c")
    subprocess.run(["cc", "-O3", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    return ctypes.CDLL(str(library))


def _compared(channels: int, library: ctypes.CDLL, directory: Path) -> dict[str, float]:
    second = _second(channels)
    short, long = directory / "short.raw", directory / "long.raw"
    short.write_bytes(second)
    long.write_bytes(second * _FFMPEG_SECONDS)
    sides: dict[str, Callable[[], float]] = {
        "ours": _ours(second, channels),
        "c": _c(second, channels, library),
        "astats": lambda: (
            (_ffmpeg(long, channels) - _ffmpeg(short, channels)) / (_FFMPEG_SECONDS - 1)
        ),
    }
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            seen[name].append(side())
    middle = {name: statistics.median(values) for name, values in seen.items()}
    return {
        "vs_c": round(middle["ours"] / middle["c"], 3),
        "vs_astats": round(middle["ours"] / middle["astats"], 3),
        **{f"{name}_ms": round(value * 1000, 2) for name, value in middle.items()},
    }


def _second(channels: int) -> bytes:
    """Make a second in which channels share some of their noise, as in a room."""
    random = np.random.default_rng(channels)
    waves = random.standard_normal((RATE, channels)) + random.standard_normal((RATE, 1))
    return np.rint(waves * 0.05 * 2**31).clip(-(2**31), 2**31 - 1).astype("<i4").tobytes()


def _ours(second: bytes, channels: int) -> Callable[[], float]:
    decoder, meter = Decoder(sample_format("S32_LE"), channels), Meter(RATE, channels)

    def side() -> float:
        began = time.process_time()
        for _ in range(_OUR_SECONDS):
            for block in decoder.blocks(second):
                meter.block(block)
            peers(meter.frame().stretch)
        return (time.process_time() - began) / _OUR_SECONDS

    return side


def _c(second: bytes, channels: int, library: ctypes.CDLL) -> Callable[[], float]:
    def side() -> float:
        results = [(ctypes.c_double * channels)() for _ in range(3)]
        crossings, products = (
            (ctypes.c_long * channels)(),
            (ctypes.c_double * (channels * channels))(),
        )
        began = time.process_time()
        for _ in range(_THEIR_SECONDS):
            library.meter(second, ctypes.c_long(RATE), channels, *results, crossings, products)
        return (time.process_time() - began) / _THEIR_SECONDS

    return side


def _ffmpeg(file: Path, channels: int) -> float:
    """Return the CPU seconds of a whole run."""
    source = ["-f", "s32le", "-ar", str(RATE), "-ac", str(channels), "-i", str(file)]
    command = ["ffmpeg", "-v", "error", "-nostdin", *source, "-af", "astats", "-f", "null", "-"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _pid, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return used.ru_utime + used.ru_stime
