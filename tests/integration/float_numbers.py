"""Numbers that a source coded as floats, in what a sound server made of them."""

from __future__ import annotations

from rakkr.audio.pcm import SampleFormat
from rakkr.tone.coding import unpack


def as_floats(raw: bytes, sample: SampleFormat) -> bytes:
    """Undo what a sound server does to its floats, which have 24 bits, for integers of as many."""
    if sample.kind == "float":
        return raw
    half = 1 << (sample.bits - 1)
    words = unpack(raw, sample)
    return (((words & (2 * half - 1)) ^ half) / half - 1.0).astype("<f4").tobytes()
