"""
Invented levels and an invented tone: for demonstrations, when somebody chose them, and never else.

The formulas are those of the contract (metering.md, sections 4, 6 and 7.2).
"""

from __future__ import annotations

import math
import struct
from typing import Final

import numpy as np

from rakkr.meters.frame import SYNTHETIC_INTERFACE, ChannelLevels, MeterFrame, Quality

RATE: Final = 16_000
_TONE_HZ: Final = 440.0
_SPEECH_LIKE: Final = 0.55
_WAV_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")


def synthetic_frame(tick: int, channels: int, captured_at: float) -> MeterFrame:
    """
    Invent levels that move like those of people who talk.

    :param tick: how many frames were invented before.
    """
    levels = tuple(_channel(tick, index) for index in range(1, channels + 1))
    return MeterFrame(
        captured_at=captured_at,
        interface_id=SYNTHETIC_INTERFACE,
        levels=levels,
        frames=0,  # of samples that were measured
        rate=RATE,
    )


def synthetic_chunk(frame: MeterFrame, seconds: float) -> bytes:
    """
    Make a WAV file of a tone that is as loud as the loudest channel of an invented frame.

    Chunks of whole tenths of a second hold whole periods, so they join without a click.
    """
    loudest = max((each.peak_dbfs for each in frame.rounded().levels), default=-90.0)
    amplitude = min(max(10 ** (loudest / 20), 0.02), 0.25)
    moments = np.arange(max(1, round(seconds * RATE))) / RATE
    tone = np.sin(2 * np.pi * _TONE_HZ * moments) * amplitude * 32767
    samples = np.trunc(tone + np.copysign(0.5, tone)).astype("<i2").tobytes()
    return _wav_header(len(samples)) + samples


def _wav_header(size: int) -> bytes:
    """The canonical 44 bytes in front of 16-bit mono samples."""
    about = (b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size)
    return _WAV_HEADER.pack(b"RIFF", 36 + size, *about)


def _channel(tick: int, index: int) -> ChannelLevels:
    phase = tick / 3 + 0.72 * index
    sine, cosine = math.sin(phase), abs(math.cos(phase))
    rms = max(-42 + 12 * sine, -72)
    peak = min(rms + 14 + 4 * cosine, -3)
    crest = max(peak - rms, 0)
    return ChannelLevels(
        index=index,
        rms_dbfs=rms,
        peak_dbfs=peak,
        clipping=peak > -1,
        crest_factor_db=crest,
        zero_crossing_rate=0.08 + 0.08 * cosine,
        quality=_quality(_up(rms, -65, -35), sine, cosine, crest),
    )


def _quality(audible: float, sine: float, cosine: float, crest: float) -> Quality:
    speech = _clamp(audible * (0.62 + 0.18 * sine))
    noise = _clamp(audible * (1 - speech))
    hum = _clamp(0.12 * audible * cosine)
    static = _clamp(0.08 * audible * abs(sine))
    interference = max(noise, hum, static)
    clear = 30 * max(speech - interference, 0) + 6 * _up(crest, 6, 24)
    snr = min(max(audible * clear, 0), 80) if audible > 0 else 0
    dynamics = 0.5 + 0.35 * _up(snr, 6, 24) + 0.15 * _up(crest, 6, 18)
    return Quality(
        speech=speech,
        speech_like=speech >= _SPEECH_LIKE,
        noise=noise,
        hum=hum,
        static=static,
        broadband=_clamp(0.7 * noise),
        intelligibility=_clamp(audible * speech * dynamics * (1 - 0.55 * interference)),
        snr_db=snr,
    )


def _clamp(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _up(value: float, low: float, high: float) -> float:
    return _clamp((value - low) / (high - low))
