"""When the window of a capture is over, and when it is looked at again."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.capture.programs import Launch
from rakkr.capture.window import LEASH_SECONDS, Window

_COUNTED = Window(
    call=Launch(("arecord",), "agent", sample_format("S16_LE"), ends_itself=False),
    rate=8000,
    planned=80000,
    wanted=80000,
    overrun_seconds=5.0,
)
_KNOWS = attrs.evolve(_COUNTED, call=attrs.evolve(_COUNTED.call, ends_itself=True))
_BY_CLOCK = attrs.evolve(_COUNTED, call=attrs.evolve(_COUNTED.call, owner="program"))


class IsOverTests(SynchronousTestCase):
    def test_frames_end_a_program_that_we_count(self) -> None:
        """A program whose samples we count is ended at the last wanted frame, whatever the time."""
        self.assertFalse(_COUNTED.is_over(seconds=99.0, frames=79999))
        self.assertTrue(_COUNTED.is_over(seconds=9.0, frames=80000))

    def test_time_ends_a_program_with_a_file_of_its_own(self) -> None:
        """A program that makes its file is ended by the clock: its samples may be packed."""
        self.assertFalse(_BY_CLOCK.is_over(seconds=9.9, frames=90000))
        self.assertTrue(_BY_CLOCK.is_over(seconds=10.0, frames=0))

    def test_a_program_that_ends_itself(self) -> None:
        """A program that knows its window gets a few seconds more before it is ended."""
        self.assertFalse(_KNOWS.is_over(seconds=15.0, frames=80000))
        self.assertTrue(_KNOWS.is_over(seconds=15.1, frames=80000))

    def test_nothing_is_over_before_the_first_sample(self) -> None:
        """Before its first sample no window has begun."""
        for window in (_KNOWS, _COUNTED, _BY_CLOCK):
            self.assertFalse(window.is_over(seconds=None, frames=0))

    def test_a_window_that_grew_or_shrank(self) -> None:
        """More or less may be wanted than planned; who ends itself can only end sooner."""
        longer = attrs.evolve(_COUNTED, wanted=90000)
        self.assertFalse(longer.is_over(seconds=10.0, frames=89999))
        self.assertTrue(longer.is_over(seconds=10.0, frames=90000))
        shorter = attrs.evolve(_KNOWS, wanted=40000)
        self.assertFalse(shorter.is_over(seconds=5.0, frames=39999))
        self.assertTrue(shorter.is_over(seconds=5.0, frames=40000))
        self.assertTrue(attrs.evolve(_KNOWS, wanted=90000).is_over(seconds=15.1, frames=0))

    def test_no_number_of_frames(self) -> None:
        """A capture until somebody stops it is not over by itself."""
        for window in (_COUNTED, _BY_CLOCK):
            self.assertFalse(attrs.evolve(window, wanted=None).is_over(seconds=9e5, frames=1 << 40))


class NextLookTests(SynchronousTestCase):
    def test_often_first_then_seldom_then_at_the_end(self) -> None:
        """Looks are dense before the first sample, less so for a while, and again at the end."""
        for window, seconds, frames, pause in (
            (_COUNTED, None, 0, 0.02),
            (_COUNTED, 9.9, 8000, 0.1),
            (_COUNTED, 10.0, 8000, 1.0),
            (_COUNTED, 20.0, 76000, 0.5),
            (_COUNTED, 20.0, 79999, 0.02),
            (_KNOWS, 20.0, 79999, 1.0),
            (_BY_CLOCK, 9.95, 0, 0.05),
            (attrs.evolve(_COUNTED, wanted=None), 20.0, 79999, 1.0),
        ):
            self.assertAlmostEqual(window.next_look(seconds=seconds, frames=frames), pause)


class LeashTests(SynchronousTestCase):
    def leash(self, window: Window, seconds: float | None, frames: int) -> float:
        """Ask at a moment, for how long."""
        return window.leash(1000.0, seconds=seconds, frames=frames) - 1000.0

    def test_what_is_left_and_a_margin(self) -> None:
        """Without an agent a program runs for what is left of its window, and a little longer."""
        self.assertEqual(self.leash(_COUNTED, None, 0), 10.0 + LEASH_SECONDS)
        self.assertEqual(self.leash(_COUNTED, 5.0, 32000), 6.0 + LEASH_SECONDS)
        self.assertEqual(self.leash(_BY_CLOCK, 4.0, 0), 6.0 + LEASH_SECONDS)
        self.assertEqual(self.leash(_KNOWS, None, 0), 15.0 + LEASH_SECONDS)
        self.assertEqual(self.leash(attrs.evolve(_COUNTED, wanted=None), 5.0, 1), 86400.0)

    @given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.floats(0, 1e6))
    def test_never_shorter_than_the_margin(self, wanted: int, frames: int, seconds: float) -> None:
        """However much is there already, an agent has the margin to come back in."""
        for window in (_COUNTED, _KNOWS, _BY_CLOCK):
            changed = attrs.evolve(window, wanted=wanted)
            self.assertGreaterEqual(self.leash(changed, seconds, frames), LEASH_SECONDS - 1e-6)
