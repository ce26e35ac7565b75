"""Delivery: from a captured file to an accepted upload."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, TEXT, WHOLE, OneOf, OrNull, details
from rakkr.health.rows.shapes import CHANNEL_MAP, EITHER, INFO, OUTPUT, WARNING, job_event

TITLE: Final = "Delivery"

_RENDER: Final = {
    **OUTPUT,
    **details(
        channelMap=OrNull(CHANNEL_MAP),
        rawOutputPath=OrNull(TEXT),
        renderCommand=OrNull(TEXT),
        renderedOutputPath=TEXT,
    ),
}
ROWS: Final = (
    job_event(
        "output_rendered",
        INFO,
        _RENDER,
        means="The file that the job asked for was made of what was captured.",
    ),
    job_event(
        "output_render_failed",
        EITHER,
        {**_RENDER, **details(error=TEXT, rawOutputBytes=OrNull(WHOLE))},
        means=(
            "The file that the job asked for could not be made; what was captured is kept. A"
            " warning: the disk had no room for it, and the recording is delivered in pieces."
        ),
        clears="Never for this recording.",
        do=(
            "Read the error; see whether ffmpeg is there and complete. Then retry the recording at"
            " the controller: what was captured is rendered and uploaded."
        ),
    ),
    job_event(
        "enhancement_failed",
        WARNING,
        details(error=TEXT),
        means="The enhanced version was not made; the plain recording is delivered.",
        clears="Never for this recording.",
        do="Enhance it elsewhere, if it is needed.",
    ),
    job_event(
        "raw_rendition_upload_failed",
        WARNING,
        details(error=TEXT),
        means="The unchanged version beside the one that was asked for was not uploaded.",
        clears="Never for this recording.",
        do="Nothing.",
        not_emitted="this agent uploads no second version of a recording",
    ),
    job_event(
        "cache_upload_failed",
        WARNING,
        {
            **OUTPUT,
            **details(
                contentType=TEXT,
                durationSeconds=WHOLE,
                error=TEXT,
                fileName=TEXT,
                outputBytes=OrNull(WHOLE),
                outputPath=TEXT,
            ),
        },
        details(willRetry=OneOf((True,))),
        means=(
            "A file could not be uploaded, and is kept on this node. With willRetry it is tried on,"
            " and this is told once; without, the controller does not want it any more."
        ),
        clears="When the recording is cached at the controller.",
        do=(
            "With willRetry: see to the network and the controller. Without: retry the recording at"
            " the controller, and the file is uploaded."
        ),
    ),
    job_event(
        "upload_split",
        WARNING,
        details(chunkSeconds=NUMBER, error=TEXT, frames=WHOLE),
        means=(
            "The recording is too large to be uploaded, or rendered, in one piece, so it is"
            " delivered as chunks. Nothing is missing."
        ),
        clears="Never for this recording.",
        do="Ask for chunks, or for a codec that takes less, when recordings are as long as this.",
    ),
    job_event(
        "chunked_started",
        INFO,
        details(chunkSeconds=NUMBER, device=TEXT, durationSeconds=WHOLE),
        means="The recording is delivered in chunks while it is recorded.",
    ),
    job_event(
        "chunk_uploaded",
        INFO,
        details(
            checksum=TEXT,
            chunkIndex=WHOLE,
            chunkSeconds=NUMBER,
            chunkTotal=OrNull(WHOLE),
            fileName=TEXT,
            uploadedChunkCount=WHOLE,
        ),
        means="A chunk is at the controller.",
    ),
    job_event(
        "chunk_render_failed",
        WARNING,
        details(chunkIndex=WHOLE, error=TEXT, rawOutputPath=OrNull(TEXT)),
        means="A chunk could not be made. It is tried again for as long as the recording runs.",
        clears="When the chunk is uploaded.",
        do="Read the error; see whether ffmpeg is there, and whether the disk has room.",
    ),
    job_event(
        "chunked_completed",
        INFO,
        details(chunkSeconds=NUMBER, chunkTotal=WHOLE, uploadedChunkCount=WHOLE),
        means="All chunks of the recording are at the controller.",
    ),
    job_event(
        "chunked_fallback",
        INFO,
        details(reason=OneOf(("shared_capture_group", "jack_backend_unsupported"))),
        means="Chunks were asked for, and the recording is delivered in one piece.",
        not_emitted="this agent delivers chunks of every recording",
    ),
    job_event(
        "chunk_upload_failed",
        WARNING,
        details(attempts=WHOLE, chunkIndex=WHOLE, error=TEXT),
        details(willRetry=OneOf((True,))),
        means=(
            "A chunk could not be uploaded so far. It is tried until it is taken, and those after"
            " it wait."
        ),
        clears="With the chunk_uploaded of the same chunk.",
        do="See to the network and the controller. Nothing is lost meanwhile.",
    ),
    job_event(
        "chunked_partial",
        WARNING,
        details(chunkSeconds=NUMBER, error=TEXT, pendingChunkCount=WHOLE, uploadedChunkCount=WHOLE),
        means=(
            "The controller has some chunks of the recording, and does not take the others. All of"
            " it is kept on this node."
        ),
        clears="Never for this job.",
        do="Retry the recording at the controller: all of it is uploaded.",
    ),
    job_event(
        "chunked_cancelled",
        WARNING,
        details(uploadedChunkCount=WHOLE),
        means="A chunked recording was stopped, and what was not delivered yet is lost.",
        clears="Never for this recording.",
        do="Nothing.",
        not_emitted="a recording that is stopped is delivered to its end, and completed",
    ),
)
