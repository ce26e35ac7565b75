"""
The Silero voice activity network (v6, 16 kHz), for many voices at once.

It is a spectrum of 4 overlapping pieces of each hop, four small convolutions over these, and an
LSTM that remembers.  The package that ships it runs it for one voice and one hop at a time; as
matrix products over all rows and hops the same numbers cost a fiftieth.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rakkr.audio.voice_model import VoiceModel

Floats = NDArray[np.float32]

RATE: Final = 16_000
HOP: Final = 512
"""Samples to one answer: 32 ms."""

_CONTEXT: Final = 64
_SIZE: Final = 128
_PIECE, _STEP, _PIECES = 256, 128, 4
_BINS: Final = 129


class VoiceNetwork:
    """
    Tells how likely somebody speaks, on each of some rows, each of which has a memory.

    :ivar rows: how many.
    """

    def __init__(self, model: VoiceModel, rows: int) -> None:
        self.rows = rows
        self._model = model
        self._context = np.zeros((rows, _CONTEXT), np.float32)
        self._hidden = np.zeros((rows, _SIZE), np.float32)
        self._cell = np.zeros((rows, _SIZE), np.float32)

    def forget(self, rows: NDArray[np.intp]) -> None:
        """Make rows hear as for the first time; what they hear next belongs to other channels."""
        for memory in (self._context, self._hidden, self._cell):
            memory[rows] = 0.0

    def hear(self, samples: Floats, rows: NDArray[np.intp]) -> Floats:
        """
        Listen on some rows; the others keep their memory.

        :param samples: (hops * :data:`HOP`, len(rows)) at :data:`RATE`, in -1..1.
        :param rows: which of the rows these are, each at most once.
        :returns: probabilities, (hops, len(rows)).
        """
        hops = len(samples) // HOP
        heard = np.concatenate([self._context[rows], samples.T[:, : hops * HOP]], axis=1)
        self._context[rows] = heard[:, -_CONTEXT:]
        features = self._encoded(_pieces(heard, hops)) @ self._model.from_input
        features += self._model.gate_bias
        return self._remembered(features.reshape(hops, len(rows), 4 * _SIZE), rows)

    def _encoded(self, pieces: Floats) -> Floats:
        """Turn pieces of sound, (4, hops * rows, 256), into features, (hops * rows, 128)."""
        _pieces, count, _samples = pieces.shape
        complex_parts = pieces.reshape(-1, _PIECE) @ self._model.spectrum
        np.square(complex_parts, out=complex_parts)
        loud = np.sqrt(complex_parts[:, :_BINS] + complex_parts[:, _BINS:])
        wave = loud.reshape(_PIECES, count, _BINS)
        for (kernel, bias), stride in zip(self._model.layers, (1, 2, 2, 1), strict=True):
            wave = _convolved(wave, kernel, bias, stride)
        features: Floats = wave[0]
        return features

    def _remembered(self, features: Floats, rows: NDArray[np.intp]) -> Floats:
        hidden, cell = self._hidden[rows], self._cell[rows]
        said = np.empty(features.shape[:2], np.float32)
        for hop, from_input in enumerate(features):
            gates = from_input + hidden @ self._model.from_hidden
            let_in, keep, new, let_out = (
                gates[:, first : first + _SIZE] for first in range(0, 4 * _SIZE, _SIZE)
            )
            cell = _sigmoid(keep) * cell + _sigmoid(let_in) * np.tanh(new)
            hidden = _sigmoid(let_out) * np.tanh(cell)
            said[hop] = np.maximum(hidden, 0.0) @ self._model.output
        self._hidden[rows], self._cell[rows] = hidden, cell
        return _sigmoid(said + np.float32(self._model.output_bias))


def _pieces(heard: Floats, hops: int) -> Floats:
    """
    Cut each hop, with the 64 samples before it, into 4 pieces that overlap by half.

    The last piece goes on with the 64 samples before the hop's last one, backwards.

    :returns: (4, hops * rows, 256).
    """
    rows = len(heard)
    pieces = np.empty((_PIECES, hops, rows, _PIECE), np.float32)
    reach = _CONTEXT + HOP
    for hop in range(hops):
        window = heard[:, hop * HOP : hop * HOP + reach]
        for number in range(_PIECES - 1):
            pieces[number, hop] = window[:, number * _STEP : number * _STEP + _PIECE]
        last = window[:, (_PIECES - 1) * _STEP :]
        pieces[-1, hop, :, : last.shape[1]] = last
        pieces[-1, hop, :, last.shape[1] :] = window[:, reach - 2 : reach - 2 - _CONTEXT : -1]
    return pieces.reshape(_PIECES, hops * rows, _PIECE)


def _convolved(wave: Floats, kernel: Floats, bias: Floats, stride: int) -> Floats:
    """Convolve (pieces, rows, from) over the pieces with a kernel of 3, zeros around, and clip."""
    pieces, rows, _ = wave.shape
    out = np.empty(((pieces - 1) // stride + 1, rows, kernel.shape[2]), np.float32)
    for number in range(len(out)):
        centre = number * stride
        taps = [tap for tap in range(3) if 0 <= centre + tap - 1 < pieces]
        total = wave[centre + taps[0] - 1] @ kernel[taps[0]]
        for tap in taps[1:]:
            total += wave[centre + tap - 1] @ kernel[tap]
        out[number] = total
    out += bias
    return np.maximum(out, 0.0, out=out)


def _sigmoid(value: Floats) -> Floats:
    half = np.float32(0.5)
    between: Floats = np.tanh(value * half) * half + half
    return between
