"""Bringing a capture to the disk: again and again while it runs, and for good when it has ended."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.silence import end_of_sound
from rakkr.audio.wave import NotWave
from rakkr.capture.exit_note import ExitNote, read_note
from rakkr.capture.file import Storage
from rakkr.capture.holding import Lost
from rakkr.capture.prepare import Prepared

_NO_ROOM_BYTES: Final = 1 << 20


@attrs.frozen
class Sealed:
    """
    What an ended capture left.

    :ivar audio: what can be used, None if nothing can.
    :ivar audio_bytes: bytes of samples, or of the file if it cannot be read; None without a file.
    :ivar error: why a file that exists cannot be used.
    :ivar trouble: what else went wrong, for the log.
    :ivar captured_bytes: bytes of samples before what nobody needs was cut off.
    :ivar size: bytes of the file before that.
    :ivar note: how the program ended, in the words of its shim, if it had one.
    :ivar silent_seconds: how long ago something was last written into the file, None if nobody
        knows; by wall time, so no more than a hint.
    :ivar disk_full: whether there is next to no room left where the file is.
    """

    audio: CapturedAudio | None
    audio_bytes: int | None
    error: str | None = None
    trouble: str | None = None
    captured_bytes: int = 0
    size: int | None = None
    note: ExitNote | None = None
    silent_seconds: float | None = None
    disk_full: bool = False


def checkpoint(prepared: Prepared, leash: float | None) -> None:
    """
    Read what the program said, and make its audio survive a power cut.  Blocks.

    :param leash: until when the program may run without us, None for as long as before.
    :raises OSError: when the disk refuses; the capture is not touched.
    """
    try:
        prepared.messages.read()
    finally:
        try:
            prepared.storage.checkpoint()
        finally:
            if leash is not None:
                write_leash(prepared.leash, leash)


def write_leash(path: Path, until: float) -> None:
    """
    Say until when a program may run without us, for its shim.

    Nothing is synced: a power cut ends the program, too.

    :param until: in seconds of the monotonic clock.
    :raises OSError: when that fails; what was said before stays.
    """
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(f"{until:.3f}\n", "ascii")
    draft.replace(path)


def seal(prepared: Prepared, most: int | None, lost: Lost | None = None) -> Sealed:
    """
    Finish the files of an ended capture.  Blocks.

    :param most: frames of which nobody needs more.
    :param lost: why its program was ended, if its source was gone.
    :raises OSError: when the program's own file cannot be opened.
    """
    storage = prepared.storage
    silent = _silent_seconds(storage.path, prepared.messages.path)
    try:
        prepared.messages.read(last=True)
        unread = None
    except OSError as failure:
        unread = f"{prepared.messages.path} could not be read: {failure.strerror}"
    prepared.messages.close()
    if prepared.messages.wrong_rate is not None:
        storage.correct_rate(prepared.messages.wrong_rate.got)
    size, whole = storage.audio_bytes(), storage.size()
    found = Sealed(None, size, captured_bytes=size or 0, size=whole, note=read_note(prepared.exit))
    found = attrs.evolve(found, disk_full=_is_full(storage.path.parent), silent_seconds=silent)
    try:
        keep = None if lost is None else _of_the_source(lost, storage)
        if keep == 0:
            storage.discard()
            return attrs.evolve(found, audio_bytes=None, trouble=storage.trouble or unread)
        audio = storage.seal(_least(most, keep))
        if audio is not None and keep is not None and keep < audio.frames:
            # A file of the program's own is not cut, so others would hear all of it.
            audio = attrs.evolve(audio, frames=keep, wav=False)
    except NotWave as refusal:
        error = f"{storage.path} cannot be read: {refusal}"
        return attrs.evolve(found, error=error, trouble=storage.trouble or unread)
    if audio is not None:
        size = audio.frames * audio.format.frame_bytes(audio.channels)
    return attrs.evolve(found, audio=audio, audio_bytes=size, trouble=storage.trouble or unread)


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _of_the_source(lost: Lost, storage: Storage) -> int | None:
    """Count the frames that are of the source, and not made up when it was gone."""
    if lost.keep is None or not lost.silence:
        return lost.keep
    audio = storage.so_far()
    return 0 if audio is None else end_of_sound(audio, min(lost.keep, audio.frames))


def tidy(prepared: Prepared, messages: bool) -> None:
    """
    Remove the small files of a capture whose end is known; those that stay harm nobody.  Blocks.

    :param messages: whether nobody needs to read what the program said, either.
    """
    if messages:
        prepared.messages.remove()
    for path in (prepared.leash, prepared.exit):
        with contextlib.suppress(OSError):
            path.unlink()


def _silent_seconds(samples: Path, other: Path) -> float | None:
    """Compare with a file that is touched now, so that both stamps are of the same clock."""
    try:
        os.utime(other)
        return max(0.0, other.stat().st_mtime - samples.stat().st_mtime)
    except OSError:
        return None


def _is_full(directory: Path) -> bool:
    try:
        return shutil.disk_usage(directory).free < _NO_ROOM_BYTES
    except OSError:
        return False
