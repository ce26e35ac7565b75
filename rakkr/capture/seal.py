"""Bringing a capture to the disk: again and again while it runs, and for good when it has ended."""

from __future__ import annotations

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.wave import NotWave
from rakkr.capture.prepare import Prepared


@attrs.frozen
class Sealed:
    """
    What an ended capture left.

    :ivar audio: what can be used, None if nothing can.
    :ivar audio_bytes: bytes of samples, or of the file if it cannot be read; None without a file.
    :ivar error: why a file that exists cannot be used.
    :ivar trouble: what else went wrong, for the log.
    """

    audio: CapturedAudio | None
    audio_bytes: int | None
    error: str | None = None
    trouble: str | None = None


def checkpoint(prepared: Prepared) -> None:
    """
    Read what the program said, and make its audio survive a power cut.  Blocks.

    :raises OSError: when the disk refuses; the capture is not touched.
    """
    try:
        prepared.messages.read()
    finally:
        prepared.storage.checkpoint()


def seal(prepared: Prepared) -> Sealed:
    """
    Finish the files of an ended capture.  Blocks.

    :raises OSError: when the program's own file cannot be opened.
    """
    storage = prepared.storage
    try:
        prepared.messages.read(last=True)
        unread = None
    except OSError as failure:
        unread = f"{prepared.messages.path} could not be read: {failure.strerror}"
    prepared.messages.close()
    if prepared.messages.wrong_rate is not None:
        storage.correct_rate(prepared.messages.wrong_rate.got)
    size, audio, error = storage.audio_bytes(), None, None
    try:
        audio = storage.seal()
    except NotWave as refusal:
        error = f"{storage.path} cannot be read: {refusal}"
    if audio is not None:
        size = audio.frames * audio.format.frame_bytes(audio.channels)
    return Sealed(audio, size, error, storage.trouble or unread)
