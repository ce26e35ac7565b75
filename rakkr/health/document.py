"""
The event catalogue for people: the page ``docs/events.md``.

``python -m rakkr.health.document > docs/events.md`` writes the page anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from rakkr.health.catalogue import GROUPS, ended_by
from rakkr.health.event_type import EventType

_INTRODUCTION = """\
# Events

`python -m rakkr.health.document` makes this page from the catalogue in `rakkr/health/rows`.

An event says that something happened on this node. It is in the local log first, as one JSON object
in a line or as a row (`docs/health-log.md`), and then it goes to the controller:

| member | what it is |
|---|---|
| `type` | a heading of this page |
| `severity` | `info`, `warning`, or `critical` |
| `openedAt` | when it happened, whenever it is delivered |
| `recordingId` | the recording that is affected; absent where none is |
| `id` | its own; one that reached the controller twice is known by it |
| `details` | what the table below the heading lists |

* A failure that goes on is one event when it begins and one when it ends; `failureCount` says how
  often it was met.
* A member of the details that is marked *may be absent* is not in every event of its type; `null`
  stands for what is not known or does not apply.
* The name of a detail says its unit; levels are in dBFS, and stamps are UTC.
"""


def _sentence(title: str, text: str) -> str:
    return f"* **{title}:** {text}"


def _details(row: EventType) -> Iterator[str]:
    if not row.details.members:
        return
    yield ""
    yield "| detail | what it is |"
    yield "|---|---|"
    for name, kind in row.details.members.items():
        absent = "; may be absent" if name in row.details.sometimes else ""
        yield f"| `{name}` | {kind.words}{absent} |"


def _overview(rows: Sequence[EventType]) -> Iterator[str]:
    """A table of a group, with links to its entries; their anchors are as GitHub makes them."""
    yield "| event | severity | what happened |"
    yield "|---|---|---|"
    for row in rows:
        link = f"[`{row.type}`](#{row.type.replace('.', '')})"
        severity = "never reported" if row.not_emitted is not None else " or ".join(row.severities)
        first = re.split(r"(?<=[.:;])\s", row.means)[0].rstrip(".:;")
        yield f"| {link} | {severity} | {first} |"
    yield ""


def _entry(row: EventType) -> Iterator[str]:
    yield f"### `{row.type}`"
    yield ""
    yield row.means
    yield ""
    recording = {"always": "always", "never": "none", "where known": "where it is known"}
    if row.not_emitted is not None:
        yield _sentence("Never reported by this agent", f"{row.not_emitted}.")
    yield _sentence("Severity", " or ".join(f"`{each}`" for each in row.severities))
    yield _sentence("Recording", recording[row.recording])
    if row.recovery is not None:
        yield _sentence("Ended by", f"`{row.recovery}`")
    if ended_by(row.type):
        yield _sentence("Ends", ", ".join(f"`{each}`" for each in ended_by(row.type)))
    yield _sentence("Clears", row.clears)
    yield _sentence("What to do", row.do)
    yield from _details(row)
    yield ""


def document() -> str:
    """The page ``docs/events.md``."""
    lines = [_INTRODUCTION]
    for title, rows in GROUPS.items():
        lines += [f"## {title}", "", *_overview(rows)]
        for row in rows:
            lines += _entry(row)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(document())
