"""Speech by espeak-ng and strings plucked by sox, as mono float32 waves; neither is shipped."""

from __future__ import annotations

import io
import subprocess
import wave
from functools import cache

import attrs
import numpy as np
import soxr

from tests.audio.sounds import Wave, at_level

_WORDS_A_MINUTE = 165
_EDGE_SECONDS = 0.01


@attrs.frozen
class Voice:
    """Who says what: a voice of espeak-ng, its speed and its pitch, and the text."""

    name: str
    text: str
    speed: int = _WORDS_A_MINUTE
    pitch: int = 50


_EN = (
    "Good morning everyone, and welcome to the council chamber. Before we begin, let me remind you "
    "that this meeting is being recorded. The first item on the agenda is the budget."
)
_DE = (
    "Guten Morgen und herzlich willkommen. Bevor wir anfangen, möchte ich darauf hinweisen, dass "
    "diese Sitzung aufgezeichnet wird. Der erste Punkt ist der Haushalt des nächsten Jahres."
)
_FR = (
    "Bonjour à toutes et à tous. Avant de commencer, je vous rappelle que cette séance est "
    "enregistrée. Le premier point de l'ordre du jour est le budget de l'année prochaine."
)
_ES = (
    "Buenos días a todos y bienvenidos. Antes de empezar quiero recordarles que esta reunión se "
    "está grabando. El primer punto del orden del día es el presupuesto."
)
_PL = (
    "Dzień dobry państwu. Zanim zaczniemy, przypominam, że to posiedzenie jest nagrywane. "
    "Pierwszym punktem porządku obrad jest budżet na przyszły rok."
)
_RU = (
    "Доброе утро, уважаемые коллеги. Прежде чем мы начнём, напоминаю, что заседание "
    "записывается. Первый вопрос повестки дня — бюджет будущего года."
)

VOICES = (
    Voice("en-gb", _EN),
    Voice("en-us+f3", _EN, 150),
    Voice("en-us+m3", _EN, 200, 30),
    Voice("de+m5", _DE, 140),
    Voice("de+f2", _DE),
    Voice("fr+f4", _FR, 180),
    Voice("fr+m2", _FR),
    Voice("es+f1", _ES, 170),
    Voice("pl+m4", _PL, 150, 40),
    Voice("ru+f5", _RU, 160),
)


@cache
def spoken(voice: Voice, rate: int, program: str = "espeak-ng") -> Wave:
    """
    Say a text, at -20 dBFS RMS.

    :param program: the path of espeak-ng.
    """
    argv = [program, "--stdout", "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch)]
    said = subprocess.run([*argv, voice.text], stdout=subprocess.PIPE, check=True).stdout
    with wave.open(io.BytesIO(said)) as file:
        own = file.getframerate()
        # espeak-ng writes to a pipe, and so cannot know the length that its header claims.
        samples = np.frombuffer(file.readframes(1 << 30), dtype="<i2")
    return at_level(np.asarray(soxr.resample(samples / 32768.0, own, rate), dtype=np.float32))


def plucked(rate: int, seconds: float, program: str = "sox") -> Wave:
    """
    Pluck strings, four notes a second.

    :param program: the path of sox.
    """
    argv = [program, "-R", "-n", "-r", str(rate), "-c", "1", "-b", "16", "-t", "raw", "-"]
    notes = ["G2", "B2", "D3", "G3", "D4", "G4", "B3", "E4"]
    waves = []
    for number in range(round(seconds * 4)):
        synth = ["synth", "0.25", "pluck", notes[number % len(notes)]]
        out = subprocess.run([*argv, *synth], stdout=subprocess.PIPE, check=True).stdout
        waves.append(np.frombuffer(out, dtype="<i2") / 32768.0)
    return at_level(np.concatenate(waves))


def audible(wave: Wave, rate: int, hop: int) -> np.ndarray:
    """Say of each ``hop`` samples of clean speech whether somebody speaks in them."""
    blocks = wave[: len(wave) // hop * hop].reshape(-1, hop)
    level = np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1))
    return level > np.sqrt(np.mean(level**2)) * 10.0 ** (-30.0 / 20.0)
