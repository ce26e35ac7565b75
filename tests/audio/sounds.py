"""Sounds that are not speech, made of nothing but numbers; each is mono, float32, -20 dBFS RMS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
LEVEL_DB = -20.0


def at_level(wave: NDArray[np.floating], decibels: float = LEVEL_DB) -> Wave:
    """Bring a wave to an RMS level in dBFS; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    gain = 10.0 ** (decibels / 20.0) / rms if rms else 0.0
    return np.asarray(wave * gain, dtype=np.float32)


def _times(rate: int, seconds: float) -> NDArray[np.float64]:
    return np.arange(round(rate * seconds)) / rate


def white(rate: int, seconds: float, seed: int = 1) -> Wave:
    """Make white noise."""
    return at_level(np.random.default_rng(seed).standard_normal(round(rate * seconds)))


def _shaped(rate: int, seconds: float, seed: int, power: float, least: float = 20.0) -> Wave:
    """Make noise that falls by ``power`` times 6 dB in an octave."""
    frames = round(rate * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    hertz = np.fft.rfftfreq(frames, 1.0 / rate)
    spectrum *= np.where(hertz < least, 0.0, 1.0) / np.maximum(hertz, least) ** power
    return at_level(np.fft.irfft(spectrum, frames))


def pink(rate: int, seconds: float, seed: int = 2) -> Wave:
    """Make pink noise."""
    return _shaped(rate, seconds, seed, 0.5)


def room(rate: int, seconds: float, seed: int = 3) -> Wave:
    """Make what an empty room sounds like: brown noise of a fan and a little hum, -55 dBFS."""
    hum = _harmonics(_times(rate, seconds) * 50.0, (1.0, 0.5, 0.3))
    return at_level(_shaped(rate, seconds, seed, 1.0) + 0.1 * at_level(hum), -55.0)


def silence(rate: int, seconds: float) -> Wave:
    """Make digital silence."""
    return np.zeros(round(rate * seconds), dtype=np.float32)


def tone(rate: int, seconds: float, hertz: float) -> Wave:
    """Make a sine."""
    return at_level(np.sin(2.0 * np.pi * hertz * _times(rate, seconds)))


def _harmonics(cycles: NDArray[np.float64], strengths: tuple[float, ...]) -> NDArray[np.float64]:
    """Sum a fundamental, whose phase in cycles is given, and its harmonics."""
    wave = np.zeros(len(cycles))
    for number, strength in enumerate(strengths, 1):
        wave += strength * np.sin(2.0 * np.pi * number * cycles)
    return wave


def hum(rate: int, seconds: float, hertz: float) -> Wave:
    """Make the hum of the mains with its harmonics."""
    return at_level(_harmonics(_times(rate, seconds) * hertz, (1.0, 0.5, 0.6, 0.2, 0.3, 0.1, 0.15)))


def chords(rate: int, seconds: float) -> Wave:
    """Make a piano's four chords, one each half a second, which decay."""
    times = _times(rate, seconds)
    wave = np.zeros(len(times))
    roots = (220.0, 174.6, 261.6, 196.0)
    for start in np.arange(0.0, seconds, 0.5):
        since = times - start
        struck = np.where(since >= 0, np.exp(-3.0 * np.maximum(since, 0.0)), 0.0)
        struck *= np.minimum(1.0, np.maximum(since, 0.0) / 0.005)
        root = roots[int(start / 0.5) % 4]
        for ratio in (0.5, 1.0, 1.26, 1.5, 2.0):
            wave += struck * _harmonics(since * root * ratio, (1.0, 0.5, 0.25, 0.12, 0.06))
    return at_level(wave)


def melody(rate: int, seconds: float, lowest: float = 196.0) -> Wave:
    """Make a bowed string's melody with a vibrato of 5.5 Hz, three notes a second."""
    times = _times(rate, seconds)
    steps = np.array([0, 4, 7, 5, 9, 7, 12, 11, 7, 4, 2, 5])
    note = (times * 3.0).astype(np.int64)
    hertz = lowest * 2.0 ** (steps[note % len(steps)] / 12.0)
    hertz *= 1.0 + 0.008 * np.sin(2.0 * np.pi * 5.5 * times)
    within = (times * 3.0) % 1.0
    bow = np.minimum(1.0, within / 0.15) * np.minimum(1.0, (1.0 - within) / 0.1)
    strengths = tuple(1.0 / number for number in range(1, 13))
    return at_level(bow * _harmonics(np.cumsum(hertz) / rate, strengths))


def drums(rate: int, seconds: float, seed: int = 4) -> Wave:
    """Make a drum kit at 120 beats a minute: kick, snare and hi-hat."""
    times, random = _times(rate, seconds), np.random.default_rng(seed)
    hiss = random.standard_normal(len(times))
    beat = times % 1.0
    kick = np.exp(-18.0 * beat) * np.sin(2.0 * np.pi * (50.0 * beat - 4.0 * np.exp(-30.0 * beat)))
    off = (times + 0.5) % 1.0
    snare = np.exp(-20.0 * off) * (0.6 * hiss + 0.5 * np.sin(2.0 * np.pi * 190.0 * off))
    hat = np.exp(-60.0 * (times % 0.25)) * np.diff(hiss, prepend=0.0) * 0.2
    return at_level(kick + 0.7 * snare + hat)


def applause(rate: int, seconds: float, seed: int = 5) -> Wave:
    """Make many hands: bursts of noise, 80 in a second, each with a colour of its own."""
    random = np.random.default_rng(seed)
    wave = np.zeros(round(rate * seconds))
    length = round(0.03 * rate)
    decay = np.exp(-np.arange(length) / (0.006 * rate))
    for start in random.integers(0, max(1, len(wave) - length), int(80 * seconds)):
        ring = np.cos(2.0 * np.pi * random.uniform(700.0, 1800.0) * np.arange(length) / rate)
        clap = random.standard_normal(length) * (0.4 + ring) * decay
        wave[start : start + length] += random.uniform(0.2, 1.0) * clap
    return at_level(wave)


def bass(rate: int, seconds: float) -> Wave:
    """Make the low notes of a bass guitar, two a second."""
    times = _times(rate, seconds)
    hertz = np.array([41.2, 55.0, 49.0, 61.7])[(times * 2.0).astype(np.int64) % 4]
    decay = np.exp(-3.0 * (times % 0.5))
    return at_level(decay * _harmonics(np.cumsum(hertz) / rate, (1.0, 0.7, 0.4, 0.2, 0.1)))


Maker = Callable[[int, float], Wave]

NOT_SPEECH: dict[str, Maker] = {
    "digital silence": silence,
    "room tone": room,
    "white noise": white,
    "pink noise": pink,
    "hum 50 Hz": lambda rate, seconds: hum(rate, seconds, 50.0),
    "hum 60 Hz": lambda rate, seconds: hum(rate, seconds, 60.0),
    "tone 230 Hz": lambda rate, seconds: tone(rate, seconds, 230.0),
    "tone 1000 Hz": lambda rate, seconds: tone(rate, seconds, 1000.0),
    "chords": chords,
    "melody, vibrato": melody,
    "bass": bass,
    "drums": drums,
    "applause": applause,
}
