"""Levels of stretches: right in themselves, and the same however the audio is cut."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Block
from rakkr.audio.gauge import Gauge
from rakkr.audio.quiet import QUIET
from rakkr.audio.runs import NOTABLE
from rakkr.audio.stretch import Stretch
from tests.audio.signals import column, noise, tone

SLOW = 1000  # frames in a second: 0.1 s, the least quiet that counts, is 100 of them
VALUES = (0.0, 1.0, -1.0, 0.5, -0.25, QUIET / 2, -QUIET / 4)


@st.composite
def channels(draw: st.DrawFn) -> np.ndarray:
    """A channel of pieces: one value for a while, or values that change with every sample."""
    pieces = []
    for _ in range(draw(st.integers(1, 5))):
        length = draw(st.sampled_from([1, 2, 3, 15, 31, 32, 33, 64, 99, 100, 101, 150]))
        if draw(st.booleans()):
            pieces.append(np.full(length, draw(st.sampled_from(VALUES))))
        else:
            seed = draw(st.integers(0, 50))
            pieces.append(np.random.default_rng(seed).choice(VALUES, length))
    return np.concatenate(pieces)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Up to three channels of one length."""
    found = draw(st.lists(channels(), min_size=1, max_size=3))
    length = min(len(each) for each in found)
    return np.ascontiguousarray(np.stack([each[:length] for each in found], axis=1), np.float32)


def runs(flags: list[bool]) -> list[tuple[bool, int]]:
    """Run lengths, in order."""
    return [(flag, len(list(group))) for flag, group in groupby(flags)]


def longest(flags: list[bool], least: int) -> int:
    """The longest run that counts."""
    return max((length for flag, length in runs(flags) if flag and length >= least), default=0)


