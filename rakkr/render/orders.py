"""What the feeder is told, and how it is called."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from rakkr.audio.pcm import SampleFormat
from rakkr.audio.strip import Piece, Strip

FEED: Final = Path(__file__).with_name("feed.py")
"""The program that feeds ffmpeg; it stands alone."""

_MIDDLE_OF_8_BITS: Final = 0x80


def feeder(python: str) -> tuple[str, ...]:
    """Return the command of the feeder for an interpreter: isolated, and without site packages."""
    return (python, "-I", "-S", str(FEED))


def silent_sample(source: SampleFormat) -> bytes:
    """Return a sample at rest; an unsigned one rests in the middle of its range."""
    if source.kind != "unsigned":
        return bytes(source.container_bytes)
    assert source.container_bytes == 1, "wider unsigned samples do not exist here"
    return bytes([_MIDDLE_OF_8_BITS])


def feed_orders(strip: Strip) -> bytes:
    """Return the feeder's orders for a strip, as :mod:`rakkr.render.feed` reads them."""
    pieces = [_piece(piece, strip.frame_bytes) for piece in strip.pieces]
    return json.dumps({"silence": silent_sample(strip.format).hex(), "pieces": pieces}).encode()


def _piece(piece: Piece, frame_bytes: int) -> dict[str, Any]:
    size = {"bytes": piece.frames * frame_bytes}
    if piece.audio is None:
        return size
    return {
        "path": os.fsencode(piece.audio.path).decode("latin-1"),
        "offset": piece.audio.data_offset + piece.start * frame_bytes,
        **size,
    }
