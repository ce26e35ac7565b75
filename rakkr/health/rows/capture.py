"""Capture: the device that is recorded from, and what there is of the recording."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, TEXT, WHOLE, Each, OneOf, OrNull, Record, details
from rakkr.health.rows.shapes import (
    CHANNEL_MAP,
    CRITICAL,
    EITHER,
    INFO,
    WARNING,
    job_event,
    node_event,
)

TITLE: Final = "Capture"

_TRY: Final = details(
    attempt=WHOLE,
    backend=TEXT,
    device=TEXT,
    error=TEXT,
    nextAttempt=WHOLE,
    outputBytes=OrNull(WHOLE),
    outputPath=OrNull(TEXT),
    retryAttempts=OrNull(WHOLE),  # null: as often as the recording's window allows
    segmentPath=OrNull(TEXT),
    willRetry=OneOf((True,)),
)
_WAITED: Final = details(secondsWithout=NUMBER)
_BACK: Final = details(
    attempt=WHOLE,
    device=TEXT,
    lossCount=WHOLE,
    outputPath=TEXT,
    secondsWithout=NUMBER,
)
_FAILURE: Final = details(
    channelMap=OrNull(CHANNEL_MAP), device=OrNull(TEXT), error=TEXT, outputPath=OrNull(TEXT)
)
_CHUNKED: Final = details(
    chunkSeconds=NUMBER, chunkTotal=OrNull(WHOLE), reason=TEXT, uploadedChunkCount=WHOLE
)
_GAPS: Final = Each(Record(details(frames=WHOLE, reason=TEXT, startFrame=WHOLE)))
_ACCOUNT: Final = details(
    capturedFrames=WHOLE,
    driftPpm=OrNull(NUMBER),
    dropoutCount=WHOLE,
    dropoutMilliseconds=NUMBER,
    endFrame=WHOLE,
    gaps=_GAPS,
    missingFrames=WHOLE,
    plannedFrames=WHOLE,
    rate=WHOLE,
    reason=TEXT,
    startFrame=WHOLE,
)
_SPOTS: Final = Each(
    Record(
        details(channels=Each(WHOLE), seconds=NUMBER, startSeconds=NUMBER),
        details(channelCount=WHOLE, samples=WHOLE),
    )
)
_HEARD: Final = Record(
    details(
        channel=WHOLE,
        clippedSeconds=NUMBER,
        loudnessLufs=OrNull(NUMBER),
        peakDbfs=NUMBER,
        rmsDbfs=NUMBER,
        silentSeconds=NUMBER,
        speechShare=OrNull(NUMBER),
        truePeakDbtp=NUMBER,
    )
)
_SUMMARY: Final = Record(
    details(
        clippedChannels=WHOLE,
        count=WHOLE,
        loudestChannel=OrNull(WHOLE),
        peakDbfs=OrNull(NUMBER),
        silentChannels=WHOLE,
    )
)
_LOSS = (
    "The device is tried again for as long as the recording's window lasts. It is critical when it"
    " has lasted for half a minute."
)
_PLUG_IN = (
    "See to the device, its cable and its power, and whether another program has it. The recording"
    " goes on by itself when it is back, under another name, too."
)

ROWS: Final = (
    job_event(
        "capture_device_refreshed",
        INFO,
        details(captureInterfaceId=OrNull(TEXT), previousDevice=TEXT, refreshedDevice=TEXT),
        means="The device has another name now than in the job, and is recorded under that one.",
    ),
    node_event(
        "recording_job.capture_start_failed",
        CRITICAL,
        {
            **_FAILURE,
            **details(command=OrNull(TEXT), jobId=OrNull(TEXT), recordingId=OrNull(TEXT)),
        },
        details(chunkSeconds=NUMBER),
        recording="where known",
        means=(
            "The recording could not begin: the job cannot be carried out as it stands, or its"
            " capture program cannot be started. The job failed."
        ),
        clears="Never for this recording.",
        do="Read the error, put right what it names, and retry the recording at the controller.",
    ),
    job_event(
        "capture_device_unavailable",
        EITHER,
        _TRY,
        _WAITED,
        recovery="capture_device_recovered",
        means=f"The device gave no sample when the recording was to begin. {_LOSS}",
        clears="When the device gives samples.",
        do=_PLUG_IN,
    ),
    job_event(
        "capture_device_recovered",
        INFO,
        _BACK,
        means="The device gives samples, and the recording has begun, late.",
    ),
    job_event(
        "capture_device_lost",
        EITHER,
        _TRY,
        _WAITED,
        recovery="capture_runtime_restarted",
        means=f"The device gives no samples any more while it is recorded. {_LOSS}",
        clears="When the device gives samples again.",
        do=f"{_PLUG_IN} The gap becomes silence of the same length.",
    ),
    job_event(
        "capture_runtime_restarted",
        INFO,
        _BACK,
        means="The device gives samples again, and the recording goes on.",
    ),
    job_event(
        "capture_output_stalled",
        CRITICAL,
        {
            **_TRY,
            **details(
                channelMap=OrNull(CHANNEL_MAP),
                growthAgeSeconds=WHOLE,
                growthGraceSeconds=WHOLE,
                lastGrowthSecondsAgo=WHOLE,
                sizeBytes=OrNull(WHOLE),
                stalledSeconds=WHOLE,
            ),
        },
        recovery="capture_runtime_restarted",
        means=(
            "The capture program runs, but its file has stopped growing. It is ended and started"
            " again; a capture_device_lost or capture_device_unavailable follows."
        ),
        clears="When the device gives samples again.",
        do="See to the device and, for a digital one, to its clock.",
    ),
    job_event(
        "capture_failed",
        CRITICAL,
        _FAILURE,
        _CHUNKED,
        means="Nothing of the recording is usable. The job failed.",
        clears="Never for this recording.",
        do=(
            "Read the error and see to the device. If it begins with internal error, report the"
            " traceback of the agent's log as a defect; the audio, if any, is kept."
        ),
    ),
    job_event(
        "capture_accounted",
        INFO,
        _ACCOUNT,
        means=(
            "The recording is over; the details account for every frame of its window: captured, or"
            " missing and why. Its own frames are counted from the beginning of the take, those of"
            " its gaps from its own beginning."
        ),
    ),
    job_event(
        "capture_incomplete",
        WARNING,
        {**_ACCOUNT, **details(device=TEXT)},
        means="Something of the recording's window is missing; the details say where and why.",
        clears="Never for this recording.",
        do="Listen at the places that are named. Gaps are silence of the same length.",
    ),
    job_event(
        "capture_report",
        INFO,
        details(
            frames=WHOLE,
            measuredSeconds=NUMBER,
            rate=WHOLE,
            reportPath=OrNull(TEXT),
            seconds=NUMBER,
        ),
        details(
            channels=Each(_HEARD),
            channelSummary=_SUMMARY,
            driftPpm=OrNull(NUMBER),
            dropoutCount=WHOLE,
            dropoutMilliseconds=NUMBER,
            gapCount=WHOLE,
            gaps=_GAPS,
            missingFrames=WHOLE,
            plannedFrames=WHOLE,
            reason=TEXT,
            worstClipped=_SPOTS,
            worstSilent=_SPOTS,
        ),
        means=(
            "What the recording sounds like: levels, loudness, speech, clipping and silence of each"
            " channel. What does not fit here is in the file that reportPath names."
        ),
        do="Nothing, unless something is clipped or silent that should not be.",
    ),
    job_event(
        "capture_segments_stitched",
        INFO,
        details(
            attempts=Each(WHOLE),
            finalCapturePath=TEXT,
            gapCount=WHOLE,
            gaps=Each(Record(details(frames=WHOLE, startFrame=WHOLE))),
            gapSeconds=Each(NUMBER),
            segmentBytes=WHOLE,
            segmentCount=WHOLE,
            segmentPaths=Each(TEXT),
            stitchedBytes=OrNull(WHOLE),
            stitchedOutputPath=OrNull(TEXT),
        ),
        means=(
            "The recording was interrupted and is put together from several captured files, with"
            " silence for the gaps between them."
        ),
    ),
    job_event(
        "capture_segments_stitch_failed",
        WARNING,
        details(finalCapturePath=TEXT, segmentCount=WHOLE, segmentPaths=Each(TEXT)),
        means="Segments of a recording could not be put together.",
        clears="Never for this recording.",
        do="Put the files together by hand.",
        not_emitted="putting segments together is arithmetic on frames here, and cannot fail",
    ),
    job_event(
        "capture_segments_unrecoverable",
        CRITICAL,
        details(preservedBytes=Each(OrNull(WHOLE)), preservedPaths=Each(TEXT), reason=TEXT),
        means="Segments of a recording could not be put together, and are kept.",
        clears="Never for this recording.",
        do="Put the files together by hand.",
        not_emitted="putting segments together is arithmetic on frames here, and cannot fail",
    ),
)
