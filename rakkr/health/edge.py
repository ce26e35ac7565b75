"""Failures that are reported when they begin and when they end, and not in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from rakkr.health.event import Severity
from rakkr.health.problems import OpenProblems


class Emitter(Protocol):
    """What takes the events."""

    def emit(
        self,
        type_: str,
        severity: Severity,
        details: Mapping[str, Any],
        recording_id: str | None = None,
    ) -> None:
        """Report an event."""


@attrs.define
class Edge:
    """
    One thing that works or does not.

    :ivar failed_type: the event of the first failure of a run of failures.
    :ivar recovered_type: the event of the first success after it; None where the contract has none.
    :ivar failures: how many there have been in a row; all those of an earlier agent count as one.
    :ivar problems: where a run is remembered over a restart.
    :ivar key: by which it is remembered; None for its type.
    """

    emitter: Emitter
    failed_type: str
    recovered_type: str | None
    failures: int = 0
    problems: OpenProblems | None = None
    key: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.problems is not None and self.problems.get(self._key) is not None:
            self.failures += 1

    def failed(self, details: Mapping[str, Any]) -> None:
        """It did not work."""
        self.failures += 1
        if self.failures == 1:
            self.emitter.emit(self.failed_type, "warning", details)
            self._remember("warning")

    def worked(self, details: Mapping[str, Any]) -> None:
        """It worked."""
        were, self.failures = self.failures, 0  # at first: what takes the event may come back here
        if were and self.recovered_type is not None:
            self.emitter.emit(self.recovered_type, "info", {**details, "failureCount": were})
        if were:
            self._remember(None)

    @property
    def _key(self) -> str:
        return self.key or self.failed_type

    def _remember(self, how: str | None) -> None:
        if self.problems is not None:
            self.problems.put(self._key, how)
