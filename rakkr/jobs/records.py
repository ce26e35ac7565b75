"""
What is written into a job's journal, one class for each kind of line.

Plain values only: a record must be readable by the agent that comes after this one.  How a record
becomes JSON is in :mod:`rakkr.jobs.record_form`, and what a list of them means in
:mod:`rakkr.jobs.remembered`.  Frames count on the axis of the job's take.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs

from rakkr.controller.messages import Job
from rakkr.jobs.maps import AppliedMap
from rakkr.jobs.segment_records import (
    Heard,
    OfSegment,
    SegmentOpened,
    SegmentRunning,
    SegmentSealed,
    SegmentStarted,
)
from rakkr.jobs.timeline import Gap

__all__ = [
    "DELIVERED",
    "Claimed",
    "Done",
    "Gap",
    "GivenBack",
    "Handed",
    "Heard",
    "MarkTaken",
    "MarkWanted",
    "Note",
    "OfSegment",
    "Planned",
    "Punched",
    "Record",
    "Recorded",
    "Rendered",
    "Salvaged",
    "SegmentOpened",
    "SegmentRunning",
    "SegmentSealed",
    "SegmentStarted",
    "Sending",
    "Unknown",
    "Uploaded",
]

DELIVERED = "delivered"
"""The :attr:`Done.ending` of a job whose audio the controller holds."""


@attrs.frozen
class Claimed:
    """
    The controller gave this job to this agent; the first record of every journal.

    :ivar job: as the claim described it.
    :ivar wall: seconds since the epoch.
    :ivar mono: seconds of the monotonic clock, of the boot that ``boot_id`` names.
    """

    job: Job
    wall: float
    mono: float
    boot_id: str


@attrs.frozen(kw_only=True)
class Planned:
    """
    What is captured for the job, and what it gets of it.

    :ivar take: the name of the take, the same in the journals of all jobs that share it.
    :ivar format: the ALSA name of the sample format.
    :ivar start_frame: where the job's window begins.
    :ivar seconds: the length of the window.
    :ivar stem: the name of the take's files, without number and extension.
    :ivar file_name: the delivered file's name.
    :ivar chunk_seconds: the length of its pieces, None for one whole file.
    """

    take: str
    backend: str
    command: str
    args_template: str | None
    device: str
    interface_id: str | None
    format: str
    rate: int
    channels: int
    start_frame: int
    seconds: int
    stem: str
    file_name: str
    channel_map: AppliedMap | None = None
    chunk_seconds: int | None = None


@attrs.frozen
class AxisBegan:
    """When frame 0 of the take was captured; ``mono`` is of the boot that ``boot_id`` names."""

    mono: float
    wall: float
    boot_id: str


@attrs.frozen
class DeviceKnown:
    """:ivar identity: how the card is found again under another number; the inventory reads it."""

    identity: dict[str, Any]


@attrs.frozen
class Split:
    """
    The recording is delivered as chunks although nobody asked for them.

    :ivar chunk_frames: the most that one may have.
    :ivar reason: why it cannot be one file.
    """

    chunk_frames: int
    reason: str


@attrs.frozen
class Recorded:
    """
    The recording of this job is over; others may go on in the same take.

    :ivar end_frame: the first frame behind it.
    :ivar reason: why it is over.
    """

    start_frame: int
    end_frame: int
    gaps: tuple[Gap, ...]
    reason: str


@attrs.frozen
class Rendered:
    """
    A file to be delivered was made; it exists until :attr:`Uploaded` and longer.

    :ivar part: which file of the recording, counted from 0.
    :ivar chunk: its 0-based number for the controller; None for a whole recording.
    """

    part: int
    path: Path
    content_type: str
    seconds: float
    frames: int
    chunk: int | None = None


@attrs.frozen
class Sending:
    """
    An upload is about to be tried, or is tried again.

    :ivar path: the file that is sent; the capture itself where nothing had to be rendered.
    :ivar file_name: its name for the controller.
    :ivar reason: why the try before failed; None for the first one.
    """

    part: int
    path: Path
    content_type: str
    file_name: str
    seconds: float
    reason: str | None = None


@attrs.frozen
class Uploaded:
    """
    The controller's receipt for a part: its size and checksum are what was sent.

    :ivar chunk_total: how many chunks there are, where the controller was told with this one.
    :ivar start_frame: the frames that the controller holds now.
    :ivar content_type: of the file; "" in the journals of an agent that did not write it.
    """

    part: int
    size: int
    checksum: str
    chunk: int | None
    chunk_total: int | None
    start_frame: int
    end_frame: int
    wall: float
    content_type: str = ""


@attrs.frozen
class Punched:
    """The space of everything before ``end_frame`` was given back to the file system."""

    end_frame: int


@attrs.frozen
class MarkWanted:
    """The controller is to be told how the job ended."""

    what: Literal["failed", "cancelled"]
    reason: str


@attrs.frozen
class MarkTaken:
    """The controller knows how the job ended."""


@attrs.frozen
class Salvaged:
    """The audio cannot be delivered under this job; it is kept under its recording's id."""

    reason: str


@attrs.frozen
class Handed:
    """The audio was taken over by another job of the same recording."""

    job_id: str


@attrs.frozen
class Done:
    """
    Nothing is left to be done for the job.

    :ivar ending: :data:`DELIVERED`, ``failed``, ``cancelled`` or ``kept``.
    :ivar detail: a sentence for people.
    :ivar wall: seconds since the epoch.
    """

    ending: str
    detail: str
    wall: float = 0.0


@attrs.frozen
class GivenBack:
    """These files are not here any more; the controller has what was in them."""

    paths: tuple[Path, ...]


@attrs.frozen
class Note:
    """Something for people who read the journal."""

    text: str


@attrs.frozen
class Unknown:
    """A record that this agent does not understand, because a newer one wrote it."""

    kind: str
    data: dict[str, Any]


Record = (
    Claimed
    | Planned
    | AxisBegan
    | DeviceKnown
    | Split
    | OfSegment
    | Recorded
    | Rendered
    | Sending
    | Uploaded
    | Punched
    | MarkWanted
    | MarkTaken
    | Salvaged
    | Handed
    | Done
    | GivenBack
    | Note
    | Unknown
)
