"""
What the program can sound like.

``tone``: channel ``c`` (from 0) is a sine of ``base + 50 * c`` Hz with a peak of ``-6 - 0.5 * (c
modulo 32)`` dBFS, so that every channel can be told from every other in one second of audio.
Frequencies are whole Hz, hence a second of tone repeats without a seam; one that would not fit
below 0.45 of the rate starts again from the base.  ``speech``: harmonics of a voice of ``110 + 7 *
(c modulo 16)`` Hz shaped by three formants, in syllables and with pauses, over a little noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from rakkr.audio.pcm import SampleFormat
from rakkr.tone import numbered
from rakkr.tone.card import epoch_of
from rakkr.tone.coding import Waves, encode

TONE_HZ: Final = 440
STEP_HZ: Final = 50
BLOCKS_PER_SECOND: Final = 20
_CACHE_BYTES: Final = 64 << 20
_SPEECH_SECONDS: Final = 4
_PAUSE_SECONDS: Final = (2.5, 3.25)
# Frequency, width (Hz) and strength of the formants of an open vowel.
_FORMANTS: Final = ((700.0, 130.0, 1.0), (1220.0, 170.0, 0.5), (2600.0, 250.0, 0.2))


class UnknownDevice(ValueError):
    """A device name that the program does not know; the message is for people."""


class Source(Protocol):
    """Makes interleaved samples."""

    def block(self, first: int, frames: int) -> bytes:
        """Make the samples of ``frames`` frames from the frame with the number ``first``."""


class Numbered:
    """Every frame carries its number: see :mod:`rakkr.tone.numbered`."""

    def __init__(self, sample: SampleFormat, channels: int) -> None:
        self._sample = sample
        self._channels = channels

    def block(self, first: int, frames: int) -> bytes:
        """Number the frames."""
        return numbered.encode(first, frames, self._sample, self._channels)


class Sounding:
    """
    Codes waves, and keeps the blocks of those that repeat.

    :ivar waves: makes waves of shape (frames, channels) from frame numbers.
    :ivar period: frames after which the waves repeat, or None if they never do.
    """

    def __init__(
        self,
        waves: Callable[[int, int], Waves],
        sample: SampleFormat,
        period: int | None,
    ) -> None:
        self._waves = waves
        self._sample = sample
        self._period = period
        self._kept: dict[tuple[int, int], bytes] = {}
        self._kept_bytes = 0

    def block(self, first: int, frames: int) -> bytes:
        """Make a block, or remember it."""
        if self._period is None:
            return encode(self._waves(first, frames), self._sample)
        key = (first % self._period, frames)
        block = self._kept.get(key)
        if block is None:
            block = encode(self._waves(*key), self._sample)
            if self._kept_bytes < _CACHE_BYTES:
                self._kept[key] = block
                self._kept_bytes += len(block)
        return block


def open_source(device: str, sample: SampleFormat, rate: int, channels: int) -> Source:
    """
    Find the source that a device name means.

    :raises UnknownDevice: naming those that exist.
    """
    name, _, argument = device.partition(":")
    if name in {"default", "sysdefault", "hw", "plughw"}:
        name, argument = "tone", ""
    if name == "numbered" and (not argument or epoch_of(device) is not None):
        return Numbered(sample, channels)
    if name == "tone" and (not argument or argument.isdecimal()):
        base = int(argument or TONE_HZ)
        return Sounding(tone(base, rate, channels), sample, rate)
    if device == "silence":
        return Sounding(lambda _first, frames: np.zeros((frames, channels)), sample, 1)
    if device == "noise":
        return Sounding(noise(channels), sample, None)
    if device == "speech":
        return Sounding(speech(rate, channels), sample, rate * _SPEECH_SECONDS)
    raise UnknownDevice(
        f"Unknown PCM {device}: use tone, tone:HERTZ, silence, noise, speech, numbered,"
        " numbered:SECONDS or default"
    )


def tone_hertz(base: int, rate: int, channels: int) -> list[int]:
    """Say which frequency each channel of ``tone`` has."""
    room = max(1, int((0.45 * rate - base) // STEP_HZ) + 1)
    return [base + STEP_HZ * (channel % room) for channel in range(channels)]


def tone_peaks(channels: int) -> list[float]:
    """Say which peak, between 0 and 1, each channel of ``tone`` has."""
    return [float(10.0 ** ((-6.0 - 0.5 * (channel % 32)) / 20.0)) for channel in range(channels)]


def tone(base: int, rate: int, channels: int) -> Callable[[int, int], Waves]:
    """Make sines."""
    hertz = np.array(tone_hertz(base, rate, channels), dtype=np.int64)
    peaks = np.array(tone_peaks(channels))
    second = np.sin(2.0 * np.pi * np.arange(rate) / rate)

    def waves(first: int, frames: int) -> Waves:
        # Whole Hz: every phase is one of the ``rate`` values of a single sine, exactly.
        at = np.arange(first, first + frames, dtype=np.int64)
        phases: Waves = second[(at[:, None] * hertz) % rate]
        return peaks * phases

    return waves


def noise(channels: int) -> Callable[[int, int], Waves]:
    """Make white noise of -20 dBFS RMS, the same at every start, different in every channel."""

    def waves(first: int, frames: int) -> Waves:
        return np.random.default_rng(first).standard_normal((frames, channels)) * 0.1

    return waves


def speech(rate: int, channels: int) -> Callable[[int, int], Waves]:
    """Make something that a speech detector takes for a voice; it repeats after 4 seconds."""
    pitches = [110 + 7 * (channel % 16) for channel in range(channels)]

    def waves(first: int, frames: int) -> Waves:
        seconds = np.arange(first, first + frames) / rate
        syllables = np.sin(np.pi * 4.0 * seconds) ** 2
        begin, end = _PAUSE_SECONDS
        sentence = seconds % _SPEECH_SECONDS
        envelope = syllables * ((sentence < begin) | (sentence >= end))
        voices = {pitch: _voice(pitch, seconds, rate) for pitch in set(pitches)}
        loud = np.stack([voices[pitch] for pitch in pitches], axis=1)
        hiss = np.random.default_rng(first).standard_normal((frames, channels)) * 0.001
        return 0.25 * envelope[:, None] * loud + hiss

    return waves


def _voice(pitch: int, seconds: Waves, rate: int) -> Waves:
    wave = np.zeros(len(seconds))
    for hertz in range(pitch, min(4000, int(0.45 * rate)), pitch):
        strength = sum(
            weight / (1.0 + ((hertz - centre) / width) ** 2) for centre, width, weight in _FORMANTS
        )
        wave += strength * np.sin(2.0 * np.pi * hertz * seconds)
    return wave / 2.0
