"""What a recording really holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from twisted.internet import reactor

from rakkr.process import Ladder, run
from rakkr.render.binary import find_renderer

Samples = np.ndarray[Any, np.dtype[np.float32]]


async def decode(path: Path, environ: dict[str, str], channels: int = 2) -> Samples:
    """The samples of a file as ffmpeg decodes them: shape (frames, channels), full scale 1.0."""
    ffmpeg = find_renderer("ffmpeg", environ["PATH"]).command
    argv = [ffmpeg, "-nostdin", "-v", "error", "-i", str(path), "-f", "f32le", "-"]
    ran = await run(reactor, reactor, argv, env=environ, ladder=Ladder(limit=60.0), most=1 << 28)
    assert ran.exit.ok, ran.stderr
    return np.frombuffer(ran.stdout, "<f4").reshape(-1, channels)


def loudest_hertz(samples: Samples, rate: int = 48_000) -> float:
    """The frequency of the strongest line of a one-channel signal."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)
