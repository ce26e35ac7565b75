"""Scores of a channel, as an operator reads them, from what was measured."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from rakkr.audio.shapes import Values, dbfs, in_decibels, up
from rakkr.audio.stretch import Stretch
from rakkr.audio.texture import Texture

SPEECH_LIKE: Final = 0.55
"""From this score on a channel is said to carry speech."""

_AUDIBLE: Final = (-65.0, -35.0)  # dBFS
_FLOOR_SHARE: Final = (-12.0, -3.0)  # dB of the floor below all that is heard
_NOISY: Final = (0.35, 0.75)  # flatness
_WIDE: Final = (1.2, 3.0)  # bands
_TOP_HEAVY: Final = (0.45, 0.85)  # part of the power in the top quarter; white noise has 0.25
_CRACKLING: Final = (0.0, 0.5)  # part of the windows
_CLEAN: Final = (0.0, 20.0)  # dB
_MOST_DECIBELS: Final = 80.0
_NOTHING: Final = 1e-20
# ANSI S3.5-1997, table 3: what octaves contribute to understanding speech, by their centres.
_IMPORTANCE: Final = {
    250: 0.0617,
    500: 0.1671,
    1000: 0.2373,
    2000: 0.2648,
    4000: 0.2142,
    8000: 0.0549,
}


@attrs.frozen(eq=False)
class Quality:
    """
    One number for each channel; scores are 0 to 1.

    :ivar speech: as it was given.
    :ivar snr: signal by noise in dB, 0 to 80.
    """

    speech: Values
    hum: Values
    static: Values
    broadband: Values
    noise: Values
    snr: Values
    intelligibility: Values


def judge(stretch: Stretch, texture: Texture | None, speech: Values) -> Quality:
    """
    Judge a stretch; docs/meters.md has the reasons.

    :param texture: None when too little was heard to say anything but how loud it was.
    :param speech: the part of the time in which somebody spoke.
    """
    if texture is None:
        none = np.zeros(len(speech))
        return Quality(speech, none, none, none, none, none, none)
    audible = up(dbfs(np.sqrt(stretch.variance)), *_AUDIBLE)
    power, floor = texture.power.sum(axis=1), texture.floor.sum(axis=1)
    hum = audible * texture.hum
    at_top = up(texture.top, *_TOP_HEAVY)
    static = audible * np.maximum(at_top, up(texture.clicks, *_CRACKLING))
    noise_power = floor + texture.hum_power + at_top * power
    heard = np.maximum(power - noise_power, 0.0)
    ratio = in_decibels(heard) - in_decibels(noise_power + _NOTHING)
    snr = np.where(audible > 0, np.clip(ratio, 0.0, _MOST_DECIBELS), 0.0)
    share = in_decibels(floor) - in_decibels(power + texture.hum_power + _NOTHING)
    wide = texture.floor.sum(axis=1) ** 2 / ((texture.floor**2).sum(axis=1) + _NOTHING**2)
    like_noise = up(texture.flatness, *_NOISY) * up(wide, *_WIDE) * (1.0 - at_top)
    broadband = audible * up(share, *_FLOOR_SHARE) * like_noise
    noise = audible * np.maximum(1.0 - up(snr, *_CLEAN), np.maximum(0.85 * texture.hum, static))
    spoken = audible * up(speech, 0.0, SPEECH_LIKE)
    return Quality(
        speech, hum, static, broadband, noise, snr, spoken * _understood(texture, static)
    )


def _understood(texture: Texture, static: Values) -> Values:
    """Say how much of speech stands above the noise, as the speech intelligibility index does."""
    weights = _band_weights(texture.edges)
    signal = np.maximum(texture.power - texture.floor, 0.0)
    ratio = in_decibels(signal) - in_decibels(texture.floor + _NOTHING)
    clear = up(ratio, -15.0, 15.0) @ weights
    return clear * (1.0 - static)


def _band_weights(edges: Values) -> Values:
    """Spread the importance of octaves over our bands; it adds up to 1."""
    weights = np.zeros(len(edges) - 1)
    for centre, importance in _IMPORTANCE.items():
        low, high = centre / np.sqrt(2), centre * np.sqrt(2)
        inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        weights += importance * np.maximum(inside, 0.0) / (high - low)
    result: Values = weights / weights.sum()
    return result
