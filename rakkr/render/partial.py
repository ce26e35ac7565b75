"""The file that a render writes until it is whole, and what a killed agent left of one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ENDING: Final = ".part"


def partial_name(target: Path) -> Path:
    """Where a render writes, beside its target; a name that is taken gets a number."""
    return target.with_name(f".{target.name}{_ENDING}")


def remove_partial(directory: Path) -> None:
    """
    Remove what was half made, and the empty files that reserved its names.

    What it was made of makes it again.  Blocks; nobody may be rendering into the directory.

    :raises OSError: when a file cannot be removed.
    """
    for partial in sorted(directory.glob(f".*{_ENDING}")):
        reserved = directory / partial.name[1 : -len(_ENDING)]
        if reserved.is_file() and reserved.stat().st_size == 0:
            reserved.unlink()
        partial.unlink()
