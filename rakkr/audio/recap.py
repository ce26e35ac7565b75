"""What a recording sounds like, put together from the records of the files that hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from rakkr.audio.seconds import UNKNOWN, Rows, Seconds, powers
from rakkr.audio.shapes import FLOOR_DBFS

MOST_SPOTS: Final = 10
_HOP_SECONDS: Final = 0.032
_OFFSET: Final = -0.691  # of BS.1770
_GATE: Final = 10.0 ** ((-70.0 - _OFFSET) / 10.0)
_RELATIVE: Final = 0.1  # 10 LU as a ratio of energies
_Doubles = NDArray[np.float64]


@attrs.frozen
class Cut:
    """
    A range of a captured file that is part of a recording.

    :ivar start: its first frame in the file.
    :ivar frames: its length.
    :ivar at: how many frames after the recording's beginning it begins.
    """

    path: Path
    start: int
    frames: int
    at: int

    @property
    def end(self) -> int:
        """The first frame behind it in the file."""
        return self.start + self.frames


@attrs.frozen
class Spot:
    """
    Whole seconds, one after another, that are worth a look.

    :ivar start_seconds: from the beginning of the recording.
    :ivar seconds: how much was measured there.
    :ivar samples: clipped ones, of all its channels; 0 for a silence.
    :ivar channels: counted from 1.
    """

    start_seconds: float
    seconds: float
    samples: int
    channels: tuple[int, ...]


@attrs.frozen(kw_only=True)
class ChannelRecap:
    """
    One channel of a recording.

    :ivar channel: of the captured device, counted from 1.
    :ivar peak_dbfs: the highest sample.
    :ivar true_peak_dbtp: the highest point between the samples, after BS.1770.
    :ivar rms_dbfs: the root of the mean square.
    :ivar loudness_lufs: integrated, after BS.1770; None where all was below -70 LUFS, or too short.
    :ivar silent_seconds: nothing above -60 dBFS for a tenth of a second or longer.
    :ivar clipped_seconds: how many samples reached the clip level, by the rate.
    :ivar speech_share: which part of what was listened to was speech; None where nothing was.
    :ivar speech_heard_seconds: how much was listened to.
    :ivar clipped: its worst stretches, the worst first; ``silent`` likewise, the longest first.
    """

    channel: int
    peak_dbfs: float
    true_peak_dbtp: float
    rms_dbfs: float
    loudness_lufs: float | None
    silent_seconds: float
    clipped_seconds: float
    speech_share: float | None
    speech_heard_seconds: float
    clipped: tuple[Spot, ...]
    silent: tuple[Spot, ...]


@attrs.frozen
class Recap:
    """
    All channels of a recording.

    :ivar measured_seconds: how much of it the numbers are of.
    :ivar channels: empty where nothing was measured.
    """

    measured_seconds: float
    channels: tuple[ChannelRecap, ...]

    @property
    def clipped(self) -> tuple[Spot, ...]:
        """The worst stretches of all channels; what several channels have at once is one."""
        return _together(spot for each in self.channels for spot in each.clipped)

    @property
    def silent(self) -> tuple[Spot, ...]:
        """The longest silences of all channels, likewise."""
        return _together(spot for each in self.channels for spot in each.silent)


@attrs.frozen
class _Window:
    """
    The seconds of a record that lie inside a cut.

    :ivar offset: where second 0 of the record lies in the recording, in seconds.
    """

    record: Seconds
    first: int
    last: int
    offset: float

    @classmethod
    def of(cls, record: Seconds, cut: Cut) -> _Window:
        """A second counts if all that was measured of it lies inside the cut."""
        rate = record.rate
        first = -(-cut.start // rate)
        last = cut.end // rate
        if last * rate < record.reached <= cut.end:  # the file's last second is no whole one
            last += 1
        return cls(record, first, max(first, last), (cut.at - cut.start) / rate)

    def frames(self) -> NDArray[np.int64]:
        """How many frames were measured in each of them."""
        return self.record.frames(self.first, self.last)

    def column(self, channel: int) -> Rows:
        """The rows of one channel."""
        return self.record.column(channel, self.first, self.last)


def recap(parts: Sequence[tuple[Seconds, Cut]]) -> Recap:
    """
    Sum a recording up, at the granularity of the seconds of its files.

    Seconds that lie only partly inside a cut, and what was not measured, are left out.

    :param parts: the cuts of which there are records; one of another shape than the first is left
        out.
    """
    shapes = [(record.rate, record.channels) for record, _ in parts]
    windows = [
        _Window.of(record, cut)
        for (record, cut), shape in zip(parts, shapes, strict=True)
        if shape == shapes[0]
    ]
    frames = [each.frames() for each in windows]
    measured = sum(int(each.sum()) for each in frames)
    if not measured:
        return Recap(0.0, ())
    rate, channels = shapes[0]
    found = tuple(_channel(windows, frames, channel, rate) for channel in range(channels))
    return Recap(measured / rate, found)


def _channel(
    windows: Sequence[_Window], frames: Sequence[NDArray[np.int64]], channel: int, rate: int
) -> ChannelRecap:
    columns = [each.column(channel) for each in windows]
    rows, counts = np.concatenate(columns), np.concatenate(frames)
    known = counts > 0
    peak = float(powers(rows["peak"][known]).max())
    true_peak = float(powers(rows["true_peak"][known]).max())
    power = float((powers(rows["power"][known]) * counts[known]).sum() / counts[known].sum())
    heard, spoken = (int(rows[each].sum(dtype=np.int64)) for each in ("heard", "spoken"))
    clipped: list[Spot] = []
    silent: list[Spot] = []
    for window, column, measured in zip(windows, columns, frames, strict=True):
        all_silent = (measured > 0) & (column["silent"] >= measured)
        clipped += _spots(window, measured, column["clipped"] > 0, column["clipped"], channel)
        silent += _spots(window, measured, all_silent, None, channel)
    return ChannelRecap(
        channel=channel + 1,
        peak_dbfs=_decibels(peak),
        true_peak_dbtp=_decibels(true_peak),
        rms_dbfs=_decibels(power),
        loudness_lufs=_integrated([each["loudness"] for each in columns]),
        silent_seconds=int(rows["silent"].sum(dtype=np.int64)) / rate,
        clipped_seconds=int(rows["clipped"].sum(dtype=np.int64)) / rate,
        speech_share=spoken / heard if heard else None,
        speech_heard_seconds=heard * _HOP_SECONDS,
        clipped=_worst(clipped),
        silent=_worst(silent),
    )


def _spots(
    window: _Window,
    frames: NDArray[np.int64],
    flags: NDArray[np.bool_],
    samples: NDArray[np.uint16] | None,
    channel: int,
) -> Iterator[Spot]:
    """Find seconds in a row that have a flag."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    rate = window.record.rate
    for first, last in edges.reshape(-1, 2):
        counted = 0 if samples is None else int(samples[first:last].sum(dtype=np.int64))
        yield Spot(
            window.offset + window.first + float(first),
            int(frames[first:last].sum()) / rate,
            counted,
            (channel + 1,),
        )


