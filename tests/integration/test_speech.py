"""Speech by espeak-ng, alone and in noise, and strings plucked by sox."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rakkr.audio.speech import SpeechMeter
from rakkr.audio.voice_model import installed_model
from tests.audio.sounds import Wave, at_level, pink, white
from tests.integration.spoken import VOICES, Voice, plucked, spoken

Need = Callable[[str, str], str]
MODEL = installed_model()
SPEECH, SPEECH_LIKE, NOT_SPEECH = 0.65, 0.55, 0.35  # of the contract's fixtures


@pytest.fixture
def espeak(need: Need) -> str:
    """Find espeak-ng."""
    return need("espeak-ng", "espeak-ng")


def scores(wave: Wave, rate: int, seconds: float = 2.0) -> list[float]:
    """Score one channel in frames of some seconds; what does not fill a frame is left out."""
    meter, found = SpeechMeter(rate, 1, MODEL), []
    frame = round(rate * seconds)
    for first in range(0, len(wave) - frame + 1, frame):
        meter.block(wave[first : first + frame, None])
        (said,) = meter.frame()
        assert said.score is not None
        found.append(said.score)
    return found


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.name)
@pytest.mark.parametrize("level", [-20.0, -32.0, -45.0])
def test_every_voice_is_speech(espeak: str, voice: Voice, level: float) -> None:
    """Women and men in six languages, fast and slow, loud and soft, are speech in every frame."""
    assert min(scores(at_level(spoken(voice, 48000, espeak), level), 48000)) >= SPEECH


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000, 192000])
def test_speech_at_any_rate(espeak: str, rate: int) -> None:
    """Speech is speech at the rate of any sound card."""
    assert min(scores(spoken(VOICES[0], rate, espeak), rate)) >= SPEECH


@pytest.mark.parametrize("colour", [white, pink])
@pytest.mark.parametrize("ratio", [20.0, 10.0, 5.0])
def test_speech_in_noise(espeak: str, colour: Callable[[int, float], Wave], ratio: float) -> None:
    """Speech in noise is speech still, and the noise alone is not."""
    for voice in VOICES:
        said = spoken(voice, 16000, espeak)
        noise = at_level(colour(16000, len(said) / 16000), -20.0 - ratio)[: len(said)]
        assert min(scores(said + noise, 16000)) >= SPEECH, voice.name
        assert max(scores(noise, 16000)) < NOT_SPEECH


def test_a_word_in_a_pause(espeak: str) -> None:
    """A second and a half of speech shows in a frame of six seconds, and rules one of four."""
    said = spoken(VOICES[0], 16000, espeak)[: 3 * 8000]
    frame = np.concatenate([np.zeros(2 * 16000, np.float32), said])
    frame = np.concatenate([frame, np.zeros(6 * 16000 - len(frame), np.float32)])
    (score,) = scores(frame, 16000, 6.0)
    assert score > 0.3
    (score,) = scores(frame[8000 : 8000 + 4 * 16000], 16000, 4.0)
    assert score >= SPEECH_LIKE


def test_plucked_strings_are_not_speech(need: Need) -> None:
    """A guitar is not speech."""
    assert max(scores(plucked(16000, 8.0, need("sox", "sox")), 16000)) < NOT_SPEECH


def test_turns_do_not_mix(espeak: str) -> None:
    """Channels that share a seat are told apart: who speaks is speech, the noise beside is not."""
    said = np.tile(spoken(VOICES[1], 16000, espeak), 6)[: 16000 * 60]
    noise = pink(16000, 60.0)
    wave = np.stack([noise, said, noise[::-1], np.roll(said, 70_000)], axis=1)
    meter = SpeechMeter(16000, 4, MODEL, seats=1)
    found: list[list[float]] = [[], [], [], []]
    for first in range(0, len(wave), 16000):
        meter.block(np.ascontiguousarray(wave[first : first + 16000]))
        for channel, each in enumerate(meter.frame()):
            if each.score is not None:
                found[channel].append(each.score)
    for channel, threshold in ((1, SPEECH), (3, SPEECH)):
        assert len(found[channel]) >= 10
        assert np.median(found[channel]) >= threshold
        assert min(found[channel]) > NOT_SPEECH
    assert max(found[0] + found[2]) < NOT_SPEECH
