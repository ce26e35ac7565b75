"""The files themselves: looked at, listed and deleted.  Everything here blocks."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from rakkr.audio import wave
from rakkr.audio.pcm import sample_format
from rakkr.cache.manifest import BadManifest, Entry, decode_manifest, manifest_lines
from rakkr.cache.plan import Deletion
from rakkr.cache.uncollected import uncollected
from rakkr.disk.holding import Holding, OnDisk
from rakkr.durable import write_atomically

MOST_BYTES: Final = 1 << 28
"""Of a manifest: more than 300,000 recordings.  A larger one would take all memory to read."""
_BLOCK = 512  # st_blocks counts these, whatever the file system has
_RAW = ".raw.wav"
_MOST_REPORTS = 64
_SHAPE = (sample_format("S16_LE"), 48_000, 2)  # for a file that does not say; 0 frames are 0 frames
_NOT_AUDIO = frozenset({".log", ".leash", ".exit", ".json"})


@attrs.frozen
class Loaded:
    """
    The manifest as it was found.

    :ivar trouble: what is wrong with it; None if nothing is.
    :ivar aside: where a damaged one was put.
    """

    entries: tuple[Entry, ...]
    trouble: str | None = None
    aside: Path | None = None


@attrs.frozen
class Deleted:
    """
    What became of a plan's deletion.

    :ivar gone: files that are not there any more.
    :ivar errors: why others still are, by path.
    """

    deletion: Deletion
    gone: tuple[Path, ...]
    errors: dict[Path, str]
    freed: int


Look = Callable[[Path], OnDisk | None]
"""Looks at a file: None if it is gone; raises OSError for what is not to be touched at all."""


def look_in(directory: Path) -> Look:
    """
    Look at files of a directory, as long as the directories in it stay what they are.

    What lies elsewhere, whatever names it, and what is no plain file (a link, say) is not ours:
    that raises OSError.  So does a whole directory that is missing, whose disk may not be mounted.

    :param directory: of the captures.
    """
    home = os.path.realpath(directory)
    inside: dict[str, bool] = {}

    def look(path: Path) -> OnDisk | None:
        parent = os.path.dirname(path)  # noqa: PTH120 - a Path for each file would take much memory
        if parent not in inside:
            inside[parent] = Path(os.path.realpath(parent)).is_relative_to(home)
        if not inside[parent]:
            raise OSError(f"{path} is not in {home}")
        try:
            about = os.lstat(path)
        except FileNotFoundError:
            if not os.path.isdir(parent):  # noqa: PTH112
                raise
            return None
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{path} is no plain file")
        return OnDisk(about.st_size, about.st_blocks * _BLOCK, about.st_mtime_ns)

    return look


def is_silent(path: Path) -> bool:
    """Whether a file provably has no sample in it: it is empty, or a WAV header and no more."""
    try:
        size = path.stat().st_size
        audio = wave.sniff(path, *_SHAPE) if size else None
    except (OSError, wave.NotWave):
        return False
    return audio is None or (audio.frames == 0 and 0 < audio.data_offset == size)


def load(path: Path, held_by: Callable[[str], Holding | None] = lambda _: None) -> Loaded:
    """
    Read the manifest; what is damaged is set aside only by :func:`set_aside`.

    :param held_by: see :func:`rakkr.cache.manifest.decode_manifest`.
    :raises OSError: when it is there and cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            return Loaded((), f"decode recorder cache manifest: {size} bytes are too many")
        content = path.read_bytes()
    except FileNotFoundError:
        return Loaded(())
    try:
        with uncollected():
            entries, problems = decode_manifest(content, held_by)
    except BadManifest as error:
        return Loaded((), str(error))
    return Loaded(tuple(entries), "; ".join(problems[:3]) or None)


def set_aside(path: Path, stamp: str) -> Path:
    """
    Rename a damaged manifest, for people to look at.

    :param stamp: the moment, for its name.
    :raises OSError: when it cannot be renamed.
    """
    name = "".join(each for each in stamp if each.isalnum())
    aside = path.with_name(f"{path.name}.damaged-{name}")
    return path.replace(aside)


def save(path: Path, entries: Sequence[Entry]) -> None:
    """
    Write the manifest.

    :raises OSError: the old one is then still there.
    """
    write_atomically(path, manifest_lines(entries))


def delete(
    deletions: Sequence[Deletion],
    needed: Collection[Path],
    found: Mapping[Path, OnDisk],
    look: Look,
) -> list[Deleted]:
    """
    Delete what was planned, with the small files beside it.

    :param needed: files that somebody needs at this moment, whatever was planned.
    :param found: what the plan was made for; what is something else by now is left alone.
    """
    return [_delete(each, needed, found, look) for each in deletions]


def _delete(
    planned: Deletion, needed: Collection[Path], found: Mapping[Path, OnDisk], look: Look
) -> Deleted:
    gone: list[Path] = []
    errors: dict[Path, str] = {}
    freed = 0
    for path in planned.files:
        if path in needed:
            continue
        try:
            there = look(path)
            if there is not None and there != found.get(path):
                continue
            if there is not None:
                path.unlink()
                freed += there.taken
        except FileNotFoundError:
            continue  # gone with its directory, or just now; the next look says so
        except OSError as error:
            errors[path] = error.strerror or str(error)
            continue
        gone.append(path)
    for beside in _beside(planned, gone):
        try:
            beside.unlink(missing_ok=True)
        except OSError as error:
            errors[beside] = error.strerror or str(error)
    return Deleted(planned, tuple(gone), errors, freed)


def _beside(planned: Deletion, gone: Collection[Path]) -> Iterator[Path]:
    """What a capture left beside a file, and the report of a recording of which nothing is left."""
    for path in gone:
        if path.name.endswith(_RAW):
            stem = path.name.removesuffix(_RAW)
            yield from (path.with_name(f"{stem}.{end}") for end in ("stderr.log", "leash", "exit"))
    held = planned.holding
    if held.report is not None and not any(map(_may_exist, held.files)):
        yield from reports(held.report, held.recording_id)


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def reports(wished: Path, recording_id: str) -> Iterator[Path]:
    """The reports of a recording, under the wished name or the next ones that were free."""
    for number in range(1, _MOST_REPORTS):
        stem, suffix = wished.stem, wished.suffix
        path = wished if number == 1 else wished.with_name(f"{stem}.{number}{suffix}")
        try:
            said = json.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            continue
        if isinstance(said, dict) and said.get("recordingId") == recording_id:
            yield path


def strays(directory: Path, known: Collection[Path]) -> list[Path]:
    """Files under the capture directory that nothing knows; they may have audio in them."""
    try:
        found = [each for each in directory.iterdir() if each.is_file()]
    except OSError:
        return []
    return sorted(
        each
        for each in found
        if each not in known and not each.name.startswith(".") and each.suffix not in _NOT_AUDIO
    )
