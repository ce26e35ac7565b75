"""The machine: its clock, its disk, its load."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import NUMBER, TEXT, WHOLE, Each, OrNull, details
from rakkr.health.rows.shapes import COUNTED, CRITICAL, EITHER, INFO, WARNING, node_event

TITLE: Final = "The machine"

_SKEW: Final = details(absoluteSkewSeconds=WHOLE, nodeId=TEXT, skewSeconds=WHOLE)
_DISK: Final = details(
    criticalPercent=NUMBER, nodeId=TEXT, path=TEXT, usedPercent=NUMBER, warningPercent=NUMBER
)
_INODES: Final = {**_DISK, **details(freeInodes=WHOLE, totalInodes=WHOLE)}
_PLACE: Final = details(nodeId=TEXT, path=TEXT)
_LOAD: Final = details(
    cores=NUMBER,
    criticalLoadPerCore=NUMBER,
    loadAverageOneMinute=NUMBER,
    loadPerCore=NUMBER,
    nodeId=TEXT,
    warningLoadPerCore=NUMBER,
)
_BACKENDS: Final = details(
    audioBackends=Each(TEXT),
    availableInterfaces=WHOLE,
    backendCount=WHOLE,
    interfaces=WHOLE,
    missingDevices=Each(TEXT),
    nodeId=TEXT,
)
_PROBE: Final = details(nodeId=TEXT, probe=TEXT)

ROWS: Final = (
    node_event(
        "system.clock_skew",
        WARNING,
        {**_SKEW, **details(warningSeconds=WHOLE)},
        recovery="system.clock_skew_recovered",
        means=(
            "This node's clock differs from the controller's by more than five seconds. Positive:"
            " the controller is ahead."
        ),
        clears="When they differ by two seconds at most.",
        do=(
            "Set up time synchronisation (systemd-timesyncd or chrony) on both machines. Recordings"
            " are whole, but they may begin early or late by as much."
        ),
    ),
    node_event(
        "system.clock_skew_recovered",
        INFO,
        _SKEW,
        means="This node's clock agrees with the controller's again.",
    ),
    node_event(
        "system.disk_pressure",
        EITHER,
        _DISK,
        recovery="system.disk_recovered",
        means=(
            "A file system of this node is fuller than the warning or the critical limit; told"
            " again when it changes between the two."
        ),
        clears="When less of it is used than the warning limit, by a margin.",
        do=(
            "Make room at that path: delete what does not belong there, let recordings be uploaded,"
            " or give the cache a stricter policy at the controller."
        ),
    ),
    node_event(
        "system.disk_recovered",
        INFO,
        _DISK,
        means="The file system has room again.",
    ),
    node_event(
        "system.inode_pressure",
        EITHER,
        _INODES,
        recovery="system.inode_recovered",
        means=(
            "The file system that captures go to has room for few more files, however many bytes"
            " are free; told again when it changes between warning and critical."
        ),
        clears="When fewer of its inodes are used than the warning limit, by a margin.",
        do="Look for a directory with very many small files there, and delete them.",
    ),
    node_event(
        "system.inode_recovered",
        INFO,
        _INODES,
        means="The file system has room for files again.",
    ),
    node_event(
        "system.disk_read_only",
        CRITICAL,
        _PLACE,
        recovery="system.disk_writable",
        means="Nothing can be written where captures go: the file system is mounted read-only.",
        clears="When it can be written to again.",
        do=(
            "Look in the system's journal for errors of the disk. A file system that became"
            " read-only by itself may be damaged: save what is on it, then check it."
        ),
    ),
    node_event(
        "system.disk_writable",
        INFO,
        _PLACE,
        means="Captures can be written again.",
    ),
    node_event(
        "system.cpu_pressure",
        EITHER,
        _LOAD,
        recovery="system.cpu_recovered",
        means=(
            "More programs want to run than this machine has cores for; told again when it changes"
            " between warning and critical."
        ),
        clears="When the load for each core is below the warning limit, by a margin.",
        do=(
            "See with top what takes the processor. Capture itself needs little, but a machine"
            " this busy may drop samples."
        ),
    ),
    node_event(
        "system.cpu_recovered",
        INFO,
        _LOAD,
        means="The load is below its limit again.",
    ),
    node_event(
        "audio_backend.unavailable",
        WARNING,
        _BACKENDS,
        recovery="audio_backend.recovered",
        means="No audio interface can be found on this node.",
        clears="When one is found.",
        do=(
            "See whether the interface is plugged in and powered, whether arecord -l shows it, and"
            " whether the agent's user is in the group audio."
        ),
    ),
    node_event(
        "audio_backend.recovered",
        INFO,
        _BACKENDS,
        means="An audio interface was found.",
    ),
    node_event(
        "system.probe_failed",
        WARNING,
        {**_PROBE, **details(error=TEXT, failureCount=WHOLE)},
        recovery="system.probe_recovered",
        means=(
            "The disk, the load or the audio interfaces could not be looked at, so nothing would be"
            " told of them now. This is the first of a run of failures."
        ),
        clears="When it can be looked at again.",
        do=(
            "Read the error: a program may be missing, a path may not exist, or a network file"
            " system may not answer."
        ),
    ),
    node_event(
        "system.probe_recovered",
        INFO,
        {**_PROBE, **COUNTED, **details(error=OrNull(TEXT))},
        means="It can be looked at again.",
    ),
)
