"""Segments of a take on one axis of frames, which counts from the take's first moment."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat
from rakkr.audio.strip import Piece, Strip


@attrs.frozen
class Stamp:
    """
    A moment, so that another agent, or another boot of the machine, can place it.

    :ivar mono: seconds of the monotonic clock, which begins anew with each boot.
    :ivar wall: seconds since the epoch, which people and NTP may set.
    :ivar boot_id: which boot of the machine ``mono`` belongs to.
    """

    mono: float
    wall: float
    boot_id: str

    def since(self, earlier: Stamp) -> float:
        """Seconds from another moment; wall time decides only across a reboot."""
        if self.boot_id == earlier.boot_id:
            return self.mono - earlier.mono
        return self.wall - earlier.wall


@attrs.frozen
class Gap:
    """
    Time for which there is no audio.

    :ivar start_frame: on the axis.
    :ivar frames: its length.
    :ivar reason: what the capture program said before, in one line.
    """

    start_frame: int
    frames: int
    reason: str

    @property
    def end_frame(self) -> int:
        """The first frame behind it."""
        return self.start_frame + self.frames


@attrs.frozen
class Placed:
    """
    A segment on the axis.

    :ivar start: its first frame.
    :ivar audio: its file; it may still grow.
    :ivar after: why there is a gap before it.
    """

    number: int
    start: int
    audio: CapturedAudio
    after: str

    @property
    def end(self) -> int:
        """The first frame behind it."""
        return self.start + self.audio.frames


@attrs.frozen
class Timeline:
    """
    What there is of a take.

    :ivar placed: its segments, in order, none over another.
    """

    placed: tuple[Placed, ...] = ()

    @property
    def end(self) -> int:
        """The first frame that does not exist yet."""
        return self.placed[-1].end if self.placed else 0

    def with_segment(
        self, number: int, audio: CapturedAudio, offset: int, after: str = ""
    ) -> Timeline:
        """
        Put a segment at its place, or say how far one has grown.

        A segment never begins before the one in front of it ends: samples count more than clocks.

        :param offset: where its first frame belongs by the clock.
        """
        before = tuple(each for each in self.placed if each.number < number)
        start = max(offset, self.end_before(number))
        behind = tuple(each for each in self.placed if each.number > number)
        return Timeline((*before, Placed(number, start, audio, after), *behind))

    def end_before(self, number: int) -> int:
        """Where the segments in front of one end."""
        return max((each.end for each in self.placed if each.number < number), default=0)

    def gaps(self, start: int, end: int, at_end: str = "") -> tuple[Gap, ...]:
        """
        The holes between two frames, the one at the end included.

        :param at_end: why nothing follows the last segment.
        """
        return tuple(
            gap
            for gap in (_within(each, start, end) for each in self._holes(end, at_end))
            if gap.frames > 0
        )

    def _holes(self, end: int, at_end: str) -> Iterator[Gap]:
        reached = 0
        for each in self.placed:
            yield Gap(reached, each.start - reached, each.after)
            reached = each.end
        yield Gap(reached, max(0, end - reached), at_end)

    def strip(
        self,
        start: int,
        end: int,
        *,
        shape: tuple[SampleFormat, int, int],
        fill: bool,
    ) -> Strip:
        """
        Cut a recording out.

        :param shape: format, rate and channels of the take.
        :param fill: put silence where a gap is, so that time stays true; else join the ends.
        """
        pieces: list[Piece] = []
        reached = start
        for each in self.placed:
            first, last = max(each.start, start), min(each.end, end)
            if first >= last:
                continue
            if fill and first > reached:
                pieces.append(Piece(None, 0, first - reached))
            pieces.append(Piece(each.audio, first - each.start, last - first))
            reached = last
        if fill and end > reached:
            pieces.append(Piece(None, 0, end - reached))
        return Strip(*shape, pieces=tuple(pieces))

    def captured(self, start: int, end: int) -> int:
        """How many frames of audio there are between two frames."""
        return sum(max(0, min(each.end, end) - max(each.start, start)) for each in self.placed)


def _within(gap: Gap, start: int, end: int) -> Gap:
    first, last = max(gap.start_frame, start), min(gap.end_frame, end)
    return Gap(first, max(0, last - first), gap.reason)
