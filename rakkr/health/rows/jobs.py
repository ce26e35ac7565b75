"""Jobs: what is asked for, whether the controller is heard, and what a restart finds."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import SWITCH, TEXT, WHOLE, Each, OneOf, OrNull, Record, details
from rakkr.health.rows.shapes import CHANNEL_MAP, INFO, WARNING, job_event, node_event

TITLE: Final = "Jobs"

_ERROR: Final = details(error=TEXT)
_HEARD = "control_plane_recovered"

ROWS: Final = (
    job_event(
        "channel_map_applied",
        INFO,
        {**CHANNEL_MAP.always, **details(configuredCaptureChannels=WHOLE)},
        means="The recording's channels are chosen and named by a channel map.",
    ),
    job_event(
        "channel_map_lookup_failed",
        WARNING,
        _ERROR,
        means=(
            "The controller could not say which channel map is assigned to the interface, so the"
            " recording has all channels as they are captured."
        ),
        clears="Never for this recording; the next one asks again.",
        do="Read the error. If the map matters, choose its channels in the delivered file.",
    ),
    job_event(
        "control_plane_failed",
        WARNING,
        _ERROR,
        recovery=_HEARD,
        means=(
            "The controller did not take the heartbeat of a recording. It goes on, and is uploaded"
            " when the controller is back. This is the first of a run of failures."
        ),
        clears="With the next heartbeat of the recording that it takes.",
        do=(
            "See to the network and the controller. One that hears nothing for half a minute gives"
            " the job up; retry the recording there, and what was recorded is uploaded."
        ),
    ),
    job_event(
        "status_poll_failed",
        WARNING,
        _ERROR,
        recovery=_HEARD,
        means=(
            "The controller could not be asked whether the recording is to be stopped. This is the"
            " first of a run of failures."
        ),
        clears="With the next time that it answers.",
        do="See to the network and the controller; until then Stop does not reach this node.",
    ),
    job_event(
        "control_plane_recovered",
        INFO,
        {},
        means="The controller is heard again.",
    ),
    job_event(
        "recovered_after_restart",
        WARNING,
        details(nodeId=TEXT, previousStatus=TEXT, stateUpdatedAt=TEXT),
        details(
            chunked=OneOf((True,)),
            chunkTotal=OrNull(WHOLE),
            outputBytes=OrNull(WHOLE),
            outputPath=OrNull(TEXT),
            pendingChunkCount=WHOLE,
            rawOutputPath=OrNull(TEXT),
            recoveredSegmentCount=WHOLE,
            recoveredSegments=Each(Record(details(attempt=WHOLE, bytes=WHOLE, path=TEXT))),
            stitchedRecoveredSegments=SWITCH,
            uploadAlreadyAccepted=SWITCH,
            uploadedChunkCount=OrNull(WHOLE),
            willUpload=SWITCH,
        ),
        means=(
            "A job that another agent left unfinished in the state file is taken over. What this"
            " agent itself left unfinished is gone on with from its journal, which is no event."
        ),
        clears="When the job is over.",
        do="Listen to this recording: where it was interrupted, something may be missing.",
    ),
    node_event(
        "recording_job.restart_recovery_synced",
        INFO,
        details(nodeId=TEXT),
        means="What a restart interrupted was settled with the controller, after the start.",
        not_emitted=(
            "a restart is no mode of its own here: each job goes on from its journal and tells its"
            " own end"
        ),
    ),
    job_event(
        "salvage_uploading",
        WARNING,
        details(frames=WHOLE, framesGivenBack=WHOLE, previousJobId=TEXT, reason=OrNull(TEXT)),
        means=(
            "A retried recording gets the audio that this node kept of the earlier job, which the"
            " controller had given up."
        ),
        clears="When the job is over.",
        do="Listen to this recording: it is what was said then, not now, and may be incomplete.",
    ),
    node_event(
        "recording_job.journal_trouble",
        WARNING,
        details(
            error=TEXT,
            path=TEXT,
            what=OneOf(("unwritable", "unreadable", "damaged", "double")),
        ),
        means=(
            "A file by which the agent remembers a job cannot be written, read or understood."
            " Damaged ones are set aside with .damaged behind their name; the agent goes on."
        ),
        clears="It does not: it tells of one file, once.",
        do=(
            "Unwritable or unreadable: see to the disk and the permissions, for a restart would"
            " forget the job. Damaged: look for its audio in --capture-dir and upload it with"
            " --attach-cache-file."
        ),
    ),
)
