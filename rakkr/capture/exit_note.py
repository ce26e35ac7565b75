"""How a capture program ended, in the words of its shim; see :mod:`rakkr.capture.shim`."""

from __future__ import annotations

import json
import math
from pathlib import Path

import attrs


@attrs.frozen
class ExitNote:
    """
    The end of a program.

    :ivar code: its exit code, None when a signal ended it.
    :ivar signal: the number of that signal.
    :ivar ended_at: when, in seconds of the monotonic clock.
    :ivar leashed: whether its leash ended it.
    """

    code: int | None
    signal: int | None
    ended_at: float
    leashed: bool = False


def read_note(path: Path) -> ExitNote | None:
    """Read what the shim wrote; None when there is nothing that can be understood."""
    try:
        return _parse(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def _parse(found: object) -> ExitNote | None:
    if not isinstance(found, dict):
        return None
    code, signal, ended_at = (found.get(each) for each in ("code", "signal", "endedAt"))
    if not (_is_number(code) or _is_number(signal)) or isinstance(ended_at, bool):
        return None
    if not isinstance(ended_at, int | float) or not math.isfinite(ended_at):
        return None
    return ExitNote(
        code if _is_number(code) else None,
        signal if _is_number(signal) else None,
        float(ended_at),
        found.get("leash") is True,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
