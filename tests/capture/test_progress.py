"""How far a capture has come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.capture.pace import Timing
from rakkr.capture.progress import Progress

_LATENESS = st.lists(st.floats(0, 0.5), min_size=1, max_size=30)


def progress(started_at: float | None = None) -> Progress:
    """Begin at 100 s: 8000 frames of 4 bytes a second."""
    return Progress(100.0, 8000, 4, started_at=started_at)


def see(seen: Progress, frames: int, now: float) -> None:
    """Look at the file."""
    seen.seen(128 + frames * 4, frames * 4, now)


class StartedAtTests(SynchronousTestCase):
    def test_the_first_look_and_better_ones(self) -> None:
        """The start is the earliest that any look of the first seconds says."""
        seen = progress()
        see(seen, 0, 101.0)
        self.assertIsNone(seen.started_at)
        for now, frames, start in (
            (101.5, 800, 101.4),
            (102.0, 4400, 101.4),
            (102.3, 8000, 101.3),
            (110.0, 69760, 101.28),
            (113.0, 99999, 101.28),  # by now the drift would say more
        ):
            see(seen, frames, now)
            self.assertAlmostEqual(seen.started_at or 0.0, start)

    def test_not_before_the_program(self) -> None:
        """No sample is older than the program, however many come at once."""
        seen = progress()
        see(seen, 80000, 101.0)
        self.assertEqual(seen.started_at, 100.0)

    def test_of_another_agent(self) -> None:
        """What another agent knew of the start holds, once its first seconds are over."""
        seen = progress(started_at=100.5)
        see(seen, 8_000_000, 1000.0)
        self.assertEqual(seen.started_at, 100.5)

    @given(st.floats(0, 5), _LATENESS)
    def test_never_early_and_no_later_than_any_look(self, start: float, late: list[float]) -> None:
        """The start that is found is never before the true one, and as good as the best look."""
        seen, true = progress(), 100.0 + start
        for number, each in enumerate(late):
            frames = 400 * (number + 1)
            see(seen, frames, true + frames / 8000 + each)
        found = seen.started_at
        assert found is not None
        self.assertGreaterEqual(found, true - 1e-6)
        self.assertLessEqual(found, true + min(late) + 1e-6)


class TimingTests(SynchronousTestCase):
    def watched(self, seconds: int) -> Progress:
        """Look once a second."""
        seen = progress()
        for number in range(1, seconds + 1):
            see(seen, 8000 * number, 100.0 + number)
        return seen

    def test_no_sample(self) -> None:
        """A capture without a sample has no time."""
        self.assertIsNone(progress().timing(105.0, 0, to_the_end=True))

    def test_to_the_end(self) -> None:
        """A program that worked until its end captured until its end; what is not there is lost."""
        seen = self.watched(5)
        see(seen, 40800, 105.1)
        self.assertEqual(seen.timing(105.1, 40800, to_the_end=True), Timing(100.0, 105.1))
        lossy = self.watched(5)
        see(lossy, 40800, 106.1)
        timing = lossy.timing(106.1, 40800, to_the_end=True)
        self.assertEqual(timing, Timing(100.0, 106.1, None, 8000))

    def test_what_was_cut_off(self) -> None:
        """The end of a file that was cut is the moment of its last frame that was kept."""
        timing = self.watched(5).timing(105.0, 32000, to_the_end=True)
        assert timing is not None
        self.assertAlmostEqual(timing.ended_at, 104.0)
        self.assertEqual(timing.missing_frames, 0)

    def test_a_program_that_ended_later_than_its_samples(self) -> None:
        """The last sample of a device that went is as old as the growth of the file, not older."""
        seen = self.watched(5)
        see(seen, 42000, 106.0)
        for now in (107.0, 130.0):
            see(seen, 42000, now)
        timing = seen.timing(130.0, 42000, to_the_end=False)
        assert timing is not None
        self.assertAlmostEqual(timing.ended_at, 105.25)
        self.assertEqual(timing.missing_frames, 0)
        silent = seen.timing(130.0, 42000, to_the_end=True)
        self.assertEqual(silent, timing)  # a stop in a long silence

    @given(st.integers(0, 9), st.floats(0, 100), st.booleans(), st.integers(0, 90000))
    def test_order(self, looks: int, late: float, to_the_end: bool, kept: int) -> None:
        """A capture never ends before it begins, nor after its program."""
        seen, end = self.watched(looks), 100.0 + looks + late
        timing = seen.timing(end, kept, to_the_end=to_the_end)
        if timing is not None:
            self.assertLessEqual(100.0, timing.started_at)
            self.assertLessEqual(timing.started_at, timing.ended_at)
            self.assertLessEqual(timing.ended_at, end)
