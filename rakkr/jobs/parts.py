"""
The files that a recording is delivered as: one, or chunks that are exact ranges of its frames.

A controller's chunk has a 0-based number, and the last one carries how many there are (http-api
7.5).  So no chunk may be sent before it is known whether another one follows.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

from rakkr.jobs.naming import safe_file_name, stem_of
from rakkr.render.plan import RenderPlan

LARGEST_UPLOAD_BYTES: Final = (1 << 31) - 1
"""A controller cannot hash more in one piece (http-api 7.3)."""
LONGEST_UPLOAD_SECONDS: Final = 240.0
"""A controller cuts a request off after 300 s (http-api 1); the rest is for its answer."""
_FLAC_SHARE: Final = 1.02  # of the samples' size, for noise that cannot be compressed
_MARGIN: Final = 0.9


@attrs.frozen
class Part:
    """
    One file of a recording.

    :ivar number: counted from 0.
    :ivar start: first frame, on the take's axis.
    :ivar end: the first frame behind it.
    :ivar chunk: its 0-based number for the controller, None for a whole recording.
    :ivar chunk_total: how many there are, with the last one alone.
    """

    number: int
    start: int
    end: int
    chunk: int | None = None
    chunk_total: int | None = None

    @property
    def frames(self) -> int:
        """Its length."""
        return self.end - self.start


def ready_part(
    number: int, first: int, chunk_frames: int, reached: int, *, ended: bool
) -> Part | None:
    """
    The chunk of that number, once it can be sent.

    :param first: where it begins, which is where the one before it ended.
    :param reached: up to which frame the recording is settled.
    :param ended: whether nothing follows behind ``reached``.
    """
    behind = first + chunk_frames
    if reached > behind:
        return Part(number, first, behind, number)
    if not ended or reached <= first:
        return None
    return Part(number, first, reached, number, number + 1)


def last_part(number: int, first: int, end: int, chunk_frames: int) -> Part:
    """
    The last chunk of a recording that is over.

    :param number: of the first one that is not delivered yet; it begins at ``first``.
    """
    more = max(0, -(-(end - first) // chunk_frames) - 1)
    last = number + more
    return Part(last, first + more * chunk_frames, end, last, last + 1)


def chunk_file_name(file_name: str, number: int) -> str:
    """``talk.flac`` becomes ``talk.chunk-0003.flac``; ``file_name`` is a controller's."""
    safe = safe_file_name(file_name)
    suffix = safe[len(stem_of(safe)) :]
    return f"{stem_of(safe)}.chunk-{number:04d}{suffix}"


def upload_seconds(size: int, bytes_per_second: float | None) -> float:
    """How long an upload takes at the rate that was measured; 0 where none was."""
    return size / bytes_per_second if bytes_per_second else 0.0


def too_large(size: int, bytes_per_second: float | None) -> str | None:
    """Say why a file cannot be uploaded in one piece, or None."""
    if size > LARGEST_UPLOAD_BYTES:
        return f"{size} bytes are more than the {LARGEST_UPLOAD_BYTES} that a controller takes"
    seconds = upload_seconds(size, bytes_per_second)
    if seconds > LONGEST_UPLOAD_SECONDS:
        return (
            f"{size} bytes would take {seconds:.0f} s at the measured rate, and a controller"
            " gives a request 300 s"
        )
    return None


def most_bytes(bytes_per_second: float | None, free_bytes: int | None = None) -> int:
    """
    How large a chunk may become.

    :param free_bytes: what the disk has for it; half of that, so that a second one fits.
    """
    limits = [LARGEST_UPLOAD_BYTES * _MARGIN]
    if bytes_per_second:
        limits.append(bytes_per_second * LONGEST_UPLOAD_SECONDS * _MARGIN)
    if free_bytes is not None:
        limits.append(free_bytes / 2)
    return max(1, int(min(limits)))


def chunk_frames_for(plan: RenderPlan, frame_bytes: int, rate: int, most: int) -> int:
    """
    How many frames a chunk may have so that its file stays below ``most`` bytes.

    Whole seconds where there is room for one, else what fits; at least a thousandth of a second.

    :param frame_bytes: of the rendered channels, at the captured width.
    """
    per_frame = (
        (plan.bitrate_kbps or 320) * 125 / rate
        if plan.codec == "mp3"
        else frame_bytes * (_FLAC_SHARE if plan.codec == "flac" else 1.0)
    )
    frames = math.floor(max(0, most - 4096) / per_frame)
    if frames >= rate:
        return frames - frames % rate
    return max(frames, rate // 1000, 1)