def _badness(spot: Spot) -> tuple[float, ...]:
    return (-spot.samples, -spot.seconds, -len(spot.channels), spot.start_seconds)


def _worst(spots: Iterable[Spot]) -> tuple[Spot, ...]:
    return tuple(sorted(spots, key=_badness)[:MOST_SPOTS])


def _together(spots: Iterable[Spot]) -> tuple[Spot, ...]:
    """Make spots of the same time one, and choose the worst."""
    found: dict[tuple[float, float], Spot] = {}
    for each in spots:
        when = (each.start_seconds, each.seconds)
        other = found.get(when)
        if other is not None:
            both = (*other.channels, *each.channels)
            each = attrs.evolve(each, samples=other.samples + each.samples, channels=both)  # noqa: PLW2901 - the same spot, wider
        found[when] = each
    return _worst(found.values())


def _integrated(parts: Sequence[NDArray[np.int16]]) -> float | None:
    """Gate blocks of 400 ms that overlap by half."""
    apart = np.full(1, UNKNOWN, np.int16)
    steps = powers(np.concatenate([np.append(each.reshape(-1), apart) for each in parts]))
    blocks: _Doubles = (steps[1:] + steps[:-1]) / 2.0  # two steps of 200 ms
    blocks = blocks[blocks > _GATE]  # also without those that are no number
    if not len(blocks):
        return None
    blocks = blocks[blocks > blocks.mean() * _RELATIVE]
    return _OFFSET + 10.0 * float(np.log10(blocks.mean()))


def _decibels(power: float) -> float:
    return max(FLOOR_DBFS, 10.0 * float(np.log10(power))) if power > 0.0 else FLOOR_DBFS
