"""Evidence itself: the local log, and the way to the controller."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import TEXT, WHOLE, OrNull, details
from rakkr.health.rows.shapes import COUNTED, INFO, WARNING, node_event

TITLE: Final = "Evidence itself"

_ERROR: Final = details(error=TEXT)

ROWS: Final = (
    node_event(
        "health_event.sync_failed",
        WARNING,
        _ERROR,
        recovery="health_event.sync_recovered",
        means=(
            "The controller did not take an event. Those that wait are delivered in their order as"
            " soon as it takes them. This is the first of a run of failures."
        ),
        clears="With the next event that it takes.",
        do="If it lasts, read the error: look at the network, the controller and the node's token.",
    ),
    node_event(
        "health_event.sync_recovered",
        INFO,
        {**COUNTED, **details(error=OrNull(TEXT))},
        means="The controller takes events again; what waited follows.",
    ),
    node_event(
        "health_log.write_failed",
        WARNING,
        details(error=TEXT, path=TEXT),
        recovery="health_log.write_recovered",
        means=(
            "The local log takes no events, or does not keep up. They wait in memory, and would not"
            " survive a restart. This is the first of a run of failures."
        ),
        clears="With the next event that it takes.",
        do="Make room, or see to the permissions of the file that is named, and of its directory.",
    ),
    node_event(
        "health_log.write_recovered",
        INFO,
        {**COUNTED, **details(lateCount=WHOLE, lostCount=WHOLE, path=TEXT)},
        means=(
            "The local log takes events again. lateCount of them were written late, and lostCount"
            " are lost."
        ),
        do="Nothing, unless some are lost: then look in the log of the program for that time.",
    ),
    node_event(
        "health_log.set_aside",
        WARNING,
        details(error=OrNull(TEXT), path=TEXT, setAside=TEXT),
        means=(
            "The local log could not be read or written. It has another name now, and a new one is"
            " begun."
        ),
        clears="It does not: it tells of one file, once.",
        do="See to the disk; the file that was set aside can be read by people.",
    ),
    node_event(
        "health_outbox.event_refused",
        WARNING,
        details(body=TEXT, count=WHOLE, path=TEXT, refusedType=TEXT, status=WHOLE),
        means=(
            "The controller refused an event for good. It is set aside in the file that is named,"
            " and those after it are delivered. count says how many were since the last time that"
            " this was told."
        ),
        clears="It does not: it tells of these events.",
        do="Report it as a defect, with the event from that file.",
    ),
    node_event(
        "health_outbox.dropped",
        WARNING,
        details(count=WHOLE, path=TEXT),
        means=(
            "More events were waiting for the controller than the log keeps; the oldest will never"
            " reach it."
        ),
        clears="It does not: it tells of these events.",
        do="See to the controller. Give the log more room if outages may be as long as this.",
    ),
)
