"""What the records of a journal mean when they are taken together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

import attrs

from rakkr.controller.messages import Job
from rakkr.jobs import records as r
from rakkr.jobs.segment import Segment, grown
from rakkr.render.plan import FrameRange


class NothingRemembered(ValueError):
    """Records that do not say which job they belong to."""


class Stage(Enum):
    """How far a job has come; the last one that applies."""

    CLAIMED = "claimed"
    PLANNED = "planned"
    RECORDING = "recording"
    RECORDED = "recorded"
    RENDERED = "rendered"
    SENDING = "sending"
    UPLOADED = "uploaded"
    MARKED = "marked"
    SALVAGE = "salvage"
    HANDED = "handed over"
    DONE = "done"


@attrs.frozen(kw_only=True)
class Remembered:
    """
    A job, and what was done about it.

    :ivar job: as the last claim described it.
    :ivar claimed: the first claim.
    :ivar axis: when the take began.
    :ivar segments: by number, in order.
    :ivar rendered: the newest file of each part.
    :ivar sending: the newest try of each part.
    :ivar receipts: of each part that the controller holds.
    :ivar punched: the first frame whose space was not given back yet.
    :ivar mark: what the controller is to be told, or was (``mark_taken``).
    :ivar handed_to: the job that took the audio over.
    :ivar given_back: files that are not here any more; a new one of that name is another's.
    :ivar unknown: how many records this agent does not understand.
    """

    job: Job
    claimed: r.Claimed
    planned: r.Planned | None = None
    axis: r.AxisBegan | None = None
    device: r.DeviceKnown | None = None
    split: r.Split | None = None
    segments: Mapping[int, Segment] = attrs.field(factory=dict)
    recorded: r.Recorded | None = None
    rendered: Mapping[int, r.Rendered] = attrs.field(factory=dict)
    sending: Mapping[int, r.Sending] = attrs.field(factory=dict)
    receipts: Mapping[int, r.Uploaded] = attrs.field(factory=dict)
    punched: int = 0
    mark: r.MarkWanted | None = None
    mark_taken: bool = False
    salvaged: r.Salvaged | None = None
    handed_to: str | None = None
    done: r.Done | None = None
    given_back: frozenset[Path] = frozenset()
    unknown: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done for the job; its files may still be there."""
        return self.done is not None

    @property
    def unfinished_recording(self) -> bool:
        """Whether samples may still have to be recorded, or sealed."""
        ends = (self.done, self.recorded, self.mark, self.salvaged, self.handed_to)
        return all(end is None for end in ends)

    @property
    def has_audio(self) -> bool:
        """Whether a segment left a file, or may have; or only files made of it were left."""
        if not self.segments:
            return bool(self.rendered)
        return any(
            each.sealed is None or each.sealed.path is not None for each in self.segments.values()
        )

    @property
    def is_salvage(self) -> bool:
        """Whether its audio waits here for another job of the same recording."""
        delivered = self.done is not None and self.done.ending == r.DELIVERED
        return (
            self.salvaged is not None
            and self.has_audio
            and self.handed_to is None
            and not delivered
        )

    @property
    def undelivered(self) -> tuple[FrameRange, ...]:
        """The frames of the recording, once it is over, that no receipt covers; in order."""
        if self.recorded is None:
            return ()
        reached, left = self.recorded.start_frame, []
        for receipt in sorted(self.receipts.values(), key=lambda each: each.start_frame):
            if receipt.start_frame > reached:
                left.append(FrameRange(reached, min(receipt.start_frame, self.recorded.end_frame)))
            reached = max(reached, receipt.end_frame)
        if reached < self.recorded.end_frame:
            left.append(FrameRange(reached, self.recorded.end_frame))
        return tuple(each for each in left if each.frames > 0)

    @property
    def is_delivered(self) -> bool:
        """Whether the controller holds every frame of a recording that is over."""
        return self.recorded is not None and bool(self.receipts) and not self.undelivered

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        reached = (
            (self.is_over, Stage.DONE),
            (self.handed_to is not None, Stage.HANDED),
            (self.salvaged is not None, Stage.SALVAGE),
            (self.mark is not None, Stage.MARKED),
            (self.is_delivered, Stage.UPLOADED),
            (self.recorded is None and bool(self.segments), Stage.RECORDING),
            (self.recorded is None and self.planned is not None, Stage.PLANNED),
            (self.recorded is None, Stage.CLAIMED),
            (bool(self.sending), Stage.SENDING),
            (bool(self.rendered), Stage.RENDERED),
        )
        return next((stage for applies, stage in reached if applies), Stage.RECORDED)

    @property
    def last_wall(self) -> float:
        """The latest moment that the journal knows, in seconds since the epoch."""
        walls = [receipt.wall for receipt in self.receipts.values()]
        return max([self.claimed.wall, self.done.wall if self.done else 0.0, *walls])

    def local_paths(self) -> tuple[Path, ...]:
        """Every file with audio that the journal names; it may exist, or be gone already."""
        paths = [each.path for each in self.segments.values()]
        paths += [each.path for each in self.rendered.values()]
        paths += [each.path for each in self.sending.values()]
        gone = self.given_back
        return tuple(dict.fromkeys(each for each in paths if each is not None and each not in gone))


