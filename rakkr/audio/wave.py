"""
WAV files that are valid at any size, and the reading of those that are not.

The header that is written here has a fixed length, so that it can be written before the first
sample and patched while the samples arrive.  Its ``JUNK`` chunk has the size of the ``ds64`` chunk
of an RF64 file (EBU Tech 3306), into which it turns when the data pass 4 GiB.  What is read is
never believed: a header's sizes count only where they fit the file.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO, Final, Literal

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import FORMATS, SampleFormat

HEADER_BYTES: Final = 128
"""Bytes before the first sample of every file that :func:`header` begins."""

_MOST_32: Final = 0xFFFFFFFF
_PLAIN_CHANNELS: Final = 2
_RIFF_HEAD: Final = struct.Struct("<4sI4s")
_CHUNK_HEAD: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_EXTENSION: Final = struct.Struct("<HHIH14s")
_DS64: Final = struct.Struct("<QQQI")
_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
# The tail of the sub-format GUIDs of WAVE_FORMAT_EXTENSIBLE (mmreg.h); the code stands before it.
_GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
_READABLE: Final = {
    (_PCM, 1): "U8",
    (_PCM, 2): "S16_LE",
    (_PCM, 3): "S24_3LE",
    (_PCM, 4): "S32_LE",
    (_FLOAT, 4): "FLOAT_LE",
    (_FLOAT, 8): "FLOAT64_LE",
}
# What arecord writes of S24_LE: the low 3 of 4 bytes.  Others read that in different ways.
_PADDED: Final = (_PCM, 4, 24)
# Chunks that stand behind samples.  Other bytes that can be printed are samples, more likely.
_TRAILERS: Final = frozenset(
    {b"LIST", b"fact", b"bext", b"iXML", b"cue ", b"smpl", b"inst", b"id3 ", b"ID3 ", b"JUNK"}
    | {b"junk", b"PAD ", b"FLLR", b"PEAK", b"chna", b"axml", b"cart", b"plst", b"acid", b"afsp"}
    | {b"DISP", b"levl", b"umid", b"minf", b"elm1", b"regn", b"dbmd", b"_PMX"}
)
_OTHERS: Final = {
    b"riff": "Wave64",
    b"caff": "CAF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"RIFX": "big-endian RIFF",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
}


class CannotHold(ValueError):
    """A sample format that no WAV file holds; the message is for people."""


class NotWave(ValueError):
    """A file that cannot be read as WAV or RF64; the message is for people."""


def holds(sample: SampleFormat) -> bool:
    """Whether a WAV file can hold samples as they are."""
    return sample.name in _READABLE.values()


def header(sample: SampleFormat, rate: int, channels: int, data_bytes: int) -> bytes:
    """
    Make the first :data:`HEADER_BYTES` bytes of a file with ``data_bytes`` bytes of samples.

    Up to two channels get the plain form, which every program reads; more get
    WAVE_FORMAT_EXTENSIBLE with no speaker positions, so that nobody mixes them by position.

    :raises CannotHold: for a format that WAV does not know.
    """
    if not holds(sample):
        raise CannotHold(f"a WAV file cannot hold {sample.name} samples")
    riff_bytes = HEADER_BYTES - 8 + data_bytes + data_bytes % 2
    if riff_bytes > _MOST_32:
        frames = data_bytes // sample.frame_bytes(channels)
        sizes = _DS64.pack(riff_bytes, data_bytes, frames, 0)
        head, data_size = _riff(b"RF64", _MOST_32) + _chunk(b"ds64", sizes), _MOST_32
    else:
        head, data_size = (
            _riff(b"RIFF", riff_bytes) + _chunk(b"JUNK", bytes(_DS64.size)),
            data_bytes,
        )
    head += _chunk(b"fmt ", _format(sample, rate, channels))
    head += _chunk(b"JUNK", bytes(HEADER_BYTES - len(head) - 16))
    return head + _CHUNK_HEAD.pack(b"data", data_size)


def _riff(name: bytes, size: int) -> bytes:
    return _RIFF_HEAD.pack(name, size, b"WAVE")


def _chunk(name: bytes, content: bytes) -> bytes:
    return _CHUNK_HEAD.pack(name, len(content)) + content


def _format(sample: SampleFormat, rate: int, channels: int) -> bytes:
    code = _FLOAT if sample.kind == "float" else _PCM
    frame = sample.frame_bytes(channels)
    bits = sample.container_bytes * 8
    speed = min(rate * frame, _MOST_32)
    if channels <= _PLAIN_CHANNELS:
        plain = _FORMAT.pack(code, channels, rate, speed, frame, bits)
        return plain if code == _PCM else plain + bytes(2)  # floats state that no more follows
    extension = _EXTENSION.pack(_EXTENSION.size - 2, bits, 0, code, _GUID_TAIL)
    return _FORMAT.pack(_EXTENSIBLE, channels, rate, speed, frame, bits) + extension


@attrs.frozen
class Container:
    """
    What a WAV or RF64 file turned out to hold.

    :ivar kind: ``rf64`` when 64-bit sizes are in it.
    :ivar data_offset: bytes before the first sample.
    :ivar data_bytes: bytes of samples that the file really has.
    :ivar declared: bytes of samples that the header claims.
    :ivar whole: whether the header says the same; if not, others misread the file.
    """

    kind: Literal["riff", "rf64"]
    format: SampleFormat
    rate: int
    channels: int
    data_offset: int
    data_bytes: int
    declared: int
    whole: bool


def read_header(file: BinaryIO) -> Container:
    """
    Read what a file holds, whatever its header claims of its length.

    The declared length counts when it ends at the end of the file or before another chunk;
    otherwise the program that wrote it did not finish, or its counter overflowed, and the samples
    go on to the end of the file.

    :raises NotWave: when this is no WAV file, or one that cannot be understood.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(_RIFF_HEAD.size)
    if start[:4] not in {b"RIFF", b"RF64"} or start[8:] != b"WAVE":
        raise NotWave(_what_else(start))
    kind: Literal["riff", "rf64"] = "rf64" if start[:4] == b"RF64" else "riff"
    described: tuple[SampleFormat, int, int] | None = None
    long_size: int | None = None
    while len(head := file.read(_CHUNK_HEAD.size)) == _CHUNK_HEAD.size:
        name, size = _CHUNK_HEAD.unpack(head)
        if name == b"data":
            if described is None:
                raise NotWave("the WAV header does not describe its samples")
            declared = long_size if size == _MOST_32 and long_size is not None else size
            offset = file.tell()
            data, whole = _measure(file, offset, declared, length)
            return Container(kind, *described, offset, data, declared, whole)
        content = file.read(min(size, 64))
        if name == b"fmt ":
            described = _described(content)
        elif name == b"ds64" and len(content) >= _DS64.size:
            long_size = _DS64.unpack_from(content)[1]
        file.seek(size - len(content) + size % 2, os.SEEK_CUR)
    raise NotWave("the WAV header ends before its samples begin")


