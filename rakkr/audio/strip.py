"""A recording as its reader sees it: pieces of captured files and of silence, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat


class NotAStrip(ValueError):
    """Pieces that do not make a recording; the message is for people."""


@attrs.frozen
class Piece:
    """
    A range of a captured file, or silence.

    :ivar audio: the file, None for silence.
    :ivar start: its first frame inside the file, 0 for silence.
    :ivar frames: its length.
    :raises NotAStrip: for a range that its file does not hold.
    """

    audio: CapturedAudio | None
    start: int
    frames: int

    def __attrs_post_init__(self) -> None:
        if self.frames < 0:
            raise NotAStrip(f"a piece cannot be {self.frames} frames long")
        if self.audio is None and self.start:
            raise NotAStrip(f"silence begins at its frame 0, not at {self.start}")
        if self.audio is not None and not 0 <= self.start <= self.end <= self.audio.frames:
            raise NotAStrip(
                f"frames {self.start} to {self.end} are not in {self.audio.path}; "
                f"it holds {self.audio.frames}"
            )

    @property
    def end(self) -> int:
        """The first frame behind it inside the file."""
        return self.start + self.frames

    def cut(self, start: int, end: int) -> Piece:
        """Return what of it lies between two of its own frames; nothing lies outside it."""
        first, last = (min(max(edge, 0), self.frames) for edge in (start, end))
        into = 0 if self.audio is None else self.start + first
        return Piece(self.audio, into, max(0, last - first))

    def followed_by(self, other: Piece) -> Piece | None:
        """Return both as one piece, if ``other`` goes on where this one ends."""
        if self.audio is None or other.audio is None:
            both_silent = self.audio is other.audio
            return Piece(None, 0, self.frames + other.frames) if both_silent else None
        if other.start != self.end or _place(self.audio) != _place(other.audio):
            return None
        # Of a growing file there are many views; the one that saw more is the later one.
        audio = max(other.audio, self.audio, key=lambda each: each.frames)
        return Piece(audio, self.start, self.frames + other.frames)


def _place(audio: CapturedAudio) -> tuple[object, ...]:
    """What makes two views of a file the same samples at the same frames."""
    return audio.path, audio.data_offset, audio.format, audio.rate, audio.channels


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Leave out what is empty, and make neighbours one piece where they are one."""
    kept: list[Piece] = []
    for piece in (each for each in pieces if each.frames):
        one = kept[-1].followed_by(piece) if kept else None
        if one is None:
            kept.append(piece)
        else:
            kept[-1] = one
    return tuple(kept)


@attrs.frozen
class Strip:
    """
    Frames of one format, rate and width, in the order in which they are heard.

    However it was put together, two strips of the same frames of the same files are equal.

    :ivar rate: frames in a second.
    :ivar channels: samples in a frame.
    :ivar pieces: none of them is empty, and no two neighbours could be one.
    :raises NotAStrip: when a file does not have this format, rate and width.
    """

    format: SampleFormat
    rate: int
    channels: int
    pieces: tuple[Piece, ...] = attrs.field(converter=_joined)

    def __attrs_post_init__(self) -> None:
        if self.rate < 1 or self.channels < 1:
            raise NotAStrip(f"{self._shape(self)} cannot be heard")
        for audio in (piece.audio for piece in self.pieces):
            if audio is not None and self._shape(audio) != self._shape(self):
                raise NotAStrip(
                    f"{audio.path} has {self._shape(audio)} and the recording "
                    f"{self._shape(self)}; they cannot be joined"
                )

    @staticmethod
    def _shape(has: CapturedAudio | Strip) -> str:
        return f"{has.channels} channels of {has.format.name} at {has.rate} Hz"

    @classmethod
    def of(cls, audio: CapturedAudio, start: int = 0, end: int | None = None) -> Self:
        """
        Take a captured file, or its frames from ``start`` to before ``end``.

        :raises NotAStrip: for a range that the file does not hold.
        """
        last = audio.frames if end is None else end
        piece = Piece(audio, start, last - start)
        return cls(audio.format, audio.rate, audio.channels, (piece,))

    @property
    def frames(self) -> int:
        """Its length."""
        return sum(piece.frames for piece in self.pieces)

    @property
    def silent_frames(self) -> int:
        """How many of its frames were not captured."""
        return sum(piece.frames for piece in self.pieces if piece.audio is None)

    @property
    def seconds(self) -> float:
        """Its length in time."""
        return self.frames / self.rate

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame as captured."""
        return self.format.frame_bytes(self.channels)

    @property
    def bytes(self) -> int:
        """Its size as captured, without any header."""
        return self.frames * self.frame_bytes

    def cut(self, start: int, end: int) -> Strip:
        """
        Return its frames from ``start`` to before ``end``.

        :raises NotAStrip: for a range that it does not hold.
        """
        if not 0 <= start <= end <= self.frames:
            raise NotAStrip(
                f"frames {start} to {end} cannot be cut from a recording of {self.frames}"
            )
        pieces, passed = [], 0
        for piece in self.pieces:
            pieces.append(piece.cut(start - passed, end - passed))
            passed += piece.frames
        return attrs.evolve(self, pieces=pieces)

    def __add__(self, other: Strip) -> Strip:
        """
        Return both, one after the other.

        :raises NotAStrip: when they differ in format, rate or width.
        """
        if self._shape(self) != self._shape(other):
            raise NotAStrip(f"{self._shape(self)} and {self._shape(other)} cannot be one recording")
        return attrs.evolve(self, pieces=(*self.pieces, *other.pieces))

    def contiguous(self) -> tuple[CapturedAudio, int, int] | None:
        """Return the file, the first frame and the one behind the last, if it is one range."""
        if len(self.pieces) != 1 or self.pieces[0].audio is None:
            return None
        (piece,) = self.pieces
        assert piece.audio is not None
        return piece.audio, piece.start, piece.end

    def whole_file(self) -> CapturedAudio | None:
        """Return the file if it is all of one and nothing else."""
        found = self.contiguous()
        if found is None or found[1:] != (0, found[0].frames):
            return None
        return found[0]
