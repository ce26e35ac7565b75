"""An honest copy of a WAV file whose header lies, as a killed capture program leaves one."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from rakkr.audio.damage import Mending, diagnose, frames_of
from rakkr.audio.wave import Container, NotWave
from rakkr.durable import reserve, sync_directory

_BLOCK_BYTES: Final = 1 << 20
_SILENCE: Final = bytes(_BLOCK_BYTES)
# arecord begins a new file at its limit, and calls the parts <name>-01.wav, <name>-02.wav...
_PART: Final = re.compile(r"(?P<name>.+?)(-\d{2,})?\Z", re.DOTALL)
_MOST_NAMED: Final = 3


class CannotRepair(Exception):
    """No copy could be made; the message is one sentence for a technician."""


@attrs.frozen
class RepairReport:
    """
    What was found, and what was made; as text it is one sentence.

    :ivar source: the file that was looked at; it is as it was.
    :ivar copy: the honest copy, None when nothing was wrong.
    :ivar frames: the frames that the file really holds.
    :ivar wrong: what was wrong, None for nothing.
    :ivar parts: names of files beside it that arecord may have split off the same recording.
    """

    source: Path
    copy: Path | None
    frames: int
    seconds: float
    wrong: str | None
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        length = f"{self.frames} frames ({self.seconds:.3f} s)"
        if self.copy is None:
            return (
                f"nothing is wrong with {self.source}: its header says what it holds, {length}; "
                "nothing was written"
            )
        more = len(self.parts) - _MOST_NAMED
        named = ", ".join(self.parts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        parts = f"; {named} may be other parts of the same recording" if named else ""
        return f"{self.copy} holds all {length} of {self.source}: {self.wrong}{parts}"


def repair(path: Path, output: Path | None = None) -> RepairReport:
    """
    Write a copy with an honest header beside a file, or say that it needs none.

    The copy is called ``<stem>.repaired.wav``, or by the next free name; it is RF64 where WAV
    cannot be that long.  It has its name only when it is whole and on the disk, and when it cannot
    be finished nothing of it stays.  The file itself is only read.  Blocks as long as that takes.

    :param output: a name that no file has, or a directory, for the copy.
    :raises CannotRepair: when the file cannot be understood, or the copy not be written.
    """
    if not path.is_file():
        raise CannotRepair(f"{path} is not a file" if path.exists() else f"{path} does not exist")
    try:
        with path.open("rb", buffering=0) as file:
            found = diagnose(file)
            if not isinstance(found, Mending):
                return _report(path, found)
            copy = _copy(file, path, found, output)
    except NotWave as error:
        raise CannotRepair(f"{path} cannot be repaired: {error}") from error
    except OSError as error:
        where = error.filename or output or path.parent
        raise CannotRepair(
            f"no copy of {path} could be made: {where}: {error.strerror or error}"
        ) from error
    return attrs.evolve(
        _report(path, found.container), copy=copy, wrong=found.wrong, parts=_parts(path)
    )


def _report(path: Path, found: Container) -> RepairReport:
    frames = frames_of(found)
    return RepairReport(path, None, frames, frames / found.rate, None)


def _copy(file: BinaryIO, path: Path, mending: Mending, output: Path | None) -> Path:
    folder = path.parent if output is None else output
    exact = output is not None and not output.is_dir()
    wished = folder if exact else folder / f"{path.stem}.repaired.wav"
    if exact and wished.exists():
        raise CannotRepair(f"{wished} exists already; name a file that does not")
    with ExitStack() as undo:
        draft = reserve(wished.with_name(f".{wished.name}.repair"))
        undo.callback(draft.unlink, missing_ok=True)
        _check_space(wished.parent, mending.bytes)
        with draft.open("wb", buffering=0) as copy:
            _write(copy, mending.head)
            _transfer(file, path, mending, copy)
            _write(copy, mending.pad)
            copy.truncate(mending.bytes)  # silence at the end was only passed over
            os.fsync(copy.fileno())
        target = _taken(wished) if exact else reserve(wished)
        undo.callback(target.unlink, missing_ok=True)
        draft.replace(target)
        sync_directory(target.parent)
        undo.pop_all()
    return target


def _taken(wished: Path) -> Path:
    wished.touch(exist_ok=False)
    return wished


def _check_space(folder: Path, needed: int) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise CannotRepair(
            f"the copy needs {_megabytes(needed)} and {folder} has {_megabytes(free)} left; "
            "make room, or name another place for it"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _transfer(file: BinaryIO, path: Path, mending: Mending, copy: BinaryIO) -> None:
    """Copy what is kept; blocks of silence become holes, so that sparse files stay sparse."""
    file.seek(mending.container.data_offset)
    left = mending.kept_bytes
    while left:
        try:
            block = file.read(min(left, _BLOCK_BYTES))
        except OSError as error:
            raise CannotRepair(f"{path} cannot be read to its end: {error.strerror}") from error
        if not block:
            raise CannotRepair(f"{path} became shorter while it was read")
        if block == _SILENCE[: len(block)]:
            copy.seek(len(block), os.SEEK_CUR)
        else:
            _write(copy, block)
        left -= len(block)


def _write(copy: BinaryIO, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[copy.write(view) :]


def _parts(path: Path) -> tuple[str, ...]:
    """Find files that are numbered as arecord numbers parts of one recording."""
    stem = _PART.match(path.stem)
    assert stem is not None
    part = re.compile(re.escape(stem["name"]) + r"-\d{2,}" + re.escape(path.suffix), re.DOTALL)
    names = (each.name for each in path.parent.iterdir() if each != path)
    return tuple(sorted(name for name in names if part.fullmatch(name)))
