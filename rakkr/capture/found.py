"""Finding the program of a capture that another agent began."""

from __future__ import annotations

from pathlib import Path

import attrs

from rakkr.capture.trace import Trace
from rakkr.process_identity import ProcessIdentity, boot_id, group_of, holders, identify, lives


@attrs.frozen
class Found:
    """
    A program that still captures.

    :ivar identity: the process to watch: the leader of its group, or whoever is left of it.
    :ivar group: the process group that it leads, or is about to lead, or that is left of it.
    """

    identity: ProcessIdentity
    group: int


def find(trace: Trace, proc: Path) -> Found | None:
    """
    Find who writes the files of a capture; None when nobody does.

    The process that was written down comes first.  Where there is none, or where it was killed and
    left its program behind, whoever has the files open for writing is the one: its stderr, above
    all, which nobody else writes.  Blocks while it looks for that.
    """
    noted = trace.identity
    if noted is not None and lives(noted, proc):
        return Found(noted, noted.pid)
    if trace.boot_id != boot_id(proc):
        return None
    pids = holders(trace.messages, proc) or holders(trace.path, proc)
    pids.sort(key=lambda pid: group_of(pid, proc) != pid)  # who leads a group ends what it called
    for pid in pids:
        found = identify(pid, proc)
        if found is not None:
            if noted is not None and group_of(pid, proc) == noted.pid:
                return Found(found, noted.pid)
            return Found(found, pid)
    return None
