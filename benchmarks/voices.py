"""How often voice activity libraries are right, on speech and on what is not speech."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import attrs
import numpy as np

from benchmarks.detectors import Detector, Wave, detectors
from rakkr.audio.voice_network import RATE
from tests.audio.sounds import NOT_SPEECH, at_level, pink, white
from tests.integration.spoken import VOICES, audible, plucked, spoken

SECONDS = 8.0
_GRID = 160  # 10 ms


@attrs.frozen
class Material:
    """A sound, and where in it somebody speaks (every 10 ms), None for nowhere."""

    name: str
    wave: Wave
    truth: np.ndarray[Any, np.dtype[np.bool_]] | None = None


def materials() -> Iterator[Material]:
    """Make all sounds; needs espeak-ng and sox."""
    for name, make in NOT_SPEECH.items():
        yield Material(name, make(RATE, SECONDS))
    yield Material("plucked strings", plucked(RATE, SECONDS))
    said = [spoken(voice, RATE) for voice in VOICES]
    for voice, wave in zip(VOICES, said, strict=True):
        yield Material(f"speech {voice.name}", wave, audible(wave, RATE, _GRID))
    every = np.concatenate(said)
    truth = audible(every, RATE, _GRID)
    for level in (-30, -37, -45):
        yield Material(f"all voices at {level} dBFS", at_level(every, level), truth)
    for colour, make_noise in (("white", white), ("pink", pink)):
        noise = make_noise(RATE, len(every) / RATE)[: len(every)]
        for ratio in (20, 10, 5):
            noisy = every + at_level(noise, -20.0 - ratio)
            yield Material(f"all voices, {colour} noise, {ratio} dB", noisy, truth)


def run() -> dict[str, Any]:
    """
    Judge everything that is installed.

    :returns: for each detector and material the share of 10 ms pieces that were called speech: all
        of them where nobody speaks, else where somebody speaks and where nobody does; and
        ``cpu_ms_per_s``, the CPU for one second of one channel.
    """
    sounds = list(materials())
    table: dict[str, Any] = {}
    for name, make in detectors():
        costs, rates = [], {}
        for sound in sounds:
            before = time.process_time()
            called = _called(*make(), sound.wave)
            costs.append(1000.0 * (time.process_time() - before) * RATE / len(sound.wave))
            if sound.truth is None:
                rates[sound.name] = [round(float(called.mean()), 2)]
                continue
            length = min(len(called), len(sound.truth))
            truth, called = sound.truth[:length], called[:length]
            rates[sound.name] = [round(float(called[each].mean()), 2) for each in (truth, ~truth)]
        table[name] = {"cpu_ms_per_s": round(median(costs), 2), "called_speech": rates}
    return table


def _called(hop: int, detector: Detector, wave: Wave) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Hear a wave; say for each 10 ms whether it was called speech."""
    said, last = [], 0.0
    for first in range(0, len(wave) - hop + 1, hop):
        heard = detector(wave[first : first + hop])
        last = heard if heard >= 0.0 else last
        said.append(last)
    each_sample = np.repeat(np.array(said) > 0.5, hop)
    return each_sample[::_GRID][: len(each_sample) // _GRID]
