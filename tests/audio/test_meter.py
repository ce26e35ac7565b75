"""The meter of a stream, frame by frame."""

from __future__ import annotations

import tracemalloc

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Block, Decoder
from rakkr.audio.meter import Meter, MeterFrame
from rakkr.audio.pcm import sample_format
from rakkr.audio.quality import Quality
from rakkr.audio.stretch import Stretch
from rakkr.meters.levels import levels_of
from tests.audio.signals import noise, tone

RATES = st.sampled_from([8000, 11_025, 16_000, 44_100, 48_000, 96_000, 176_400, 192_000])
LEVELS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-30, -1e-7, 0.001, 0.9999])


def assert_sane(case: SynchronousTestCase, frame: MeterFrame) -> None:
    """No value is missing, and all are inside the ranges of the wire."""
    for level in levels_of(frame, -1.0, heard=True):
        wire = level.rounded().as_wire()
        for name in ("peakDbfs", "rmsDbfs"):
            case.assertTrue(-160 <= wire[name] <= 0, (name, wire[name]))
        for name, value in wire["quality"].items():
            if name == "channelCorrelation":
                case.assertTrue(0.8 <= abs(value["score"]) <= 1, value)
                continue
            most = 80 if name in ("crestFactorDb", "estimatedSnrDb") else 1
            case.assertTrue(0 <= value <= most, (name, value))


class AnyInputTests(SynchronousTestCase):
    @given(
        RATES,
        st.lists(
            arrays(np.float32, st.tuples(st.integers(0, 40), st.just(2)), elements=LEVELS),
            max_size=4,
        ),
    )
    def test_little_blocks(self, rate: int, blocks: list[Block]) -> None:
        """Whatever comes, and however little of it, all values are numbers and in range."""
        meter = Meter(rate, 2)
        assert_sane(self, meter.frame(np.ones(2)))
        for block in blocks:
            meter.block(block)
            assert_sane(self, meter.frame(np.ones(2)))

    @given(RATES, st.lists(st.tuples(LEVELS, LEVELS, st.floats(0.001, 0.4)), max_size=4))
    def test_long_blocks(self, rate: int, pieces: list[tuple[float, float, float]]) -> None:
        """Silence, DC, clipping, noise, and sudden changes between them, too."""
        meter = Meter(rate, 1)
        random = np.random.default_rng(1)
        for level, spread, seconds in pieces:
            waves = level + spread * random.standard_normal((int(seconds * rate), 1))
            meter.block(np.clip(waves, -1, 1).astype(np.float32))
            assert_sane(self, meter.frame(np.ones(1)))

    def test_widths(self) -> None:
        """From one channel to 256."""
        for channels in (1, 2, 3, 31, 64, 200, 256):
            meter = Meter(48_000, channels)
            block = np.tile(tone(60, 0.15), (1, channels))
            meter.block(np.ascontiguousarray(block))
            frame = meter.frame(np.zeros(channels))
            assert_sane(self, frame)
            self.assertEqual(len(levels_of(frame, -1.0, heard=True)), channels)
            self.assertGreater(frame.quality.hum.min(), 0.9)

    def test_channels_do_not_mix(self) -> None:
        """Each channel is judged as if it were alone."""
        columns = [tone(60, 2), noise(2), tone(1000, 2), np.zeros((96_000, 1), np.float32)]
        meter = Meter(48_000, 4)
        meter.block(np.ascontiguousarray(np.hstack(columns)))
        together = meter.frame().quality
        for at, each in enumerate(columns):
            alone = Meter(48_000, 1)
            alone.block(each)
            quality = alone.frame().quality
            for field in attrs.fields(Quality):
                self.assertAlmostEqual(
                    float(getattr(together, field.name)[at]),
                    float(getattr(quality, field.name)[0]),
                    3,
                    f"{field.name} of {at}",
                )


