"""What the header of a WAV file says wrongly, and what it should say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

import attrs

from rakkr.audio.wave import Container, NotWave, read_header

_MOST_32: Final = 0xFFFFFFFF
_RIFF_HEAD: Final = struct.Struct("<4sI4s")
_CHUNK_HEAD: Final = struct.Struct("<4sI")
_DS64: Final = struct.Struct("<QQQI")
# Sizes, padding, and peaks that nobody measured to the end: what a new header does without.
_DROPPED: Final = frozenset({b"ds64", b"JUNK", b"junk", b"PAD ", b"FLLR", b"PEAK"})
# More in front of the samples than any program writes there; it is kept in memory.
_LONGEST_HEADER: Final = 1 << 20
# What a program claims that does not know the length yet is about 2 GiB, or about 4 GiB.
_UNKNOWN_LENGTH: Final = 0x7FFF0000


@attrs.frozen
class Mending:
    """
    A file whose header lies, and the parts of an honest copy.

    :ivar container: what the file really holds.
    :ivar wrong: the lie, in words that go on after a colon.
    :ivar head: all bytes of the copy before the first sample.
    :ivar kept_bytes: how many bytes of the original follow it, from its first sample on.
    :ivar pad: what follows those.
    """

    container: Container
    wrong: str
    head: bytes
    kept_bytes: int
    pad: bytes

    @property
    def bytes(self) -> int:
        """The size of the copy."""
        return len(self.head) + self.kept_bytes + len(self.pad)


def frames_of(container: Container) -> int:
    """Return how many whole frames a file holds."""
    return container.data_bytes // container.format.frame_bytes(container.channels)


def diagnose(file: BinaryIO) -> Container | Mending:
    """
    Compare a file with its header; what the header says rightly comes back as it is.

    Chunks that describe the samples, or the recording, are kept as they were written.  Where the
    lie is about the samples, everything from the first one on is taken for samples, and half a
    frame at the end is left out.  Blocks for a few reads of the disk.

    :param file: open for reading; it is not changed.
    :raises NotWave: for a file that cannot be read as WAV or RF64, or has no sample.
    """
    found = read_header(file)
    length = file.seek(0, 2)
    file.seek(0)
    _name, outer, _wave = _RIFF_HEAD.unpack(file.read(_RIFF_HEAD.size))
    wrong = _lie(found, outer, length)
    if wrong is None:
        return found
    frames = frames_of(found)
    if not frames:
        raise NotWave("there is not one whole frame behind its header")
    data = found.data_bytes if found.whole else frames * found.format.frame_bytes(found.channels)
    kept = length - found.data_offset if found.whole else data
    pad = b"\0" if kept == data and data % 2 else b""
    described = b"".join(_described(file, found, frames))
    return Mending(found, wrong, _head(described, data, kept + len(pad), frames), kept, pad)


def _lie(found: Container, outer: int, length: int) -> str | None:
    data_end = found.data_offset + found.data_bytes
    if found.whole:
        fits = data_end <= outer + 8 <= length + 1
        return None if fits or found.kind == "rf64" else "its header gave the file a wrong length"
    claimed, holds = found.declared, found.data_bytes
    partial = holds % found.format.frame_bytes(found.channels)
    cut = f"; it ends in mid-frame, and the last {partial} bytes are left out" if partial else ""
    if claimed < holds and (holds - claimed) % (_MOST_32 + 1) == 0:
        return f"the length in its header had wrapped at 4 GiB, to {claimed} bytes{cut}"
    if claimed > holds and claimed >= _UNKNOWN_LENGTH:
        return f"its header was never finished, and claimed {claimed} bytes of audio{cut}"
    if claimed > holds:
        return f"its header claimed {claimed} bytes of audio, and there are {holds}{cut}"
    return f"its header claimed only {claimed} bytes of audio{cut}"


def _described(file: BinaryIO, found: Container, frames: int) -> Iterator[bytes]:
    """Read the chunks before the samples that are kept."""
    end = found.data_offset - _CHUNK_HEAD.size
    place, total = _RIFF_HEAD.size, 0
    while place < end:
        file.seek(place)
        name, size = _CHUNK_HEAD.unpack(file.read(_CHUNK_HEAD.size))
        place += _CHUNK_HEAD.size + size + size % 2
        if name in _DROPPED:
            continue
        total += size
        if total > _LONGEST_HEADER:
            raise NotWave("what stands before its samples is too long for a header")
        content = file.read(size)
        if name == b"fact":  # the number of frames
            content = struct.pack("<I", min(frames, _MOST_32)) + content[4:]
        yield _CHUNK_HEAD.pack(name, len(content)) + content + bytes(len(content) % 2)


def _head(described: bytes, data: int, behind: int, frames: int) -> bytes:
    """Begin a file with ``data`` bytes of samples; ``behind`` bytes, these among them, follow."""
    size = 4 + len(described) + _CHUNK_HEAD.size + behind
    if size <= _MOST_32:
        return _RIFF_HEAD.pack(b"RIFF", size, b"WAVE") + described + _CHUNK_HEAD.pack(b"data", data)
    sizes = _DS64.pack(size + _CHUNK_HEAD.size + _DS64.size, data, frames, 0)
    return (
        _RIFF_HEAD.pack(b"RF64", _MOST_32, b"WAVE")
        + _CHUNK_HEAD.pack(b"ds64", len(sizes))
        + sizes
        + described
        + _CHUNK_HEAD.pack(b"data", _MOST_32)
    )
