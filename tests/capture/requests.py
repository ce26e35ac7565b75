"""A request for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from rakkr.audio.pcm import sample_format
from rakkr.capture.request import CaptureRequest

_REQUEST = CaptureRequest(
    backend="alsa",
    command="arecord",
    args_template=None,
    device="hw:0",
    format=sample_format("S16_LE"),
    rate=8000,
    channels=2,
    seconds=10,
    path=Path("/nowhere/take.raw.wav"),
)


def request(**changes: Any) -> CaptureRequest:
    """Ask for ten seconds of stereo from ``hw:0``, with changes."""
    return attrs.evolve(_REQUEST, **changes)
