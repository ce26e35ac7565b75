"""Paths for tests, gone with the test under either runner (``mktemp`` of trial's stays behind)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase


def new_path(case: SynchronousTestCase) -> Path:
    """Return a path where nothing is yet."""
    place = tempfile.TemporaryDirectory()
    case.addCleanup(place.cleanup)
    return Path(place.name) / "file"
