"""Scores: the fixtures of the contract, and sounds that its formulas took for others."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Block
from rakkr.audio.meter import Meter
from rakkr.audio.quality import Quality
from tests.audio.signals import (
    RATE,
    alternating,
    clicks,
    coloured,
    column,
    noise,
    tone,
    tones,
)

TENTH = 0.1
RATES = (8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
SCORES = ("hum", "static", "broadband", "noise", "intelligibility")


def quality_of(block: Block, speech: float = 0.0, rate: int = RATE) -> Quality:
    """Meter a block as one frame."""
    meter = Meter(rate, block.shape[1])
    meter.block(block)
    return meter.frame(np.full(block.shape[1], speech)).quality


def qualities_of(block: Block, seconds: float, rate: int = RATE) -> list[Quality]:
    """Meter a stream with a frame after each so many seconds."""
    meter = Meter(rate, block.shape[1])
    step = round(seconds * rate)
    found = []
    for start in range(0, len(block), step):
        meter.block(block[start : start + step])
        found.append(meter.frame().quality)
    return found


def scores(quality: Quality) -> dict[str, float]:
    """All scores of the first channel."""
    return {name: float(getattr(quality, name)[0]) for name in (*SCORES, "snr")}


def bursts(spoken: float = 0.08) -> np.ndarray:
    """Harmonics that come and go like syllables, with pauses between them."""
    at = np.arange(48_000 * 6) / 48_000
    pitch = 140 + 30 * np.sin(2 * np.pi * 0.7 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / 48_000
    waves = np.sum([np.sin(order * phase) / order for order in range(1, 25)], axis=0)
    waves *= np.maximum(np.sin(2 * np.pi * 2.2 * at), 0) ** 0.5
    return waves * (spoken / waves.std())


class ContractTests(SynchronousTestCase):
    """What the reference agent's own tests ask of a tenth of a second."""

    def test_hum(self) -> None:
        """A sine of 60 Hz is hum."""
        found = scores(quality_of(tone(60, TENTH, 12_000 / 32_768)))
        self.assertGreaterEqual(found["hum"], 0.65)
        self.assertLess(found["static"], 0.35)
        self.assertEqual(found["snr"], 0)

    def test_noise(self) -> None:
        """White noise is broadband noise, at once, and no hum."""
        random = np.random.default_rng(0)
        block = column(random.uniform(-1, 1, 4800) * 9000 / 32_768)
        found = scores(quality_of(block))
        self.assertGreaterEqual(found["broadband"], 0.9)
        self.assertGreaterEqual(found["noise"], 0.9)
        self.assertLess(max(found["hum"], found["static"]), 0.35)

    def test_alternating(self) -> None:
        """Values that change their sign with every sample are static."""
        found = scores(quality_of(alternating(TENTH), speech=1.0))
        self.assertGreaterEqual(found["static"], 0.85)
        self.assertLess(found["intelligibility"], 0.05)
        self.assertLess(max(found["hum"], found["broadband"]), 0.35)

    def test_voice(self) -> None:
        """Steady partials of a voice are neither hum nor static, and understood."""
        for partials in ((180, 620, 4900), (150, 450, 2400), (120, 700, 1900), (200, 800, 2600)):
            found = scores(quality_of(tones(partials, TENTH), speech=1.0))
            self.assertLess(max(found["hum"], found["static"]), 0.35, partials)
            self.assertGreaterEqual(found["snr"], 12, partials)
            self.assertGreaterEqual(found["intelligibility"], 0.45, partials)

    def test_silence(self) -> None:
        """Silence has no quality at all, whatever is said of speech; neither has DC."""
        for block in (np.zeros((4800, 1), np.float32), np.full((4800, 1), 0.4, np.float32)):
            found = scores(quality_of(block, speech=1.0))
            self.assertEqual(set(found.values()), {0.0})


