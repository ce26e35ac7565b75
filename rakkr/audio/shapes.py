"""Small shapes from which levels and scores are made."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

FLOOR_DBFS: Final = -160.0
"""What silence is given as."""

Values = npt.NDArray[np.float64]
_LEAST_POWER: Final = 1e-30


def dbfs(amplitudes: npt.NDArray[Any]) -> Values:
    """Return levels in dB of full scale, no lower than the floor."""
    least = 10.0 ** (FLOOR_DBFS / 20)
    levels: Values = 20.0 * np.log10(np.maximum(amplitudes, least))
    return np.maximum(levels, FLOOR_DBFS)


def in_decibels(powers: npt.NDArray[Any]) -> Values:
    """Return powers in dB, no lower than -300."""
    levels: Values = 10.0 * np.log10(np.maximum(powers, _LEAST_POWER, dtype=np.float64))
    return levels


def up(values: npt.NDArray[Any], low: float, high: float) -> Values:
    """Rise from 0 at ``low`` to 1 at ``high``."""
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def rounded(values: npt.NDArray[Any], decimals: int) -> list[float]:
    """
    Round half away from zero in 32 bits, and return the shortest decimals.

    Zero has no sign.
    """
    scale = np.float32(10**decimals)
    scaled = np.abs(values.astype(np.float32)) * scale
    whole = np.floor(scaled)
    whole += (scaled - whole) >= np.float32(0.5)
    signed = np.copysign(whole / scale, values)
    return [round(float(each), decimals) + 0.0 for each in signed]
