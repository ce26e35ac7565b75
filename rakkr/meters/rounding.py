"""Numbers as they stand in a meter frame."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

LOWEST_DBFS: Final = -160.0
HIGHEST_DBFS: Final = 24.0
_MOST_DB: Final = 80.0


def rounded(value: float, decimals: int) -> float:
    """
    Round half away from zero, as the reference agent does, and never to ``-0.0``.

    It rounds in single precision; so do we, because otherwise a few numbers in a thousand would
    differ in their last digit.
    """
    scale = 10.0**decimals
    scaled = float(np.float32(value) * np.float32(scale))
    nearest: float = math.copysign(math.floor(abs(scaled) + 0.5), scaled)
    return nearest / scale + 0.0


def dbfs(value: float) -> float:
    """Put a level into the range of the wire; digital silence, minus infinity, is -160."""
    return rounded(min(max(value, LOWEST_DBFS), HIGHEST_DBFS), 1)


def score(value: float) -> float:
    """Put a score between 0 and 1."""
    return rounded(min(max(value, 0.0), 1.0), 2)


def ratio_db(value: float, decimals: int) -> float:
    """Put a ratio between 0 and 80 dB."""
    return rounded(min(max(value, 0.0), _MOST_DB), decimals)
