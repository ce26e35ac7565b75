"""A check that is in force: its level until now, and telling of its changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger, LogLevel

from rakkr.health.edge import Emitter
from rakkr.health.problems import OpenProblems
from rakkr.system.checks import Check
from rakkr.system.levels import Level


class Alarm:
    """
    Reports each change of a level once, also over a restart.

    :ivar level: the last one that was told.
    """

    log = Logger()

    def __init__(self, check: Check, evidence: Emitter, problems: OpenProblems) -> None:
        self._check = check
        self._evidence = evidence
        self._problems = problems
        self.level = _named(problems.get(check.key))

    def judged(self, level: Level, details: Mapping[str, Any]) -> None:
        """Take a level over."""
        told = self._check.told(self.level, level)
        if told is None:
            return
        self.level = level
        type_, severity = told
        self.log.emit(
            LogLevel.info if severity == "info" else LogLevel.warn,
            "{type}: {details}",
            type=type_,
            details=dict(details),
        )
        self._evidence.emit(type_, severity, details)
        self._problems.put(self._check.key, level.name.lower() if level else None)


def _named(how: str | None) -> Level:
    """A level as it was remembered; a word that is none was no problem of ours."""
    known = {level.name.lower(): level for level in Level}
    return known.get(how or "", Level.HEALTHY)
