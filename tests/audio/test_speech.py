"""Whether somebody speaks: what is not speech, and who is heard when."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio import speech
from rakkr.audio.speech import TURN_SECONDS, WINDOW_SECONDS, SpeechMeter, _upper_half
from rakkr.audio.voice_model import installed_model
from rakkr.audio.voice_network import HOP, VoiceNetwork
from tests.audio.sounds import NOT_SPEECH, at_level, tone, white
from tests.audio.test_resampling import pieces

MODEL = installed_model()
RATE = 16000
CONTRACT = 0.35
"""What the contract's fixtures that are not speech stay below; 0.55 would be called speech."""


def heard(wave, rate=RATE, seats=32, block=1600):
    """Hear (frames, channels) to the end."""
    meter = SpeechMeter(rate, wave.shape[1], MODEL, seats)
    for part in pieces(wave, [block]):
        meter.block(part)
    return meter


def sounding(channels, seconds, silent=()):
    """Make noise on all channels but some."""
    wave = np.stack([white(RATE, seconds, seed) for seed in range(channels)], axis=1)
    wave[:, list(silent)] = 0.0
    return wave


class NotSpeechTests(SynchronousTestCase):
    def check(self, rate, level):
        sounds = [at_level(make(rate, 4.0), level) for make in NOT_SPEECH.values()]
        meter = SpeechMeter(rate, len(sounds), MODEL)
        for part in pieces(np.stack(sounds, axis=1), [rate]):
            meter.block(part)
            for name, found in zip(NOT_SPEECH, meter.frame(), strict=True):
                assert found.score is not None
                self.assertLess(found.score, CONTRACT, (name, rate, level))

    def test_noise_tones_and_music(self) -> None:
        """Noise, hum, tones, music and applause are not speech, in any second, loud or soft."""
        for level in (-9.0, -20.0, -45.0):
            self.check(16000, level)

    def test_at_any_rate(self) -> None:
        """Nor are they at the rates that sound cards have."""
        for rate in (8000, 44100, 96000):
            self.check(rate, -20.0)


class Witness(VoiceNetwork):
    """Writes down what each row was told, by hops, and whether it remembered something then."""

    def __init__(self, rows):
        super().__init__(MODEL, rows)
        self.told: list[list[tuple[list[int], bool]]] = [[] for _ in range(rows)]

    def hear(self, samples, rows):
        for column, row in enumerate(rows):
            levels = np.median(samples[:, column].reshape(-1, HOP), axis=1)
            hundredths = np.rint(levels * 100).astype(int).tolist()
            self.told[row].append((hundredths, bool(self._hidden[row].any())))
        return super().hear(samples, rows)


