"""Room on the disk for recordings."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, SWITCH, TEXT, WHOLE, OneOf, OrNull, details
from rakkr.health.rows.shapes import CRITICAL, EITHER, INFO, SWEPT, WARNING, job_event

TITLE: Final = "Room for recordings"

_PLACE: Final = details(
    freeBytes=WHOLE, outputPath=TEXT, requiredBytes=WHOLE, systemHealthDiskPath=TEXT
)
_MAKE_ROOM = "Make room in --capture-dir, or let recordings that wait there be uploaded."

ROWS: Final = (
    job_event(
        "disk_space_cleanup_attempted",
        ("info", "warning"),
        {**_PLACE, **SWEPT},
        means=(
            "The disk is short, so the cache was swept of recordings that the controller has. A"
            " warning: something could not be deleted."
        ),
        clears="It does not: each sweep tells of itself.",
        do="For a warning, see to the permissions of the files that are named.",
    ),
    job_event(
        "disk_space_cleanup_skipped",
        WARNING,
        {**_PLACE, **details(error=TEXT)},
        means="The disk is short, and the cache could not be swept.",
        clears="It does not; it is tried again while the disk is short.",
        do=f"Read the error. {_MAKE_ROOM}",
    ),
    job_event(
        "disk_space_recovered",
        INFO,
        {**_PLACE, **details(initialFreeBytes=WHOLE)},
        means="There was too little room for a new recording; a sweep made enough of it.",
    ),
    job_event(
        "disk_space_insufficient",
        CRITICAL,
        {**_PLACE, **details(totalBytes=WHOLE, usedPercent=NUMBER)},
        means=(
            "There is too little room for a new recording and all that run, so it was not begun."
            " The job failed."
        ),
        clears="Never for this recording.",
        do=f"{_MAKE_ROOM} Then retry the recording at the controller.",
    ),
    job_event(
        "disk_space_low",
        EITHER,
        {
            **_PLACE,
            **details(
                bytesPerSecond=WHOLE,
                rung=OneOf(("sweep", "shed", "delay_renders", "last_minutes")),
                secondsLeft=OrNull(WHOLE),
            ),
        },
        recovery="disk_space_runtime_recovered",
        means=(
            "At this rate the disk is full before the recordings that run are over. It is critical"
            " for the last minutes. The recordings go on until it is full."
        ),
        clears="When there is room for all that is recorded, or nothing is recorded any more.",
        do=f"{_MAKE_ROOM} secondsLeft says how much time there is.",
    ),
    job_event(
        "disk_space_runtime_recovered",
        INFO,
        {
            **_PLACE,
            **details(
                estimatedCaptureBytes=WHOLE,
                freeBytes=OrNull(WHOLE),
                remainingBytes=WHOLE,
                writtenBytes=WHOLE,
            ),
        },
        means=(
            "The disk has room again for all that is recorded, or nothing is recorded any more. The"
            " bytes are those of all recordings that run."
        ),
    ),
    job_event(
        "disk_space_exhausted",
        CRITICAL,
        details(
            error=TEXT,
            estimatedCaptureBytes=WHOLE,
            freeBytes=WHOLE,
            growthAgeSeconds=WHOLE,
            outputPath=OrNull(TEXT),
            remainingBytes=WHOLE,
            systemHealthDiskPath=TEXT,
            writtenBytes=WHOLE,
        ),
        details(willRetry=SWITCH),
        means=(
            "The disk is full, and the recording ended there. What was recorded until then is"
            " delivered."
        ),
        clears="Never for this recording.",
        do=_MAKE_ROOM,
    ),
)