def slowly(values: list[float]) -> dict[str, Any]:
    """Measure a channel in plain Python, as the docstrings define it."""
    signs = [1 if each > 0 else -1 for each in values if each]
    equal = [(value, len(list(group))) for value, group in groupby(values)]
    quiet = [length for flag, length in runs([abs(each) <= QUIET for each in values]) if flag]
    return {
        "peak": max(abs(each) for each in values),
        "dc": sum(values) / len(values),
        "rms": (sum(each**2 for each in values) / len(values)) ** 0.5,
        "crossings": sum(a != b for a, b in pairwise(signs)),
        "clipped": sum(abs(each) >= 0.999 for each in values),
        "clipped_run": longest([abs(each) >= 0.999 for each in values], 1),
        "zero_run": longest([each == 0 for each in values], NOTABLE),
        "zero_tail": equal[-1][1] if equal[-1][0] == 0 else 0,
        "stuck_run": max((n for value, n in equal if value and n >= NOTABLE), default=0),
        "stuck_tail": equal[-1][1] if equal[-1][0] else 0,
        "silent": sum(length for length in quiet if length >= SLOW // 10),
    }


def told(stretch: Stretch, channel: int, names: Any) -> dict[str, float]:
    """What a stretch says of a channel."""
    return {name: float(getattr(stretch, name)[channel]) for name in names}


class GaugeTests(SynchronousTestCase):
    @given(blocks())
    def test_as_defined(self, block: Block) -> None:
        """Every level is what its definition says, computed the slow way."""
        stretch = Gauge(SLOW, block.shape[1]).measure(block)
        for channel in range(block.shape[1]):
            expected = slowly(block[:, channel].tolist())
            found = told(stretch, channel, expected)
            for name, value in expected.items():
                self.assertAlmostEqual(found[name], value, 6, f"{name} of channel {channel}")

    @given(blocks(), st.lists(st.integers(0, 700), max_size=6))
    def test_joining(self, block: Block, cuts: list[int]) -> None:
        """Stretches of consecutive blocks, joined, are the stretch of the whole."""
        gauge = Gauge(SLOW, block.shape[1])
        whole = gauge.measure(block)
        joined = Stretch.empty(block.shape[1])
        for part in np.split(block, sorted(min(each, len(block)) for each in cuts)):
            joined = joined.then(gauge.measure(np.ascontiguousarray(part)))
        assert_same(self, joined, whole)

    @given(blocks(), st.tuples(st.integers(0, 700), st.integers(0, 700)))
    def test_joining_in_any_order(self, block: Block, cuts: tuple[int, int]) -> None:
        """It does not matter which neighbours are joined first."""
        gauge = Gauge(SLOW, block.shape[1])
        parts = np.split(block, sorted(min(each, len(block)) for each in cuts))
        first, second, third = (gauge.measure(np.ascontiguousarray(each)) for each in parts)
        assert_same(self, first.then(second).then(third), first.then(second.then(third)))

    @given(blocks(), st.integers(0, 700))
    def test_going_on(self, block: Block, cut: int) -> None:
        """A stretch that goes on from the end of another knows runs that began there."""
        gauge = Gauge(SLOW, block.shape[1])
        before = gauge.measure(np.ascontiguousarray(block[:cut]))
        after = gauge.measure(np.ascontiguousarray(block[cut:]))
        lasting, whole = before.ending().then(after), before.then(after)
        self.assertEqual(lasting.frames, after.frames)
        np.testing.assert_array_equal(lasting.runs.tail, whole.runs.tail)
        np.testing.assert_array_equal(
            np.maximum(before.runs.longest, lasting.runs.longest), whole.runs.longest
        )
        np.testing.assert_array_equal(before.crossings + lasting.crossings, whole.crossings)

    def test_long_blocks(self) -> None:
        """Real sounds, wide and longer than the gauge works on at once, are measured as defined."""
        random = np.random.default_rng(5)
        block = (random.standard_normal((9001, 40)) * 0.1).astype(np.float32)
        block[2000:2500, 3] = 0
        block[4000:, 7] = 0.25
        block[::50, 9] = 0
        block[::9, 11] = block[1::9, 11][:1] * 0
        stretch = Gauge(48_000, 40).measure(block)
        for channel in range(40):
            expected = slowly(block[:, channel].tolist())
            del expected["silent"]  # of another rate
            for name, value in expected.items():
                found = float(getattr(stretch, name)[channel])
                self.assertAlmostEqual(found, value, 6, f"{name} of channel {channel}")

    def test_small_sound_on_a_large_mean(self) -> None:
        """What is small beside DC is measured to four digits."""
        block = column(0.5 + tone(1000, 1, 0.001)[:, 0].astype(np.float64))
        stretch = Gauge(48_000, 1).measure(block)
        self.assertAlmostEqual(float(np.sqrt(stretch.variance[0])) / (0.001 / 2**0.5), 1, 4)

    def test_hours(self) -> None:
        """Sums do not wear out: after a day of joining, the levels are those of its minutes."""
        gauge = Gauge(48_000, 1)
        minute = gauge.measure(column(0.25 + noise(1, 0.05)[:, 0]))
        day = minute
        for _ in range(11):  # doubles each time
            day = day.then(day)
        for name in ("rms", "dc", "variance"):
            ratio = getattr(day, name)[0] / getattr(minute, name)[0]
            self.assertAlmostEqual(float(ratio), 1, 12, name)

    def test_bad_samples(self) -> None:
        """Bad samples are counted and joined."""
        gauge = Gauge(48_000, 2)
        one = gauge.measure(np.zeros((4, 2), np.float32), np.array([1, 0]))
        other = gauge.measure(np.zeros((4, 2), np.float32), np.array([2, 3]))
        self.assertEqual(one.then(other).bad.tolist(), [3, 3])

    def test_nothing(self) -> None:
        """An empty stretch has no level, and nothing changes when it is joined."""
        gauge = Gauge(48_000, 2)
        empty = gauge.measure(np.zeros((0, 2), np.float32))
        for name in ("peak", "rms", "dc", "crossing_rate", "silent"):
            self.assertEqual(getattr(empty, name).tolist(), [0, 0], name)
        some = gauge.measure(np.full((50, 2), 0.5, np.float32))
        assert_same(self, empty.then(some), some)
        assert_same(self, some.then(empty), some)

    def test_clip_level(self) -> None:
        """Another clip level is kept to."""
        block = column(np.array([0.5, 0.49, -0.5, -0.6, 0.2]))
        stretch = Gauge(48_000, 1, clip=0.5).measure(block)
        self.assertEqual([stretch.clipped[0], stretch.clipped_run[0]], [3, 2])


def assert_same(case: SynchronousTestCase, one: Stretch, other: Stretch) -> None:
    """Compare all parts: sums by their digits, everything else exactly."""
    case.assertEqual(one.frames, other.frames)
    for field in attrs.fields(Stretch):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("total", "products"):
            np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-4, err_msg=field.name)
        elif field.name == "runs":
            for part in ("head", "tail", "longest"):
                np.testing.assert_array_equal(getattr(left, part), getattr(right, part), part)
        elif field.name == "quiet":
            np.testing.assert_array_equal(left.frames(one.frames), right.frames(other.frames))
        else:
            np.testing.assert_array_equal(left, right, field.name)