def _what_else(start: bytes) -> str:
    other = _OTHERS.get(start[:4])
    if other is not None:
        return f"the file is {other}, which cannot be read here; write WAV, RF64 or headerless PCM"
    return "the file does not begin as a WAV file"


def _described(content: bytes) -> tuple[SampleFormat, int, int]:
    if len(content) < _FORMAT.size:
        raise NotWave("the WAV header is cut off in the description of its samples")
    code, channels, rate, _speed, frame, bits = _FORMAT.unpack_from(content)
    container = frame // channels if channels else 0
    padded = (code, container, bits) == _PADDED
    if code == _EXTENSIBLE and len(content) >= _FORMAT.size + _EXTENSION.size:
        code = _EXTENSION.unpack_from(content, _FORMAT.size)[3]
    name = "S24_LE" if padded else _READABLE.get((code, container))
    fits = container * channels == frame and (padded or container == -(-bits // 8))
    if name is None or not rate or not fits:
        raise NotWave(
            f"samples of WAV code {code} with {bits} bits in {container} bytes cannot be read"
        )
    return FORMATS[name], rate, channels


def _measure(file: BinaryIO, offset: int, declared: int, length: int) -> tuple[int, bool]:
    available = max(0, length - offset)
    end = offset + declared + declared % 2
    if declared <= available and (end >= length or (declared > 0 and _chunk_at(file, end, length))):
        return declared, True
    return available, False


def _chunk_at(file: BinaryIO, offset: int, length: int) -> bool:
    file.seek(offset)
    head = file.read(_CHUNK_HEAD.size)
    if len(head) < _CHUNK_HEAD.size:
        return not head.strip(b"\0")
    name, size = _CHUNK_HEAD.unpack(head)
    return name in _TRAILERS and bool(offset + len(head) + size <= length)


def mend(file: BinaryIO, found: Container) -> bool:
    """
    Make the header of an unfinished file say what the file holds.

    :param file: open for reading and writing.
    :returns: whether the file can now be read by others; beyond 4 GiB a plain WAV cannot.
    """
    if found.whole:
        return True
    end = found.data_offset + found.data_bytes
    if found.kind != "riff" or end + 1 - 8 > _MOST_32:
        return False
    file.seek(4)
    file.write(struct.pack("<I", end - 8 + found.data_bytes % 2))
    file.seek(found.data_offset - 4)
    file.write(struct.pack("<I", found.data_bytes))
    return True


def sniff(path: Path, expected: SampleFormat, rate: int, channels: int) -> CapturedAudio:
    """
    Find out what a program wrote into a file of its own, and mend its header.

    What the file says of format, rate and channels beats what was asked for.  A file that begins
    like no known container is headerless PCM as expected.  Blocks for a few reads of the disk.

    :raises NotWave: for a container that cannot be read.
    :raises OSError: when the file cannot be opened.
    """
    with path.open("r+b") as file:
        found = _container(file)
        if found is None:
            return _headerless(path, file, expected, rate, channels)
        return _contained(path, found, wav=mend(file, found) and holds(found.format))


def peek(path: Path, expected: SampleFormat, rate: int, channels: int) -> CapturedAudio:
    """
    Do as :func:`sniff` does for a file that its program still writes, and touch nothing.

    :raises NotWave: for a container that cannot be read.
    :raises OSError: when the file cannot be opened.
    """
    with path.open("rb") as file:
        found = _container(file)
        if found is None:
            return _headerless(path, file, expected, rate, channels)
        return _contained(path, found, wav=False)


def _container(file: BinaryIO) -> Container | None:
    start = file.read(4)
    return read_header(file) if start in {b"RIFF", b"RF64"} or start in _OTHERS else None


def _contained(path: Path, found: Container, *, wav: bool) -> CapturedAudio:
    frames = found.data_bytes // found.format.frame_bytes(found.channels)
    return CapturedAudio(
        path, found.data_offset, found.format, found.rate, found.channels, frames, wav
    )


def _headerless(
    path: Path, file: BinaryIO, expected: SampleFormat, rate: int, channels: int
) -> CapturedAudio:
    frames = file.seek(0, os.SEEK_END) // expected.frame_bytes(channels)
    return CapturedAudio(path, 0, expected, rate, channels, frames, wav=False)
