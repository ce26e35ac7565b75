"""What a command says on standard error, beside its log."""

from __future__ import annotations

import sys

from rakkr.options import PROGRAM
from rakkr.wording import one_line


def complain(sentence: str) -> None:
    """Say on standard error what went wrong, or what was done."""
    sys.stderr.write(f"{PROGRAM}: {one_line(sentence)}\n")