class HumTests(SynchronousTestCase):
    def test_mains(self) -> None:
        """The mains of both worlds are hum as far as they wander, at any rate, soon and later."""
        for rate in RATES:
            for hertz in (49.7, 50, 50.3, 59.8, 60, 60.2):
                for seconds in (0.15, 3):
                    block = tone(hertz, seconds, rate=rate)
                    hum = scores(quality_of(block, rate=rate))["hum"]
                    self.assertGreater(hum, 0.9, (rate, hertz, seconds))

    def test_bass_notes(self) -> None:
        """Notes from the lowest of a double bass up are not hum, not for a moment either."""
        for key in range(28, 58):
            hertz = 440 * 2 ** ((key - 69) / 12)
            for seconds in (TENTH, 3):
                hum = scores(quality_of(tone(hertz, seconds)))["hum"]
                self.assertLess(hum, 0.1, (hertz, seconds))

    def test_other_tones(self) -> None:
        """Neither are other tones: of 230 Hz, or where the low rate would fold them onto 60 Hz."""
        for hertz in (230, 1370, 940, 1060, 2940, 3060, 5940, 6060):
            for seconds in (TENTH, 3):
                self.assertLess(scores(quality_of(tone(hertz, seconds)))["hum"], 0.1, hertz)

    def test_note_that_comes_and_goes(self) -> None:
        """A tone of 60 Hz with pauses is no hum."""
        block = tone(60, 8)
        block[(np.arange(len(block)) // 24_000) % 2 == 1] = 0
        for quality in qualities_of(block, 2)[1:]:
            self.assertLess(scores(quality)["hum"], 0.1)

    def test_bass_line(self) -> None:
        """A bass that moves is no hum, although it is low and loud."""
        notes = [55, 61.74, 49, 58.27, 65.4, 98, 110, 41.2, 61.74, 49, 58.27, 49]
        block = np.concatenate([tones([each, 2 * each, 3 * each], 0.5, 0.15) for each in notes])
        for quality in qualities_of(block, 2):
            self.assertLess(scores(quality)["hum"], 0.1)

    def test_hum_that_begins(self) -> None:
        """Hum that comes to a quiet room is told with growing certainty."""
        block = noise(16, 0.001)
        block[48_000 * 4 :] += tone(50, 12, 0.1)
        found = [scores(each)["hum"] for each in qualities_of(block, 2)]
        self.assertLess(max(found[:2]), 0.05)
        self.assertLess(found[2], 0.5)
        self.assertGreater(found[-1], 0.9)
        self.assertEqual(found[2:], sorted(found[2:]))

    def test_long_note(self) -> None:
        """A note of just 60 Hz that is held for three seconds is not yet hum."""
        block = noise(12, 0.001)
        block[48_000 * 6 : 48_000 * 9] += tone(60, 3)
        for quality in qualities_of(block, 1):
            found = scores(quality)
            self.assertLess(found["hum"], 0.65)
            if found["hum"] < 0.3:
                self.assertLess(found["noise"], 0.5)

    def test_rectifier(self) -> None:
        """The even harmonics of a rectifier are hum; one tone at 100 or 120 Hz may be anything."""
        for base in (50, 60):
            buzz = tone(2 * base, 3) + tone(4 * base, 3, 0.15) + tone(6 * base, 3, 0.1)
            self.assertGreater(scores(quality_of(buzz))["hum"], 0.9)
            self.assertLess(scores(quality_of(tone(2 * base, 3)))["hum"], 0.1)

    def test_under_speech(self) -> None:
        """Hum as loud as syllables is heard under them; 30 dB below them it is not told."""
        syllables = column(bursts())
        loud = quality_of(syllables + tone(50, 6, 0.08 * 2**0.5))
        faint = quality_of(syllables + tone(50, 6, 0.08 * 2**0.5 * 10**-1.5))
        self.assertGreater(scores(loud)["hum"], 0.65)
        self.assertLess(scores(faint)["hum"], 0.1)


class NoiseTests(SynchronousTestCase):
    def test_noises(self) -> None:
        """White and pink noise, and hiss up to 4 kHz, are broadband noise, and no hum."""
        hiss = np.fft.rfft(noise(3)[:, 0])
        hiss[3 * 4000 :] = 0
        for block in (noise(3), coloured(3, 1), column(np.fft.irfft(hiss))):
            found = scores(quality_of(block))
            self.assertGreater(found["broadband"], 0.8)
            self.assertLess(max(found["hum"], found["static"]), 0.1)
            self.assertLess(found["snr"], 3)

    def test_white_noise_at_any_rate(self) -> None:
        """White noise is broadband noise at any rate; what alternates is static at any rate."""
        for rate in RATES:
            white = scores(quality_of(noise(1, rate=rate), rate=rate))
            self.assertGreater(white["broadband"], 0.8, rate)
            self.assertLess(white["static"], 0.1, rate)
            fast = scores(quality_of(alternating(1, rate=rate), rate=rate))
            self.assertGreater(fast["static"], 0.85, rate)
            self.assertLess(fast["broadband"], 0.1, rate)

    def test_music(self) -> None:
        """Chords, struck or held, are no noise of any kind."""
        chords = [(130.8, 164.8, 196, 261.6), (174.6, 220, 261.6, 349.2), (98, 123.5, 146.8, 392)]
        struck = np.concatenate([tones(each, 1) for each in chords * 2])
        fade = np.exp(-3 * (np.arange(len(struck)) % 48_000) / 48_000).astype(np.float32)
        organ = np.sum(
            [tone(each * n, 6, 0.05 / n) for each in chords[0] for n in range(1, 8)], axis=0
        )
        for block in (struck, struck * fade[:, None], organ):
            found = scores(quality_of(block))
            worst = max(found["hum"], found["static"], found["broadband"])
            self.assertLess(worst, 0.2)

    def test_buzzer(self) -> None:
        """A hundred harmonics as strong as the first are no noise: between them is nothing."""
        buzz = np.sum([tone(200 * each, 3, 0.02) for each in range(1, 100)], axis=0)
        self.assertLess(scores(quality_of(buzz))["broadband"], 0.1)

    def test_snr(self) -> None:
        """Between syllables the noise floor is found: SNR is right within 1 dB, from 5 to 30."""
        syllables = bursts()
        for decibels in (5, 10, 20, 30):
            block = column(syllables) + noise(6, 0.08 * 10 ** (-decibels / 20))
            snr = scores(quality_of(block))["snr"]
            self.assertLess(abs(snr - decibels), 1, (snr, decibels))

    def test_order_of_noise(self) -> None:
        """More noise is a higher score of noise, and speech is understood less."""
        found = [
            scores(quality_of(column(bursts()) + noise(6, level), speech=1.0))
            for level in (0.001, 0.01, 0.03, 0.1, 0.3)
        ]
        noises = [each["noise"] for each in found]
        self.assertEqual(noises, sorted(noises))
        self.assertGreater(noises[-1] - noises[0], 0.9)
        understood = [each["intelligibility"] for each in found]
        self.assertEqual(understood, sorted(understood, reverse=True))
        self.assertGreater(understood[0] - understood[-1], 0.5)

    def test_floor_is_remembered(self) -> None:
        """The floor of a pause counts in the next frame, although there is no pause in that."""
        block = noise(4, 0.01)
        block[96_000:] *= 10  # applause
        after = scores(qualities_of(block, 2)[1])
        self.assertLess(abs(after["snr"] - 20), 3)
        self.assertLess(after["broadband"], 0.1)

    def test_narrow_noise(self) -> None:
        """Noise in a small part of the spectrum is noise, and not broadband."""
        for low, high in ((740, 1510), (2240, 3010)):
            spectrum = np.fft.rfft(noise(3)[:, 0])
            spectrum[: 3 * low] = spectrum[3 * high :] = 0
            waves = np.fft.irfft(spectrum)
            found = scores(quality_of(column(waves * (0.1 / waves.std()))))
            self.assertLess(found["broadband"], 0.2, low)
            self.assertGreater(found["noise"], 0.65, low)

    def test_crackle(self) -> None:
        """Many clicks out of silence are static; few are little of it."""
        many = scores(quality_of(clicks(6, 60)))["static"]
        few = scores(quality_of(clicks(6, 3)))["static"]
        self.assertGreater(many, 0.8)
        self.assertLess(few, 0.3)

    def test_knocks(self) -> None:
        """Knocks are heard in the room and have no high end: they are no crackle."""
        block = noise(6, 1e-4)
        knock = column(np.hanning(8)[1:-1] * 0.5)
        for start in np.random.default_rng(2).integers(0, len(block) - 6, 360):
            block[start : start + 6] = knock
        self.assertLess(scores(quality_of(block))["static"], 0.1)

    def test_drum(self) -> None:
        """Strokes of noise that fade are no crackle."""
        block = noise(4)
        fade = np.exp(-np.arange(24_000) / 800)
        block *= np.tile(fade, 8).astype(np.float32)[:, None]
        self.assertLess(scores(quality_of(block))["static"], 0.2)

    def test_inaudible(self) -> None:
        """What is at -65 dBFS or below has no quality; up to -35 dBFS the scores grow."""
        for decibels, audible in ((-66, 0.0), (-50, 0.5), (-30, 1.0)):
            block = noise(3, 10 ** (decibels / 20))
            self.assertAlmostEqual(scores(quality_of(block))["broadband"], audible, 1)

    def test_speech_is_needed_to_be_understood(self) -> None:
        """Intelligibility is of speech: without it there is none, and some is enough."""
        block = column(bursts())
        self.assertEqual(scores(quality_of(block, speech=0.0))["intelligibility"], 0)
        some = scores(quality_of(block, speech=0.6))["intelligibility"]
        self.assertEqual(some, scores(quality_of(block, speech=1.0))["intelligibility"])
        self.assertGreater(some, 0.8)
