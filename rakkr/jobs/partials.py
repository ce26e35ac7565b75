"""Files that were half made when an agent was killed; what they were made of makes them again."""

from __future__ import annotations

from pathlib import Path

_ENDING = ".part"


def remove_partial(directory: Path) -> None:
    """
    Remove them, and the empty files that reserved their names; see :mod:`rakkr.render.runner`.

    Blocks.  Nobody may be rendering.

    :raises OSError: when one cannot be removed.
    """
    for partial in sorted(directory.glob(f".*{_ENDING}")):
        reserved = directory / partial.name[1 : -len(_ENDING)]
        if reserved.is_file() and reserved.stat().st_size == 0:
            reserved.unlink()
        partial.unlink()
