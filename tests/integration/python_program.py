"""A module of the code under test as an executable file."""

from __future__ import annotations

import sys
from pathlib import Path

import rakkr


def python_program(program: Path, module: str) -> Path:
    """Write a program that calls a module's ``main``, without an installation; return its path."""
    root = Path(rakkr.__file__).parent.parent
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        f"from {module} import main\n"
        "main()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program
