"""What loudness and true peak cost for each channel, and what ffmpeg's ebur128 costs."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cpu import RATE, ms_per_second, talk
from rakkr.audio.loudness import LoudnessMeter
from rakkr.audio.true_peak import TruePeak

CHANNELS = (1, 2, 8, 32, 64)
_SECONDS = 60
_ROUNDS = 3


def run() -> dict[str, Any]:
    """
    Measure CPU for one second of 48 kHz audio.

    :returns: by number of channels ``loudness_ms_per_channel`` (momentary, short-term and
        integrated of each channel and the whole), ``true_peak_ms_per_channel`` on lively sound and
        ``true_peak_worst_ms_per_channel`` on noise without pause; ``vs_ffmpeg``, both for each of
        32 channels over ffmpeg's ebur128 with true peak for each of two (it takes no 32).
    """
    result: dict[str, Any] = {
        "loudness_ms_per_channel": {},
        "true_peak_ms_per_channel": {},
        "true_peak_worst_ms_per_channel": {},
    }
    for channels in CHANNELS:
        lively = talk(channels)
        steady = np.random.default_rng(2).standard_normal(lively.shape).astype(np.float32) * 0.1
        for name, make, sound in (
            ("loudness", LoudnessMeter, lively),
            ("true_peak", TruePeak, lively),
            ("true_peak_worst", TruePeak, steady),
        ):
            each = ms_per_second(make, sound) / channels
            result[f"{name}_ms_per_channel"][str(channels)] = round(each, 3)
    if shutil.which("ffmpeg"):
        theirs = _ffmpeg_ms() / 2
        ours = sum(result[f"{name}_ms_per_channel"]["32"] for name in ("loudness", "true_peak"))
        result["ffmpeg_ms_per_channel"] = round(theirs, 3)
        result["vs_ffmpeg"] = round(ours / theirs, 2)
    return result


def _ffmpeg_ms() -> float:
    """Measure stereo, less what the same run costs without the filter."""
    sound = np.tile(talk(2), (_SECONDS // 2, 1)).tobytes()

    def cpu(*filters: str) -> float:
        argv = ["ffmpeg", "-nostdin", "-loglevel", "quiet", "-threads", "1"]
        argv += ["-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "-", *filters]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*argv, "-f", "null", os.devnull], input=sound, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)

    measured = [cpu("-af", "ebur128=peak=true") for _ in range(_ROUNDS)]
    without = [cpu() for _ in range(_ROUNDS)]
    return (median(measured) - median(without)) * 1000.0 / _SECONDS
