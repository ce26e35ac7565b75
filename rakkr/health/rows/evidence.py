"""Evidence itself: the local log, and the way to the controller."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import TEXT, WHOLE, OrNull, details
from rakkr.health.rows.shapes import INFO, WARNING, node_event

TITLE: Final = "Evidence itself"

ROWS: Final = (
    node_event(
        "health_log.write_failed",
        WARNING,
        details(error=TEXT, path=TEXT),
        details(nodeId=TEXT),
        recovery="health_log.write_recovered",
        means=(
            "The local log takes no events. They go to the controller in any case, but those of an"
            " outage would not survive a restart. This is the first of a run of failures."
        ),
        clears="With the next event that it takes.",
        do="Make room, or see to the permissions of --agent-health-log-file.",
    ),
    node_event(
        "health_log.write_recovered",
        INFO,
        details(failureCount=WHOLE, path=TEXT),
        details(nodeId=TEXT),
        means="The local log takes events again; failureCount are not in it.",
    ),
    node_event(
        "health_outbox.event_refused",
        WARNING,
        details(error=TEXT, eventId=TEXT, eventType=TEXT),
        details(nodeId=TEXT, path=OrNull(TEXT), status=OrNull(WHOLE)),
        means=(
            "The controller refused an event for good. It is set aside on this node, and those"
            " after it are delivered."
        ),
        clears="It does not: it tells of one event.",
        do="Report it as a defect, with the event from the file that is named.",
    ),
    node_event(
        "health_outbox.dropped",
        WARNING,
        details(count=WHOLE),
        details(nodeId=TEXT, reason=TEXT),
        means=(
            "More events were waiting for the controller than are kept; the oldest will never reach"
            " it."
        ),
        clears="It does not: it tells of these events.",
        do="See to the controller. Give the local log more room if outages may be as long as this.",
    ),
)