class HearingTests(SynchronousTestCase):
    """What comes to the network, told apart by constant levels."""

    def test_a_turn_begins_clean(self) -> None:
        """In a new turn nothing is left of the last one: neither its sound nor its memory."""
        for rate in (8000, 44100):
            meter, levels = SpeechMeter(rate, 3, MODEL, seats=1), [0.1, 0.3, 0.5]
            meter._network = witness = Witness(1)
            for _ in range(80):
                meter.block(np.tile(np.array(levels, np.float32), (rate // 10, 1)))
            heard_in_turn: list[int] = []
            for hops, remembered in witness.told[0]:
                # In the first window of a turn the last one's sound is silenced at the beginning.
                (own,) = {level for level in hops if level}
                self.assertEqual(hops, [0] * hops.count(0) + [own] * (16 - hops.count(0)))
                first = own not in heard_in_turn[-1:]
                self.assertEqual(remembered, not first)
                self.assertLess(hops.count(0), speech._WARM_UP_HOPS if first else 1)
                heard_in_turn.append(own)
            self.assertEqual(heard_in_turn[:12], [10] * 4 + [30] * 4 + [50] * 4)

    def test_silence_is_not_told(self) -> None:
        """What cannot be heard costs nothing, and who begins after it is heard afresh."""
        meter = SpeechMeter(RATE, 1, MODEL)
        meter._network = witness = Witness(1)
        window = round(WINDOW_SECONDS * RATE)
        for level in (0.1, 0.1, 0.0005, 0.1):
            meter.block(np.full((window, 1), level, np.float32))
        self.assertEqual([remembered for _, remembered in witness.told[0]], [False, True, False])

    def test_the_first_moments_do_not_count(self) -> None:
        """What the network says while it gets to know a channel is not counted."""
        found = heard(sounding(1, 4 * WINDOW_SECONDS)).frame()[0]
        warm_up = speech._WARM_UP_HOPS * HOP / RATE
        self.assertAlmostEqual(found.heard_seconds, 4 * WINDOW_SECONDS - warm_up)


class SeatTests(SynchronousTestCase):
    def test_everyone_is_heard_where_there_are_seats(self) -> None:
        """As long as there are seats enough, every channel is heard all the time."""
        found = heard(sounding(5, 8.0), seats=5).frame()
        for each in found:
            self.assertGreater(each.heard_seconds, 8.0 - WINDOW_SECONDS - 0.4)
            assert each.age_seconds is not None
            self.assertLess(each.age_seconds, WINDOW_SECONDS + 0.1)

    def test_turns(self) -> None:
        """Where there are not, each channel gets its turn in time, and says how long ago it was."""
        meter, times = SpeechMeter(RATE, 6, MODEL, seats=2), 6 // 2
        heard_seconds = np.zeros(6)
        for number, part in enumerate(pieces(sounding(6, 24.0), [RATE])):
            meter.block(part)
            for channel, each in enumerate(meter.frame()):
                heard_seconds[channel] += each.heard_seconds
                if number * 1.0 > times * TURN_SECONDS + 1.0:
                    assert each.age_seconds is not None
                    self.assertLess(each.age_seconds, (times - 1) * TURN_SECONDS + 1.0)
                    self.assertIsNotNone(each.last_score)
                    self.assertEqual(each.score is None, each.heard_seconds == 0.0)
        self.assertGreater(heard_seconds.min(), 0.75 * 24.0 / times)
        self.assertLess(heard_seconds.max(), 1.25 * 24.0 / times)

    def test_silence_needs_no_seat(self) -> None:
        """Channels on which nothing sounds are judged without a seat, and leave it to others."""
        silent = [0, 1, 2, 3, 4, 6]
        meter = heard(sounding(8, 16.0, silent), seats=2)
        for channel, each in enumerate(meter.frame()):
            # The two that sound, 5 and 7, sit all the time after the first turn.
            self.assertGreater(each.heard_seconds, 16.0 - TURN_SECONDS - 1.5, channel)
            if channel in silent:
                self.assertEqual(each.score, 0.0)

    def test_no_seat_stays_empty(self) -> None:
        """Where three sound and two can sit, both seats are taken, whoever else is silent."""
        found = heard(sounding(8, 24.0, [0, 1, 2, 3, 4]), seats=2).frame()[5:]
        # Of every turn of a seat a quarter of a second is lost.
        self.assertGreater(sum(each.heard_seconds for each in found), 2 * 24.0 * 0.85 - 3.0)

    def test_not_heard_yet(self) -> None:
        """A channel that was never heard has no score and no age, not a score of 0."""
        found = heard(sounding(3, 1.0), seats=1).frame()[2]
        self.assertEqual(
            (found.score, found.share, found.last_score, found.age_seconds), (None,) * 4
        )

    def test_an_old_score_keeps(self) -> None:
        """Without anything new the last score is said, with its age, and the score is missing."""
        meter = heard(sounding(1, 2.0))
        first = meter.frame()[0]
        meter.gap(frames=5 * RATE)
        second = meter.frame()[0]
        self.assertEqual((second.score, second.last_score), (None, first.score))
        self.assertAlmostEqual(second.age_seconds - first.age_seconds, 5.0)

    def test_after_a_gap(self) -> None:
        """What follows a gap is heard as in the beginning."""
        wave = sounding(2, 3.0)
        meter = heard(tone(RATE, 3.3, 700.0)[:, None].repeat(2, axis=1))
        meter.gap()
        meter.frame()
        for part in pieces(wave, [1600]):
            meter.block(part)
        for found, expected in zip(meter.frame(), heard(wave).frame(), strict=True):
            self.assertEqual(found.score, expected.score)

    def test_any_block(self) -> None:
        """How the stream is cut makes no difference."""
        wave = sounding(2, 3.0)
        expected = [each.score for each in heard(wave).frame()]
        for block in (7, 511, 48000):
            found = [each.score for each in heard(wave, block=block).frame()]
            np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_memory(self) -> None:
        """Without anyone taking a frame a minute takes no more memory than a second."""
        meter = SpeechMeter(RATE, 4, MODEL, seats=2)

        def kept():
            return sum(each.nbytes for each in vars(meter).values() if isinstance(each, np.ndarray))

        meter.block(sounding(4, 1.0))
        before = kept()
        meter.block(sounding(4, 60.0))
        self.assertEqual(kept(), before)
        self.assertGreater(meter.frame()[0].heard_seconds, 20.0)


class UpperHalfTests(SynchronousTestCase):
    @given(st.lists(st.integers(0, 49), min_size=1, max_size=80))
    def test_by_sorting(self, steps: list[int]) -> None:
        """The score is the mean of the higher half, the middle one counted in."""
        values = (np.array(steps) + 0.5) / 50
        counts, sums = np.zeros((1, 50), np.int64), np.zeros((1, 50))
        np.add.at(counts[0], steps, 1)
        np.add.at(sums[0], steps, values)
        higher = np.sort(values)[::-1][: -(-len(values) // 2)]
        np.testing.assert_allclose(_upper_half(counts, sums), [higher.mean()])
