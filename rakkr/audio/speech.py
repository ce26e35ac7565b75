"""
Whether somebody speaks, on each channel on its own.

The Silero network (:mod:`rakkr.audio.voice_network`) hears what is loud enough to be heard.  It has
a limited number of seats: where more channels sound than there are seats, they take turns, and each
channel says when it was heard last.  ``docs/meters-speech.md`` has the figures.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from rakkr.audio.resampling import Resampler
from rakkr.audio.voice_model import VoiceModel
from rakkr.audio.voice_network import HOP, RATE, VoiceNetwork

Floats = NDArray[np.float32]

SEATS: Final = 32
WINDOW_SECONDS: Final = 0.512
"""What is heard is judged in windows of this length."""

TURN_SECONDS: Final = 4 * WINDOW_SECONDS
"""A channel keeps its seat so long when others wait."""

_WINDOW: Final = round(WINDOW_SECONDS * RATE)
_HOPS: Final = _WINDOW // HOP
_TURN_WINDOWS: Final = round(TURN_SECONDS / WINDOW_SECONDS)
# The network needs some hops to get to know a channel: they are heard, and not counted.
_WARM_UP_HOPS: Final = 8
# The contract calls a channel below -65 dBFS inaudible, and nothing that is inaudible is speech.
_GATE: Final = 10.0 ** (-65.0 / 10.0)
# How fine the probabilities of a frame are kept; half of them are below 0.5, exactly.
_STEPS: Final = 50
_PIECES_A_SECOND: Final = 32


@attrs.frozen
class Speech:
    """
    What a channel had to say since the last frame.

    :ivar score: 0..1, the mean of the higher half of the probabilities; None when the channel was
        not heard.
    :ivar share: which part of the time that was heard was speech; None when none was.
    :ivar heard_seconds: how much was heard.
    :ivar last_score: the last score that is known, of this frame or an earlier one.
    :ivar age_seconds: how long ago, in seconds of audio, the channel was heard last.
    """

    score: float | None
    share: float | None
    heard_seconds: float
    last_score: float | None
    age_seconds: float | None


class SpeechMeter:
    """
    Listens to a stream of blocks; its memory does not grow, however rarely a frame is taken.

    :ivar heard_hops: how much was heard of each channel since the beginning, in hops.
    :ivar spoken_hops: how much of that was speech.
    """

    def __init__(self, rate: int, channels: int, model: VoiceModel, seats: int = SEATS) -> None:
        taken = min(channels, seats)
        self._rate = rate
        self._seats = np.arange(taken)
        self._resampler = Resampler(rate, RATE, taken)
        self._network = VoiceNetwork(model, taken)
        self._window = np.zeros((_WINDOW, taken), np.float32)
        self._filled = 0
        self._fresh = np.ones(taken, dtype=bool)
        self._stale = 0
        self._windows = 0
        self._energy = np.zeros(channels)
        self._energy_frames = 0
        self._frames = 0
        self._heard_at = np.full(channels, -1, np.int64)
        self._last_scores = np.full(channels, np.nan)
        self._counts = np.zeros((channels, _STEPS), np.int64)
        self._sums = np.zeros((channels, _STEPS))
        self.heard_hops = np.zeros(channels, np.int64)
        self.spoken_hops = np.zeros(channels, np.int64)

    def block(self, block: Floats) -> None:
        """
        Hear more.

        :param block: (frames, channels), the frames that follow the last ones.
        """
        step = max(1, self._rate // _PIECES_A_SECOND)
        for first in range(0, len(block), step):
            self._piece(block[first : first + step])

    def gap(self, frames: int = 0) -> None:
        """
        Forget what was heard: the next block does not follow the last one.

        :param frames: how many frames are missing.
        """
        self._resampler.flush()
        self._network.forget(np.arange(len(self._seats)))
        self._fresh[:] = True
        self._filled = self._energy_frames = self._stale = 0
        self._energy[:] = 0.0
        self._frames += frames

    def frame(self) -> list[Speech]:
        """Say of each channel what was heard since the last call."""
        counts = self._counts.sum(axis=1)
        scores = _upper_half(self._counts, self._sums)
        self._last_scores = np.where(counts > 0, scores, self._last_scores)
        spoken = self._counts[:, _STEPS // 2 :].sum(axis=1)
        ages = (self._frames - self._heard_at) / self._rate
        said = [
            Speech(
                score=float(scores[channel]) if count else None,
                share=float(spoken[channel] / count) if count else None,
                heard_seconds=float(count * HOP / RATE),
                last_score=None if np.isnan(last) else float(last),
                age_seconds=float(ages[channel]) if self._heard_at[channel] >= 0 else None,
            )
            for channel, (count, last) in enumerate(zip(counts, self._last_scores, strict=True))
        ]
        self._counts[:] = 0
        self._sums[:] = 0.0
        return said

    def _piece(self, piece: Floats) -> None:
        self._frames += len(piece)
        if len(self._seats) < piece.shape[1]:
            self._energy += np.einsum("fc,fc->c", piece, piece)
            self._energy_frames += len(piece)
            piece = piece[:, self._seats]
        heard = self._resampler.block(piece)
        while len(heard):
            taken = heard[: _WINDOW - self._filled]
            heard = heard[len(taken) :]
            self._window[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            if self._filled == _WINDOW:
                self._judge()
                self._filled = 0
                # What still comes of this piece, and out of the filter, belongs to the old turn.
                self._stale = len(heard) + self._resampler.pending + HOP

    def _judge(self) -> None:
        """Hear a whole window, and see who sits where in the next one."""
        if self._fresh.any():
            self._window[: self._stale, self._fresh] = 0.0
        loud = np.einsum("fs,fs->s", self._window, self._window) > _GATE * _WINDOW
        quiet = np.flatnonzero(~loud)
        said = np.zeros((_HOPS, len(self._seats)), np.float32)
        rows = np.flatnonzero(loud)
        if len(rows):
            said[:, rows] = self._network.hear(self._window[:, rows], rows)
        self._network.forget(quiet)
        known = np.ones(said.shape, dtype=bool)
        known[:_WARM_UP_HOPS, self._fresh] = False
        self._count(self._seats, said, known)
        audible = self._energy > _GATE * self._energy_frames
        away = np.ones(len(audible), dtype=bool)
        away[self._seats] = False
        silent = np.flatnonzero(away & ~audible)
        self._count(silent, np.zeros((_HOPS, len(silent)), np.float32), None)
        self._energy[:] = 0.0
        self._energy_frames = 0
        self._fresh[:] = False
        self._windows += 1
        if self._windows % _TURN_WINDOWS == 0:
            self._reseat(audible, away)

    def _count(
        self, channels: NDArray[np.intp], said: Floats, known: NDArray[np.bool_] | None
    ) -> None:
        steps = np.minimum((said * _STEPS).astype(np.intp), _STEPS - 1)
        weights = np.ones(said.shape, np.int64) if known is None else known.astype(np.int64)
        which = np.broadcast_to(channels, said.shape)
        np.add.at(self._counts, (which, steps), weights)
        np.add.at(self._sums, (which, steps), weights * said)
        self.heard_hops[channels] += weights.sum(axis=0)
        self.spoken_hops[channels] += (weights * (steps >= _STEPS // 2)).sum(axis=0)
        self._heard_at[channels] = self._frames

    def _reseat(self, audible: NDArray[np.bool_], away: NDArray[np.bool_]) -> None:
        """Give the seats to those who sound and waited longest; who stays keeps the own seat."""
        if not (audible & away).any():
            return
        order = np.lexsort((self._heard_at, ~audible))
        chosen = order[: len(self._seats)]
        leave = np.flatnonzero(~np.isin(self._seats, chosen))
        come = chosen[away[chosen]]
        self._seats[leave] = come
        self._network.forget(leave)
        self._fresh[leave] = True


def _upper_half(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the higher half of what rows of a histogram hold; of an empty row this is 0."""
    half = -(-counts.sum(axis=1, keepdims=True) // 2)
    above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] - counts
    taken = np.clip(half - above, 0, counts)
    means = sums / np.maximum(counts, 1)
    score: NDArray[np.float64] = (taken * means).sum(axis=1) / np.maximum(half[:, 0], 1)
    return np.clip(score, 0.0, 1.0)
