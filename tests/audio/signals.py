"""Signals for meters; all of shape (frames, 1) unless said otherwise, full scale 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rakkr.audio.blocks import Block

RATE = 48_000


def column(values: np.ndarray) -> Block:
    """Make a block of one channel."""
    return np.ascontiguousarray(values, np.float32).reshape(-1, 1)


def tone(hertz: float, seconds: float, level: float = 0.3, rate: int = RATE) -> Block:
    """A sine that begins at zero."""
    turns = np.arange(round(seconds * rate)) * (hertz / rate)
    return column(level * np.sin(2 * np.pi * turns))


def tones(hertz: Sequence[float], seconds: float, level: float = 0.1, rate: int = RATE) -> Block:
    """Several sines of one level."""
    return np.sum([tone(each, seconds, level, rate) for each in hertz], axis=0, dtype=np.float32)


def noise(seconds: float, level: float = 0.1, seed: int = 1, rate: int = RATE) -> Block:
    """White noise of an RMS."""
    return column(np.random.default_rng(seed).standard_normal(round(seconds * rate)) * level)


def coloured(seconds: float, power_of_frequency: float, level: float = 0.1) -> Block:
    """Noise whose power falls with a power of the frequency: 1 is pink, 2 is brown."""
    spectrum = np.fft.rfft(noise(seconds)[:, 0])
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** (power_of_frequency / 2)
    waves = np.fft.irfft(spectrum)
    return column(waves * (level / waves.std()))


def alternating(seconds: float, level: float = 10_000 / 32_768, rate: int = RATE) -> Block:
    """One value and its negative, in turns."""
    return column(np.where(np.arange(round(seconds * rate)) % 2, -level, level))


def clicks(seconds: float, per_second: int, level: float = 0.5) -> Block:
    """Single samples that stand out of a very low noise."""
    block = noise(seconds, 1e-4)
    places = np.random.default_rng(2).integers(0, len(block), round(seconds * per_second))
    block[places] = level
    return block
