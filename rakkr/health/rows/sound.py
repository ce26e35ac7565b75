"""What levels are measured of: a source that gives no samples."""

from __future__ import annotations

from typing import Final

from rakkr.health.detail import TEXT, Each, OneOf, details
from rakkr.health.rows.shapes import CRITICAL, INFO, WARNING, node_event

TITLE: Final = "The source of levels"

_SOURCE: Final = details(backend=TEXT, device=TEXT, format=TEXT, nodeId=TEXT)
_FAILURE: Final = {
    **_SOURCE,
    # Nothing is ever invented in its place.
    **details(error=TEXT, usingSyntheticFallback=OneOf((False,))),
}
_RECOVERY = "meter.capture_recovered"
_CLEARS = "When this source gives samples again."

ROWS: Final = (
    node_event(
        "meter.capture_failed",
        WARNING,
        {**_FAILURE, **details(classification=OneOf(("capture_failed",)))},
        recovery=_RECOVERY,
        means="No levels can be measured of this source, for a reason that has no type of its own.",
        clears=_CLEARS,
        do="Read the error, which is what the capture program said.",
    ),
    node_event(
        "meter.device_unavailable",
        CRITICAL,
        {**_FAILURE, **details(classification=OneOf(("device_unavailable",)))},
        recovery=_RECOVERY,
        means=(
            "No levels can be measured because the device is not there, or another program has it."
        ),
        clears=_CLEARS,
        do=(
            "See whether it is plugged in and powered, and which program has it open (fuser -v"
            " /dev/snd/*). A recording of this device would fail, too."
        ),
    ),
    node_event(
        "meter.xrun",
        WARNING,
        {**_FAILURE, **details(classification=OneOf(("xrun",)))},
        recovery=_RECOVERY,
        means="Metering ended because samples were not fetched from the device in time.",
        clears=_CLEARS,
        do="See what else keeps the machine busy.",
    ),
    node_event(
        "meter.capture_recovered",
        INFO,
        {
            **_SOURCE,
            **details(previousKind=TEXT, previousKinds=Each(TEXT), previousType=TEXT),
        },
        means="This source gives samples again; the details say of which kinds its failures were.",
    ),
)
