"""Whether another agent runs on this machine, which may need any device at any moment."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final

from rakkr.process_identity import PROC

_PROGRAMS: Final = frozenset({"rakkr-recorder", "rakkr-recorder-agent"})
_HARMLESS: Final = frozenset({"--print-inventory"})
"""Whoever was started with one of these opens no device that is in use, and records nothing."""


def another_agent(proc: Path = PROC, own: int | None = None) -> bool:
    """
    Whether another process is an agent, or that cannot be known.

    Where the processes of others are hidden, there may be one.  Blocks: it looks at every process.

    :param own: the number of the process that asks; by default this one's.
    """
    own = os.getpid() if own is None else own
    try:
        everybody = [each for each in proc.iterdir() if each.name.isdecimal()]
    except OSError:
        return True
    if not any(each.name == "1" for each in everybody):
        return True
    return any(_is_agent(each) for each in everybody if int(each.name) != own)


def _is_agent(process: Path) -> bool:
    try:
        text = (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:  # it is gone
        return False
    words = text.split("\0")
    return any(PurePath(word).name in _PROGRAMS for word in words) and not _HARMLESS & set(words)
