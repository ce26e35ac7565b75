"""When frames are there to be read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.card import Card, Played, epoch_of


class PlayedTests(SynchronousTestCase):
    def test_lateness_never_adds_up(self) -> None:
        """Each block has its moment, counted from the start, however late the last one was."""
        played = Played(1000, 10.0)
        self.assertAlmostEqual(played.early(100, 10.0), 0.1)
        played.read(100)
        self.assertAlmostEqual(played.early(100, 10.15), 0.05)
        self.assertEqual(played.overrun(1e6), 0)
        self.assertEqual(played.next, 100)

    def test_flat_out(self) -> None:
        """At speed 0 everything is there at once."""
        self.assertEqual(Played(0.0, 10.0).early(1 << 30, 10.0), 0.0)


class CardTests(SynchronousTestCase):
    def test_numbers_go_on_between_programs(self) -> None:
        """A program that starts later gets the frames that the card has then."""
        first = Card.opened(48_000, -1000.0, 24_000, 20.0)
        again = Card.opened(48_000, -1000.0, 24_000, 21.5)
        self.assertEqual(first.next, 1020 * 48_000)
        self.assertEqual(again.next - first.next, 72_000)
        self.assertAlmostEqual(first.early(4800, 20.0), 0.1)

    def test_both_sides_of_a_full_buffer(self) -> None:
        """What the buffer holds waits for its reader; one frame more, and all of it is gone."""
        card = Card.opened(1000, 0.0, 500, 20.0)
        self.assertEqual((card.overrun(20.5), card.next), (0, 20_000))
        self.assertEqual((card.overrun(20.501), card.next), (501, 20_501))
        self.assertEqual(card.overrun(20.501), 0)

    @given(
        st.lists(st.floats(0.0, 3.0), max_size=20), st.integers(2000, 192_000), st.floats(-1e6, 1e6)
    )
    def test_every_frame_is_read_or_counted(
        self, pauses: list[float], rate: int, epoch: float
    ) -> None:
        """Whatever the pauses of its reader, frames read and lost are the frames that came."""
        now, step = 1e6, rate // 20
        card = Card.opened(rate, epoch, rate // 2, now)
        began, read, lost = card.next, 0, 0
        for pause in pauses:
            now += pause
            lost += card.overrun(now)
            while card.early(step, now) <= 0:
                card.read(step)
                read += step
        self.assertEqual(card.next, began + read + lost)
        self.assertLessEqual(abs(card.next - (now - epoch) * rate), step + 1)


class EpochTests(SynchronousTestCase):
    def test_epoch(self) -> None:
        """Only a numbered device with a number of seconds runs by the clock."""
        self.assertEqual(epoch_of("numbered:-12.5"), -12.5)
        for other in ("numbered", "numbered:", "numbered:soon", "tone:440"):
            self.assertIsNone(epoch_of(other))
