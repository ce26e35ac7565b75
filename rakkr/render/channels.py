"""Which captured channel goes to which channel of the recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from rakkr.render.errors import ImpossibleRender

# ffmpeg's pan filter knows no more channels, neither in nor out.
MOST_ROUTED: Final = 64


class EntryLike(Protocol):
    """One line of a channel map; indices count from 1."""

    @property
    def included(self) -> bool:
        """Whether the line is used at all."""

    @property
    def source_channel_index(self) -> int:
        """The captured channel."""

    @property
    def output_channel_index(self) -> int | None:
        """Where it goes, if the map says so."""


class ChannelMapLike(Protocol):
    """What this room needs of the controller's channel map."""

    @property
    def channel_mode(self) -> str:
        """One of mono, mono_to_stereo_mix, stereo, multichannel."""

    @property
    def entries(self) -> Sequence[EntryLike]:
        """The lines, in any order."""


@attrs.frozen
class Routing:
    """
    Where the channels of a recording come from.

    :ivar outputs: for each channel of the recording the captured channels, counted from 0, that
        are mixed into it at equal gain; an empty one is silence.
    """

    outputs: tuple[tuple[int, ...], ...]

    @property
    def highest(self) -> int:
        """How many channels a capture must have, so that every source exists."""
        return max((source + 1 for sources in self.outputs for source in sources), default=0)

    def passes_through(self, captured_channels: int) -> bool:
        """Whether it leaves a capture of that width as it is."""
        return self.outputs == tuple((channel,) for channel in range(captured_channels))

    def pan(self) -> str:
        """
        Return ffmpeg's pan filter for it.

        Beyond stereo the layout is ``<n>C``, channels without places in a room.  Layouts that name
        loudspeakers will not do: with ``3.0`` and ``quad`` ffmpeg 5.1 exchanges channels, and the
        ``<n>c`` ones do not exist for most n.
        """
        layout = {1: "mono", 2: "stereo"}.get(len(self.outputs), f"{len(self.outputs)}C")
        mixes = [f"c{index}={_mix(sources)}" for index, sources in enumerate(self.outputs)]
        return "|".join([f"pan={layout}", *mixes])


def _mix(sources: Sequence[int]) -> str:
    if not sources:
        return "0*c0"
    if len(sources) == 1:
        return f"c{sources[0]}"
    return "+".join(f"{1 / len(sources):.6f}*c{source}" for source in sources)


def highest_source(channel_map: ChannelMapLike) -> int:
    """Return how many channels a capture needs for this map, 0 when nothing is included."""
    return max((e.source_channel_index for e in channel_map.entries if e.included), default=0)


def map_routing(channel_map: ChannelMapLike) -> Routing | None:
    """
    Turn a channel map into a routing; None when no entry is included.

    ``mono`` is the mean of all sources, ``mono_to_stereo_mix`` the same on both sides.  ``stereo``
    takes the entry of output 1 or else the first, and the entry of output 2, else the second, else
    the left one.  Any other mode puts each entry where it says; entries that do not say fill what
    is free from the left, and an output that nobody fills is silent.

    :raises ImpossibleRender: when indices are below 1, too high, or one output has two sources.
    """
    entries = sorted(
        (entry for entry in channel_map.entries if entry.included),
        key=lambda entry: entry.output_channel_index or entry.source_channel_index,
    )
    if not entries:
        return None
    _check_indices(entries)
    mode = channel_map.channel_mode
    if mode in {"mono", "mono_to_stereo_mix"}:
        mix = tuple(entry.source_channel_index - 1 for entry in entries)
        return Routing((mix,) if mode == "mono" else (mix, mix))
    placed = _placed(entries)
    if mode == "stereo":
        first = entries[0].source_channel_index - 1
        left = placed.get(1, first)
        second = entries[1].source_channel_index - 1 if len(entries) > 1 else left
        return Routing(((left,), (placed.get(2, second),)))
    return _spread(entries, placed)


def select_routing(selection: Sequence[int], channels: int) -> Routing:
    """
    Route without a map: ``selection`` (counted from 1), else the first ``channels``.

    :raises ImpossibleRender: when that is no channel at all, or an index below 1.
    """
    wanted = list(selection) or list(range(1, channels + 1))
    if not wanted:
        raise ImpossibleRender("the recording has no channels; ask for at least one")
    if min(wanted) < 1:
        raise ImpossibleRender(f"channel {min(wanted)} does not exist; channels count from 1")
    return Routing(tuple((channel - 1,) for channel in wanted))


def _check_indices(entries: Sequence[EntryLike]) -> None:
    for entry in entries:
        for index in (entry.source_channel_index, entry.output_channel_index):
            if index is not None and index < 1:
                raise ImpossibleRender(
                    f"the channel map names channel {index}; channels count from 1"
                )


def _placed(entries: Sequence[EntryLike]) -> dict[int, int]:
    placed: dict[int, int] = {}
    for entry in entries:
        output = entry.output_channel_index
        if output is None:
            continue
        if output in placed:
            raise ImpossibleRender(
                f"the channel map gives output {output} two sources; use mono to mix, "
                "or another output"
            )
        if output > MOST_ROUTED:
            raise ImpossibleRender(
                f"the channel map names output {output}; a recording has at most "
                f"{MOST_ROUTED} mapped channels"
            )
        placed[output] = entry.source_channel_index - 1
    return placed


def _spread(entries: Sequence[EntryLike], placed: dict[int, int]) -> Routing:
    anywhere = [e.source_channel_index - 1 for e in entries if e.output_channel_index is None]
    width = max([len(entries), *placed])
    free = [output for output in range(1, width + 1) if output not in placed]
    filled = {**placed, **dict(zip(free, anywhere, strict=False))}
    return Routing(
        tuple((filled[output],) if output in filled else () for output in range(1, width + 1))
    )
