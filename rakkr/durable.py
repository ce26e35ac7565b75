"""Files that are either the old ones or the new ones, whatever dies in between."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: bytes | Iterable[bytes], *, mode: int = 0o644) -> None:
    """
    Replace a file by content that is already on the disk when the name changes hands.

    Missing parent directories are made.  Blocks for as long as the disk takes to sync.

    :param content: as a whole, or piece by piece where that would take much memory.
    :raises OSError: the old file is then still there, untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            os.fchmod(file.fileno(), mode)
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise
    sync_directory(path.parent)


def reserve(wished: Path) -> Path:
    """
    Take a name that no file has: the wished one, else ``<stem>.2<suffix>`` and so on.

    The name is taken by an empty file, so that whoever asks next gets another.

    :raises OSError: when the directory takes no file.
    """
    wished.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        name = wished.name if number == 1 else f"{wished.stem}.{number}{wished.suffix}"
        path = wished.with_name(name)
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # there is always a next number


def is_full(error: OSError) -> bool:
    """Whether a disk, or a quota, took no more."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def sync_directory(path: Path) -> None:
    """
    Make the names in a directory survive a power cut.

    :raises OSError: when the directory cannot be opened or synced.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
