"""Whether this machine is too slow to measure everything."""

from __future__ import annotations

from typing import Final

from rakkr.meters.event import MeterEvent

WELL_SECONDS: Final = 60.0
"""Nothing has to be left out for so long before all is called well again."""


class Lag:
    """Says once that frames are left out, and once that they are not any more."""

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id
        self._last: float | None = None
        self._frames = 0

    def seen(self, interface_id: str, frames: int, now: float) -> list[MeterEvent]:
        """
        Take into account how many frames were left out since the last time.

        :param now: in seconds, on any clock that is never set back.
        """
        begins = bool(frames) and self._last is None
        if frames:
            self._last, self._frames = now, self._frames + frames
        details = {
            "interfaceId": interface_id,
            "leftOutFrames": self._frames,
            "nodeId": self._node_id,
        }
        if begins:
            return [MeterEvent("agent.meter.behind", "warning", details)]
        if self._last is None or now - self._last < WELL_SECONDS:
            return []
        self._last, self._frames = None, 0
        return [MeterEvent("agent.meter.behind_recovered", "info", details)]
