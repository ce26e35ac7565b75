"""``rakkr-tone`` as an executable file, for tests that run without an installation."""

from __future__ import annotations

import sys
from pathlib import Path

import rakkr


def tone_program(directory: Path) -> Path:
    """Write a ``rakkr-tone`` that runs the code under test, and return its path."""
    program = directory / "rakkr-tone"
    root = Path(rakkr.__file__).parent.parent
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "from rakkr.tone.program import main\n"
        "main()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program
