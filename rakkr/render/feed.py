"""
A program that strings captured files and silence together for ffmpeg.

It stands alone: standard library only, run as ``python -I -S feed.py``.  Its orders come as JSON
on stdin, the bytes go to stdout.  ``{"silence": HEX, "pieces": [{"path": P, "offset": O, "bytes":
N}, {"bytes": N}]}``: the silence is a sample, a piece without a path is made of it, and a path is
its bytes read as Latin-1, whatever the locale.  It ends with 0, with 1 and a sentence on stderr
when a file cannot be read to the end of its piece, and with 32 when nobody reads any more.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

BLOCK_BYTES = 1 << 20
FAILED = 1
NOBODY_READS = 32  # the number of EPIPE; 2 is what an interpreter without its script ends with
_STDOUT = 1


class Short(Exception):
    """A file ends before its piece does; the message says where."""


def feed(orders: dict[str, Any], out: int) -> None:
    """
    Write all pieces to a descriptor.

    :raises Short: for a file that ends too early.
    :raises OSError: for one that cannot be read, and when nobody reads what is written.
    """
    sample = bytes.fromhex(orders["silence"])
    # Whole samples only, so that every block but the last is one.
    silence = sample * (BLOCK_BYTES // len(sample))
    for piece in orders["pieces"]:
        if "path" in piece:
            _copy(piece["path"].encode("latin-1"), piece["offset"], piece["bytes"], out)
        else:
            _repeat(silence, piece["bytes"], out)


def _copy(path: bytes, offset: int, length: int, out: int) -> None:
    buffer = memoryview(bytearray(BLOCK_BYTES))
    left = length
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path that may be no text
        file.seek(offset)
        while left:
            got = file.readinto(buffer[: min(left, BLOCK_BYTES)])
            if not got:
                raise Short(f"{os.fsdecode(path)} ends {left} bytes before its piece does")
            _write(buffer[:got], out)
            left -= got


def _repeat(silence: bytes, length: int, out: int) -> None:
    block = memoryview(silence)
    while length:
        some = block[: min(length, len(block))]
        _write(some, out)
        length -= len(some)


def _write(block: memoryview, out: int) -> None:
    while block:
        block = block[os.write(out, block) :]


def main() -> NoReturn:
    """Run the program; the exit code tells how it ended."""
    try:
        feed(json.load(sys.stdin.buffer), _STDOUT)
    except BrokenPipeError:
        sys.exit(NOBODY_READS)
    except Short as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(FAILED)
    except OSError as error:
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        sys.stderr.write(f"{name}{error.strerror or error}\n")
        sys.exit(FAILED)
    sys.exit(0)


if __name__ == "__main__":
    main()
