"""Space inside a file that is given back to the file system."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

# linux/falloc.h
_KEEP_SIZE: Final = 0x01
_PUNCH_HOLE: Final = 0x02
_CANNOT: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS})


def punch(path: Path, start: int, length: int) -> bool:
    """
    Give the space of a range of a file back; its size stays, and other bytes stay as they are.

    All of the range reads as zero afterwards.  Space comes back for the blocks of the file system
    that lie inside it; those at its ends, of which other bytes are kept, stay where they are.
    Blocks for as long as the file system takes.

    :param start: the first byte of the range.
    :param length: bytes, at least one; the range may go on behind the end of the file.
    :returns: whether this file system can do so; where it cannot, nothing has changed.
    :raises OSError: when the file cannot be opened for writing, or the range is none.
    """
    descriptor = os.open(path, os.O_WRONLY)
    try:
        while (number := _fallocate(descriptor, start, length)) == errno.EINTR:
            pass
    finally:
        os.close(descriptor)
    if number in _CANNOT:
        return False
    if number:
        raise OSError(number, os.strerror(number), str(path))
    return True


def _fallocate(descriptor: int, start: int, length: int) -> int:
    """Punch the hole; the number of the error, 0 for none."""
    library = ctypes.CDLL(None, use_errno=True)
    # glibc has 64-bit offsets under this name on every machine, musl under the other one alone.
    call = getattr(library, "fallocate64", None) or library.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    call.restype = ctypes.c_int
    done = call(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, length)
    return 0 if done == 0 else ctypes.get_errno()