class StreamTests(SynchronousTestCase):
    @given(st.integers(0, 100), st.sampled_from([8000, 44_100]), st.integers(1, 3))
    def test_however_it_is_cut(self, seed: int, rate: int, channels: int) -> None:
        """A stream gives the same frame in blocks of any sizes."""
        random = np.random.default_rng(seed)
        block = np.tile(tone(50, 2, rate=rate), (1, channels)) + (
            random.standard_normal((2 * rate, channels)) * 0.05
        ).astype(np.float32)
        whole, cut = Meter(rate, channels), Meter(rate, channels)
        whole.block(block)
        places = np.sort(random.integers(0, len(block), 30))
        for part in np.split(block, places):
            cut.block(part)
        one, other = whole.frame(), cut.frame()
        for field in attrs.fields(Quality):
            np.testing.assert_allclose(
                getattr(one.quality, field.name),
                getattr(other.quality, field.name),
                atol=1e-3,
                err_msg=field.name,
            )
        np.testing.assert_allclose(one.stretch.rms, other.stretch.rms, rtol=1e-6)
        np.testing.assert_array_equal(one.stretch.crossings, other.stretch.crossings)

    def test_frames_add_up(self) -> None:
        """The levels of five seconds are those of its seconds, joined."""
        block = np.hstack([noise(5), noise(5, 0.05, seed=2)])
        block[:, 1] += 0.5 * block[:, 0]
        long, short = Meter(48_000, 2), Meter(48_000, 2)
        long.block(block)
        joined = Stretch.empty(2)
        for start in range(0, len(block), 48_000):
            short.block(block[start : start + 48_000])
            joined = joined.then(short.frame().stretch)
        whole = long.frame().stretch
        for name in ("peak", "crossings", "clipped", "silent", "zero_run", "stuck_run"):
            np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), name)
        for name in ("rms", "dc", "products"):
            np.testing.assert_allclose(
                getattr(joined, name), getattr(whole, name), rtol=1e-6, atol=1e-8
            )

    def test_frame_begins_anew(self) -> None:
        """A loud moment is in the frame in which it was, and in no other."""
        meter = Meter(48_000, 1)
        meter.block(np.full((4800, 1), 0.9, np.float32))
        self.assertAlmostEqual(float(meter.frame().stretch.peak[0]), 0.9, 6)
        meter.block(np.full((4800, 1), 0.1, np.float32))
        self.assertAlmostEqual(float(meter.frame().stretch.peak[0]), 0.1, 6)
        self.assertEqual(meter.frame().stretch.frames, 0)

    def test_unfinished_runs_go_on(self) -> None:
        """A run that began frames ago has its whole length; one that ended does not come back."""
        meter = Meter(48_000, 1)
        quiet = np.zeros((4800, 1), np.float32)
        for number in range(1, 4):
            meter.block(quiet)
            frame = meter.frame()
            self.assertEqual(frame.lasting.zero_run[0], 4800 * number)
            self.assertEqual(frame.lasting.zero_tail[0], 4800 * number)
            self.assertEqual(frame.stretch.zero_run[0], 4800)
        meter.block(tone(100, 0.1))
        self.assertEqual(meter.frame().lasting.zero_run[0], 4800 * 3 + 1)  # a sine begins at zero
        meter.block(tone(100, 0.1))
        self.assertEqual(meter.frame().lasting.zero_run[0], 0)

    def test_empty_frame(self) -> None:
        """A frame in which nothing came forgets no run."""
        meter = Meter(48_000, 1)
        meter.block(np.full((1000, 1), 0.25, np.float32))
        meter.frame()
        meter.frame()
        meter.block(np.full((1000, 1), 0.25, np.float32))
        self.assertEqual(meter.frame().lasting.stuck_run[0], 2000)

    def test_quality_between_windows(self) -> None:
        """A frame too short to be judged has the quality of the one before."""
        meter = Meter(48_000, 1)
        meter.block(tone(50, 3))
        before = meter.frame().quality
        meter.block(tone(50, 0.001))
        self.assertAlmostEqual(float(meter.frame().quality.hum[0]), float(before.hum[0]), 6)

    def test_bad_samples_poison_nothing(self) -> None:
        """Numbers that are none are counted, and everything else is as without them."""
        waves = noise(1, 0.1)
        spoiled = waves.copy()
        spoiled[::4000] = np.nan
        spoiled[7::4000] = np.inf
        clean = waves.copy()
        clean[::4000] = clean[7::4000] = 0
        frames = []
        for data in (spoiled, clean):
            decoder, meter = Decoder(sample_format("FLOAT_LE"), 1), Meter(48_000, 1)
            for block in decoder.blocks(data.astype("<f4").tobytes()):
                meter.block(block, decoder.bad)
            frames.append(meter.frame())
        self.assertEqual([each.stretch.bad[0] for each in frames], [24, 0])
        self.assertEqual(*(levels_of(each, -1.0, heard=False) for each in frames))


class MemoryTests(SynchronousTestCase):
    def test_bounded(self) -> None:
        """32 channels need about a megabyte, and no more after a minute without a single frame."""
        block = np.random.default_rng(1).uniform(-0.1, 0.1, (4800, 32)).astype(np.float32)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        meter = Meter(48_000, 32)
        for _ in range(100):
            meter.block(block)
        after_seconds, _ = tracemalloc.get_traced_memory()
        for _ in range(500):
            meter.block(block)
        after_minute, _ = tracemalloc.get_traced_memory()
        self.assertLess(after_seconds, 1.6e6)
        self.assertLess(after_minute - after_seconds, 20_000)
