"""The records of whole jobs, as a run would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rakkr.controller.commands import CacheRetention, ChannelMap, ChannelMapEntry
from rakkr.controller.messages import Job
from rakkr.jobs.maps import AppliedMap
from rakkr.jobs.records import (
    DELIVERED,
    AxisBegan,
    Claimed,
    DeviceKnown,
    Done,
    Gap,
    Heard,
    Note,
    Planned,
    Record,
    Recorded,
    Rendered,
    SegmentOpened,
    SegmentRunning,
    SegmentSealed,
    SegmentStarted,
    Sending,
    Uploaded,
)
from rakkr.jobs.remembered import Remembered, remember
from tests.jobs.making import make_job

RETENTION = CacheRetention(policy_id="p", delete_after_upload=True, max_age_days=3.5)
MAP = AppliedMap(
    ChannelMap(channel_mode="stereo", entries=(ChannelMapEntry(source_channel_index=2),)),
    2,
    None,
    None,
    None,
    "t",
    "Choir",
)


def claimed(number: int = 1, *, wall: float = 1000.0, **command: Any) -> Claimed:
    """A claim of job ``job_<number>``."""
    return Claimed(make_job(number, **command), wall, 5.0, "boot")


def planned(**more: Any) -> Planned:
    """Ten seconds of stereo."""
    facts: dict[str, Any] = {
        "take": "take-1",
        "backend": "alsa",
        "command": "arecord",
        "args_template": None,
        "device": "hw:0,0",
        "interface_id": "if_1",
        "format": "S16_LE",
        "rate": 48_000,
        "channels": 2,
        "start_frame": 0,
        "seconds": 10,
        "stem": "rec_1",
        "file_name": "rec_1.flac",
        "channel_map": MAP,
    }
    return Planned(**{**facts, **more})


def sealed(number: int, frames: int = 48_000, **more: Any) -> SegmentSealed:
    """A segment in ``/captures/rec_1.<number>.raw.wav``."""
    facts: dict[str, Any] = {
        "number": number,
        "path": Path(f"/captures/rec_1.{number}.raw.wav"),
        "data_offset": 80,
        "format": "S16_LE",
        "rate": 48_000,
        "channels": 2,
        "frames": frames,
        "wav": True,
        "started_mono": 6.0,
        "started_wall": 1001.0,
        "ended_mono": 7.0,
        "boot_id": "boot",
    }
    return SegmentSealed(**{**facts, **more})


def segment(number: int, frames: int = 48_000, **more: Any) -> list[Record]:
    """All that is written about one segment."""
    trace = {"path": f"/captures/rec_1.{number}.raw.wav"}
    return [
        SegmentOpened(number, trace),
        SegmentRunning(number, {**trace, "pid": 7}),
        SegmentStarted(number, 6.0, 1001.0, "boot-1"),
        Heard(number, 120, 1, 20.5),
        sealed(number, frames, **more),
    ]


def rendered(part: int = 0, **more: Any) -> Rendered:
    """A file of one second."""
    return Rendered(part, Path(f"/captures/rec_1.{part}.flac"), "audio/flac", 1.0, 48_000, **more)


def sending(part: int = 0, reason: str | None = None) -> Sending:
    """The way of that file to the controller."""
    path = Path(f"/captures/rec_1.{part}.flac")
    return Sending(part, path, "audio/flac", "rec_1.flac", 1.0, reason)


def uploaded(part: int, start: int, end: int, **more: Any) -> Uploaded:
    """The receipt for those frames."""
    facts: dict[str, Any] = {"chunk": None, "chunk_total": None, "wall": 1010.0, **more}
    return Uploaded(part, 99, f"sha256:{'0' * 64}", start_frame=start, end_frame=end, **facts)


def recorded(end: int = 144_000, *gaps: Gap) -> Recorded:
    """The recording ends there."""
    return Recorded(0, end, gaps, "its window is full")


RUN: tuple[Record, ...] = (
    claimed(recorder_cache_retention=RETENTION),
    planned(),
    DeviceKnown({"card": "USB", "path": ["1-2", 3]}),
    AxisBegan(6.0, 1001.0, "boot-1"),
    *segment(1, error="arecord: No such device"),
    Note("the card came back as hw:1,0"),
    *segment(2),
    recorded(144_000, Gap(48_000, 48_000, "arecord: No such device")),
    rendered(),
    sending(),
    sending(reason="the controller is away"),
    uploaded(0, 0, 144_000),
    Done(DELIVERED, "1.000 s, 99 bytes", 1011.0),
)
"""A job whose card was lost once, and whose upload was tried twice."""


def known(*records: Record) -> Remembered:
    """What a job is known by after these, its claim first."""
    first = () if records and isinstance(records[0], Claimed) else (claimed(),)
    return remember([*first, *records])


def run_until(kind: type[Any]) -> Remembered:
    """The run up to its last record of a kind."""
    last = max(index for index, record in enumerate(RUN) if isinstance(record, kind))
    return remember(RUN[: last + 1])


def job_of(remembered: Remembered) -> Job:
    """Its job."""
    return remembered.job
