"""Levels that could not be measured: why, and when they could again (metering.md section 8)."""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.health.event import Severity
from rakkr.meters.event import MeterEvent
from rakkr.wording import one_line


@attrs.frozen
class Kind:
    """
    A class of failures.

    :ivar signs: what a failure of this class says, in lower case; the last class takes all.
    """

    name: str
    severity: Severity
    signs: tuple[str, ...]

    @property
    def type(self) -> str:
        """The type of its event."""
        return f"agent.meter.{self.name}"


KINDS: Final = (
    Kind("xrun", "warning", ("overrun", "underrun", "xrun", "broken pipe")),
    Kind(
        "device_unavailable",
        "critical",
        (
            "no such device",
            "no such file or directory",
            "unknown pcm",
            "cannot find card",
            "device or resource busy",
            "input/output error",
        ),
    ),
    Kind("capture_failed", "warning", ("",)),
)


def classify(error: str) -> Kind:
    """Find the first class that an error shows a sign of."""
    said = error.lower()
    return next(kind for kind in KINDS if any(sign in said for sign in kind.signs))


@attrs.frozen
class Source:
    """
    What levels are measured of.

    :ivar format: the sample format that is asked for.
    """

    backend: str
    device: str
    format: str


class SamplingFailures:
    """
    Reports each failure of a source when its class changes, and its end.

    A source that fails keeps nobody from trying another one: that one neither fails nor recovers
    for it.
    """

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id
        # Every class of a source that fails, the one of the moment last.
        self._failing: dict[tuple[str, str], dict[str, Kind]] = {}

    def failed(self, source: Source, error: str) -> list[MeterEvent]:
        """
        Note that a source gave no samples.

        :param error: everything that is known, what the program said too.
        """
        kind = classify(error)
        seen = self._failing.setdefault((source.backend, source.device), {})
        if seen and _last(seen) is kind:
            return []
        seen.pop(kind.name, None)
        seen[kind.name] = kind
        details = {
            "backend": source.backend,
            "classification": kind.name,
            "device": source.device,
            "error": one_line(error),
            "format": source.format,
            "nodeId": self._node_id,
            "usingSyntheticFallback": False,  # nothing is ever invented in its place
        }
        return [MeterEvent(kind.type, kind.severity, details)]

    def worked(self, source: Source) -> list[MeterEvent]:
        """Note that a source gave samples."""
        seen = self._failing.pop((source.backend, source.device), None)
        if seen is None:
            return []
        details = {
            "backend": source.backend,
            "device": source.device,
            "format": source.format,
            "nodeId": self._node_id,
            "previousKind": _last(seen).name,
            "previousKinds": list(seen),
            "previousType": _last(seen).type,
        }
        return [MeterEvent("agent.meter.capture_recovered", "info", details)]


def _last(seen: dict[str, Kind]) -> Kind:
    return next(reversed(seen.values()))
