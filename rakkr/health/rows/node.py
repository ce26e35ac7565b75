"""The node and its controller: start, heartbeats, inventory, config, claims, levels and audio."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import SWITCH, TEXT, WHOLE, Each, OneOf, OrNull, details
from rakkr.health.rows.shapes import COUNTED, INFO, WARNING, node_event

TITLE: Final = "The node and its controller"

_SUMMARY: Final = details(
    alias=TEXT,
    audioBackends=Each(TEXT),
    hostname=TEXT,
    interfaceCount=WHOLE,
    lastSeenAt=TEXT,
    nodeId=TEXT,
    status=TEXT,
)
_ERROR: Final = details(error=TEXT)
_NO_ERROR: Final = details(error=OrNull(TEXT))
_FRAME: Final = details(capturedAt=TEXT, channelCount=WHOLE, interfaceId=TEXT, nodeId=TEXT)
_CHUNK: Final = details(
    capturedAt=TEXT,
    contentType=OneOf(("audio/wav",)),
    durationMs=WHOLE,
    interfaceId=TEXT,
    monitorBytes=WHOLE,
    nodeId=TEXT,
)
_CONFIG: Final = details(
    audioDefaultsConfigured=OrNull(SWITCH),
    maxConcurrentRecordings=OrNull(WHOLE),
    nodeId=TEXT,
    recorderCachePolicyCount=OrNull(WHOLE),
)
_LOOK_AT_THE_WAY = (
    "If it lasts, read the error: look at the network, at the controller, at its certificate and at"
    " the node's token. Recordings that run go on in any case."
)

ROWS: Final = (
    node_event(
        "started",
        INFO,
        details(alias=TEXT, controllerUrl=TEXT, meterBackend=TEXT, nodeId=TEXT),
        means="The agent was started.",
        do="Nothing, unless nobody started it: then look in the system's journal for why it ended.",
    ),
    node_event(
        "node_heartbeat.sync_failed",
        WARNING,
        {**_SUMMARY, **_ERROR},
        recovery="node_heartbeat.sync_recovered",
        means="The controller did not take a heartbeat; this is the first of a run of failures.",
        clears="With the next heartbeat that it takes.",
        do=_LOOK_AT_THE_WAY,
    ),
    node_event(
        "node_heartbeat.sync_recovered",
        INFO,
        {**_SUMMARY, **_NO_ERROR, **COUNTED},
        means="The controller takes heartbeats again.",
    ),
    node_event(
        "node_inventory.sync_failed",
        WARNING,
        {**_SUMMARY, **_ERROR},
        recovery="node_inventory.sync_recovered",
        means=(
            "The controller did not take the list of this node's audio interfaces, so it shows an"
            " old one. This is the first of a run of failures."
        ),
        clears="With the next list that it takes; it is sent again with every heartbeat.",
        do=_LOOK_AT_THE_WAY,
    ),
    node_event(
        "node_inventory.sync_recovered",
        INFO,
        {**_SUMMARY, **_NO_ERROR, **COUNTED},
        means="The controller has this node's list of audio interfaces.",
    ),
    node_event(
        "node_config.sync_failed",
        WARNING,
        {**_CONFIG, **_ERROR},
        recovery="node_config.sync_recovered",
        means=(
            "The settings that the controller keeps for this node could not be read; those that"
            " were read last hold on. This is the first of a run of failures."
        ),
        clears="With the next time that they can be read.",
        do=_LOOK_AT_THE_WAY,
    ),
    node_event(
        "node_config.sync_recovered",
        INFO,
        {**_CONFIG, **_NO_ERROR, **COUNTED},
        means=(
            "The settings that the controller keeps for this node can be read again; an error names"
            " those among them that make no sense and are not used."
        ),
        do="Nothing, unless there is an error: then put that setting right at the controller.",
    ),
    node_event(
        "recording_job.claim_next_failed",
        WARNING,
        details(error=TEXT, nodeId=TEXT),
        recovery="recording_job.claim_next_recovered",
        means=(
            "The controller could not be asked for recordings to begin. This is the first of a run"
            " of failures."
        ),
        clears="With the next time that it answers.",
        do=(
            "See to it that the controller can be reached: recordings that are due meanwhile do not"
            " begin, or begin late."
        ),
    ),
    node_event(
        "recording_job.claim_next_recovered",
        INFO,
        details(failureCount=WHOLE, nodeId=TEXT),
        means="The controller can be asked for recordings again.",
        do="See whether a recording should have begun meanwhile.",
    ),
    node_event(
        "meter_frame.sync_failed",
        WARNING,
        {**_FRAME, **_ERROR},
        recovery="meter_frame.sync_recovered",
        means=(
            "The controller did not take levels, so its meters stand still. This is the first of a"
            " run of failures."
        ),
        clears="With the next levels that it takes.",
        do=_LOOK_AT_THE_WAY,
    ),
    node_event(
        "meter_frame.sync_recovered",
        INFO,
        {**_FRAME, **COUNTED},
        means="The controller takes levels again.",
    ),
    node_event(
        "listen_monitor.chunk_sync_failed",
        WARNING,
        {**_CHUNK, **_ERROR},
        recovery="listen_monitor.chunk_sync_recovered",
        means=(
            "The controller did not take live audio, so whoever listens in hears a gap. This is the"
            " first of a run of failures."
        ),
        clears="With the next live audio that it takes.",
        do=_LOOK_AT_THE_WAY,
    ),
    node_event(
        "listen_monitor.chunk_sync_recovered",
        INFO,
        {**_CHUNK, **_NO_ERROR, **COUNTED},
        means="The controller takes live audio again.",
    ),
)
