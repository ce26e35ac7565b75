"""
A capture program whose card is years ahead: ``fast_source.py FORMAT RATE CHANNELS FRAMES``.

It writes numbered frames to stdout as fast as it can until there are so many, and then as fast as a
sound card does, until somebody ends it.  So a recording of hours is there in seconds, byte by byte.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

import numpy as np

from tests.integration.python_program import python_program

_BLOCK_BYTES = 8 << 20
_SLOWLY_SECONDS = 0.05


def block(first: int, frames: int, channels: int) -> bytes:
    """
    Number frames of S32_LE, as :mod:`rakkr.tone.numbered` says.

    Two channels carry the low and the high half of a number, so they are one integer of 64 bits.
    """
    numbers = np.arange(first, first + frames, dtype="<i8")
    return np.repeat(numbers, channels // 2).tobytes()


def main() -> None:
    """Write until killed."""
    name, rate, channels, fast = sys.argv[1], *map(int, sys.argv[2:])
    if name != "S32_LE" or channels % 2:
        sys.exit(f"fast_source: cannot number {channels} channels of {name}")
    at, step = 0, _BLOCK_BYTES // (4 * channels)
    while True:
        slowly = at >= fast
        frames = round(rate * _SLOWLY_SECONDS) if slowly else min(step, fast - at)
        left = memoryview(block(at, frames, channels))
        while left:
            left = left[os.write(1, left) :]
        at += frames
        if slowly:
            time.sleep(_SLOWLY_SECONDS)


def fast_source(directory: Path) -> Path:
    """Write it as an executable file, and return its path."""
    return python_program(directory / "fast-source", "tests.integration.fast_source")


if __name__ == "__main__":
    main()
