"""Moments at which something happens, in every run others."""

from __future__ import annotations

import os
import random


def moments(earliest: float, latest: float, count: int) -> list[float]:
    """
    Choose so many seconds; they stand in the names of the tests that get them.

    All lanes of one run (``pytest -n``) have to collect the same tests, so they choose the same.
    """
    choice = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    return [round(choice.uniform(earliest, latest), 3) for _ in range(count)]
