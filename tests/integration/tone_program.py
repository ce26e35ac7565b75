"""``rakkr-tone`` as an executable file, for tests that run without an installation."""

from __future__ import annotations

from pathlib import Path

from tests.integration.python_program import python_program


def tone_program(directory: Path) -> Path:
    """Write a ``rakkr-tone`` that runs the code under test, and return its path."""
    return python_program(directory / "rakkr-tone", "rakkr.tone.program")
