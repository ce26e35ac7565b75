"""Which channels carry the same sound: Pearson's coefficient, and the peer of each channel."""

from __future__ import annotations

from typing import Final, Literal

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.shapes import Values, dbfs, rounded
from rakkr.audio.stretch import Stretch

REPORTED: Final = 0.80
"""Channels that are less alike are no peers."""

_AUDIBLE_DBFS: Final = -65.0
_FEWEST_FRAMES: Final = 8
_EPSILON: Final = float(np.finfo(np.float64).eps)


@attrs.frozen
class Peer:
    """
    The channel that is most like another one.

    :ivar channel: counted from 1.
    :ivar phase: whether they have the same sign.
    :ivar score: -1 to 1, 2 decimals.
    """

    channel: int
    phase: Literal["same", "inverted"]
    score: float


def correlation(stretch: Stretch) -> Values:
    """
    Return Pearson's coefficient of each pair: of shape (channels, channels), -1 to 1.

    It is 0 where there is none: of a constant channel, or of fewer than 8 frames.
    """
    deviations = stretch.deviations
    scaled = stretch.frames * deviations.diagonal()
    varies = (scaled > _EPSILON) & (stretch.highest > stretch.lowest)
    varies &= stretch.frames >= _FEWEST_FRAMES
    spread = np.sqrt(np.where(varies, deviations.diagonal(), 1.0))
    scores: Values = deviations / np.outer(spread, spread)
    scores[~varies] = 0.0
    scores[:, ~varies] = 0.0
    np.clip(scores, -1.0, 1.0, out=scores)
    return scores


def peers(stretch: Stretch) -> list[Peer | None]:
    """
    Find the peer of each audible channel: the first of those that are most like it.

    As in the reference agent, a later channel must beat the rounded score of an earlier one.
    """
    scores = correlation(stretch)
    audible = dbfs(stretch.rms) > _AUDIBLE_DBFS
    alike = (np.abs(scores) >= REPORTED) & audible & audible[:, None]
    np.fill_diagonal(alike, val=False)
    found: list[Peer | None] = [None] * len(scores)
    for channel in np.flatnonzero(alike.any(axis=0)):
        found[channel] = _peer(scores[channel], np.flatnonzero(alike[channel]))
    return found


def _peer(scores: Values, candidates: npt.NDArray[np.intp]) -> Peer | None:
    best: Peer | None = None
    decimals = rounded(scores[candidates], 2)
    for channel, score, told in zip(candidates, scores[candidates], decimals, strict=True):
        if best is None or abs(score) > abs(best.score):
            best = Peer(int(channel) + 1, "inverted" if score < 0 else "same", told)
    return best
