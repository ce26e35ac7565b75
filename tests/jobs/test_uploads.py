"""Tests for ``rakkr.jobs.uploads``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs.uploads import Uploads

MIB = 1 << 20


class TurnTests(SynchronousTestCase):
    """One upload at a time for each recording."""

    def setUp(self) -> None:
        self.uploads = Uploads(Clock())
        self.running: list[str] = []
        self.ends: dict[str, Deferred[None]] = {}

    def upload(self, name: str, recording: str) -> Deferred[None]:
        """An upload that lasts until its end is fired."""

        async def work() -> None:
            async with self.uploads.turn(recording):
                self.running.append(name)
                try:
                    await self.ends[name]
                finally:
                    self.running.remove(name)

        self.ends[name] = Deferred()
        return Deferred.fromCoroutine(work())

    def test_never_two_of_one_recording(self) -> None:
        """The second waits for the first, and they come in the order in which they asked."""
        done = [self.upload(name, "rec_1") for name in "abc"]
        for name in "abc":
            self.assertEqual(self.running, [name])
            self.ends[name].callback(None)
        for each in done:
            self.successResultOf(each)

    def test_recordings_do_not_wait_for_each_other(self) -> None:
        """Uploads of two recordings go side by side."""
        one, two = self.upload("a", "rec_1"), self.upload("b", "rec_2")
        self.assertEqual(self.running, ["a", "b"])
        for name in "ab":
            self.ends[name].callback(None)
        self.successResultOf(one)
        self.successResultOf(two)

    def test_failure_and_cancellation_give_the_turn_on(self) -> None:
        """Whatever becomes of an upload, the next one has its turn."""
        done = [self.upload(name, "rec_1") for name in "abcd"]
        done[1].cancel()  # while it waits
        self.failureResultOf(done[1], CancelledError)
        self.ends["a"].errback(ZeroDivisionError())
        self.failureResultOf(done[0], ZeroDivisionError)
        self.assertEqual(self.running, ["c"])
        done[2].cancel()  # while it is under way
        self.failureResultOf(done[2], CancelledError)
        self.assertEqual(self.running, ["d"])
        self.ends["d"].callback(None)
        self.successResultOf(done[3])


class RateTests(SynchronousTestCase):
    """How fast the way is."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.uploads = Uploads(self.clock)

    def took(self, size: int, seconds: float) -> None:
        """Measure an upload of so many bytes."""
        began = self.clock.seconds()
        self.clock.advance(seconds)
        self.uploads.measured(size, began)

    def test_first(self) -> None:
        """The first upload that is large enough is the measure."""
        self.took(MIB - 1, 1.0)
        self.assertIsNone(self.uploads.bytes_per_second)
        self.took(MIB, 2.0)
        self.assertEqual(self.uploads.bytes_per_second, MIB / 2)

    def test_smoothed(self) -> None:
        """Later ones move it half the way."""
        self.took(10 * MIB, 1.0)
        self.took(20 * MIB, 1.0)
        self.assertEqual(self.uploads.bytes_per_second, 15 * MIB)

    def test_no_time(self) -> None:
        """An upload that took no time says nothing."""
        self.took(MIB, 0.0)
        self.assertIsNone(self.uploads.bytes_per_second)

    def test_cut_off(self) -> None:
        """One that ran out of time is the measure at once, however fast it was before."""
        self.took(100 * MIB, 1.0)
        self.clock.advance(300)
        self.uploads.cut_off(3_000_000, self.clock.seconds() - 300)
        self.assertEqual(self.uploads.bytes_per_second, 10_000.0)

    def test_hardly_a_byte(self) -> None:
        """A way on which hardly anything came is away, and not as slow as that for ever."""
        self.clock.advance(240)
        self.uploads.cut_off(64 << 10, 0.0)
        assert self.uploads.bytes_per_second is not None
        self.assertGreater(self.uploads.bytes_per_second * 240, MIB - 1)
        self.took(50_000, 0.01)
        self.assertGreater(self.uploads.bytes_per_second, 2_000_000)
        self.took(50_000, 10)
        self.assertGreater(self.uploads.bytes_per_second, 2_000_000)

    def test_cut_off_before_a_byte(self) -> None:
        """One of which nothing was sent says nothing about the way."""
        self.clock.advance(300)
        self.uploads.cut_off(0, 0.0)
        self.assertIsNone(self.uploads.bytes_per_second)

    @given(st.lists(st.tuples(st.integers(MIB, 1 << 40), st.floats(0.001, 1e4)), min_size=1))
    def test_between(self, uploads: list[tuple[int, float]]) -> None:
        """The measure lies between the slowest and the fastest."""
        self.clock, self.uploads = Clock(), Uploads(clock := Clock())
        self.clock = clock
        for size, seconds in uploads:
            self.took(size, seconds)
        rates = [size / seconds for size, seconds in uploads]
        assert self.uploads.bytes_per_second is not None
        self.assertTrue(min(rates) * 0.999 <= self.uploads.bytes_per_second <= max(rates) * 1.001)