# Records that are kept as they are, and those that are kept as the newest of their part.
_WHOLE: Final[dict[type[Any], str]] = {
    r.Planned: "planned",
    r.AxisBegan: "axis",
    r.DeviceKnown: "device",
    r.Split: "split",
    r.Recorded: "recorded",
    r.MarkWanted: "mark",
    r.Salvaged: "salvaged",
    r.Done: "done",
}
_BY_PART: Final[dict[type[Any], str]] = {
    r.Rendered: "rendered",
    r.Sending: "sending",
    r.Uploaded: "receipts",
}


def remember(records: Iterable[r.Record]) -> Remembered:
    """
    Fold a journal's records into what they mean.

    :raises NothingRemembered: when no record says which job this is.
    """
    remembered: Remembered | None = None
    for record in records:
        if remembered is not None:
            remembered = advance(remembered, record)
        elif isinstance(record, r.Claimed):
            remembered = Remembered(job=record.job, claimed=record)
        elif not isinstance(record, r.Unknown | r.Note):
            break
    if remembered is None:
        raise NothingRemembered("the journal does not say which job it belongs to")
    return remembered


def advance(known: Remembered, record: r.Record) -> Remembered:
    """Take one more record into account, in whatever order they come."""
    changes = _change(known, record)
    return attrs.evolve(known, **changes)


def _change(known: Remembered, record: r.Record) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    match record:
        case (
            r.Planned()
            | r.AxisBegan()
            | r.DeviceKnown()
            | r.Split()
            | r.Recorded()
            | r.MarkWanted()
            | r.Salvaged()
            | r.Done()
        ):
            changes[_WHOLE[type(record)]] = record
        case r.Rendered() | r.Sending() | r.Uploaded():
            name = _BY_PART[type(record)]
            changes[name] = {**getattr(known, name), record.part: record}
        case r.Claimed():
            changes["job"] = record.job
        case r.Punched():
            changes["punched"] = max(known.punched, record.end_frame)
        case r.MarkTaken():
            changes["mark_taken"] = True
        case r.Handed():
            changes["handed_to"] = record.job_id
        case r.GivenBack():
            changes["given_back"] = known.given_back.union(record.paths)
        case r.Unknown():
            changes["unknown"] = known.unknown + 1
        case r.Note():
            pass  # for people
        case _:
            segment = grown(known.segments.get(record.number, Segment(record.number)), record)
            segments = {**known.segments, record.number: segment}
            changes["segments"] = dict(sorted(segments.items()))
    return changes
