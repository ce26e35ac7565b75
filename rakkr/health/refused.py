"""Events that a controller refused for good, with its answer: for people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from rakkr.health.event import json_line
from rakkr.health.line_file import append_line, sync_file

_MAX_BYTES = 1 << 20


@attrs.define
class DeadLetters:
    """
    A file of refused events, and one older one.

    :ivar path: the file; ``<path>.1`` is the older one.
    :ivar max_bytes: how long it gets.
    """

    path: Path
    max_bytes: int = _MAX_BYTES

    def add(self, event: Mapping[str, Any], status: int, body: str) -> None:
        """
        Keep one event.

        :param status: of the answer; 0 when the event could not even be sent.
        :param body: the beginning of the answer.
        :raises OSError: when the disk does not take it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size >= self.max_bytes:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        append_line(
            self.path, json_line({"body": body, "event": dict(event), "status": status}), os
        )
        sync_file(self.path)
