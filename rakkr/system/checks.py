"""What is watched of the machine, and which events tell of it (system-health.md section 5)."""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.health.event import Severity
from rakkr.system.levels import Level


@attrs.frozen
class Check:
    """
    One thing that can be well or not.

    :ivar key: by which it is remembered over a restart.
    :ivar problem: the event of a level that is not healthy.
    :ivar recovered: the event of the way back.
    """

    key: str
    problem: str
    recovered: str

    def told(self, before: Level, now: Level) -> tuple[str, Severity] | None:
        """
        The event that a level calls for: its type and severity; None when nothing changed.

        A warning that becomes critical is told again, and so is one that comes down to a warning.
        """
        if now is before:
            return None
        if now is Level.HEALTHY:
            return (self.recovered, "info")
        return (self.problem, "critical" if now is Level.CRITICAL else "warning")


_DISK: Final = ("agent.system.disk_pressure", "agent.system.disk_recovered")
DISK: Final = Check("system.disk", *_DISK)
CAPTURE_DISK: Final = Check("system.capture_disk", *_DISK)
INODES: Final = Check(
    "system.inodes", "agent.system.inode_pressure", "agent.system.inode_recovered"
)
READ_ONLY: Final = Check(
    "system.read_only", "agent.system.disk_read_only", "agent.system.disk_writable"
)
LOAD: Final = Check("system.load", "agent.system.cpu_pressure", "agent.system.cpu_recovered")
AUDIO: Final = Check(
    "system.audio", "agent.audio_backend.unavailable", "agent.audio_backend.recovered"
)
PROBE_FAILED: Final = "agent.system.probe_failed"
PROBE_RECOVERED: Final = "agent.system.probe_recovered"
