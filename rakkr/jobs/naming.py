"""Names of the files that a recording makes on this node."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_OUTSIDE_NAME = re.compile(r"[^A-Za-z0-9._-]")
_OUTSIDE_STEM = re.compile(r"[^A-Za-z0-9_-]")
_SEPARATORS = re.compile(r"[/\\]")
_LONGEST = 200  # a name may be 255 bytes; ours get suffixes


def safe_file_name(wished: str) -> str:
    """
    A file name that stays inside its directory, from a name that the controller chose.

    Only the last path component counts; characters other than ASCII letters, digits, ``.``, ``_``
    and ``-`` become ``_``; dots at either end go; nothing left gives ``recording.wav``.
    """
    last = _SEPARATORS.split(wished)[-1]
    return _OUTSIDE_NAME.sub("_", last)[-_LONGEST:].strip(".") or "recording.wav"


def safe_stem(wished: str) -> str:
    """The same for a name without extension, as the direct capture mode needs it."""
    return _OUTSIDE_STEM.sub("_", wished)[-_LONGEST:] or "recording"


def direct_capture_name(recording_id: str, codec: str) -> str:
    """The name that a one-shot capture gives its file when none was asked for."""
    return f"rakkr-capture-{safe_stem(recording_id)}.{codec}"


def stem_of(file_name: str) -> str:
    """A file name without its last extension."""
    return PurePosixPath(file_name).stem
