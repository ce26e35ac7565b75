"""CPU of a meter for one second of audio."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
BLOCK = 4800
ROUNDS = 5


class Meter(Protocol):
    """What takes blocks."""

    def block(self, block: NDArray[np.float32], /) -> object:
        """Take (frames, channels)."""


def talk(channels: int, seconds: float = 2.0) -> NDArray[np.float32]:
    """Make sound that is as lively as speech, and different on each channel."""
    frames = round(seconds * RATE)
    noise = np.random.default_rng(1).standard_normal((frames, channels)) * 0.1
    syllables = np.sin(np.pi * 4.0 * np.arange(frames)[:, None] / RATE + np.arange(channels)) ** 4
    return np.asarray(noise * syllables, dtype=np.float32)


def ms_per_second(
    make: Callable[[int, int], Meter], sound: NDArray[np.float32], rounds: int = ROUNDS
) -> float:
    """Measure the process CPU in milliseconds for one second of audio, the median of rounds."""
    meter = make(RATE, sound.shape[1])
    blocks = [sound[first : first + BLOCK] for first in range(0, len(sound), BLOCK)]
    costs = []
    for _ in range(rounds + 1):
        before = time.process_time()
        for block in blocks:
            meter.block(block)
        costs.append(time.process_time() - before)
    return float(np.median(costs[1:])) * 1000.0 * RATE / len(sound)  # the first warms up
