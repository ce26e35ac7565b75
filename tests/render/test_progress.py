"""What ffmpeg says while it works."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.render.progress import Progress

SAID = b"""bitrate=N/A
total_size=8288
out_time_us=N/A
progress=continue
out_time_us=1500000
out_time_ms=1500000
out_time=00:00:01.500000
speed= 672x
progress=continue
out_time_us=100000021
progress=end
"""


class ProgressTests(SynchronousTestCase):
    """Progress is read in pieces of any size and never fails."""

    def test_whole(self):
        """The last time and the end are known."""
        progress = Progress()
        self.assertTrue(progress.feed(SAID))
        self.assertEqual((progress.seconds, progress.ended), (100.000021, True))

    def test_moves(self):
        """Only a later time, or the end, is news."""
        progress = Progress()
        self.assertFalse(progress.feed(b"out_time_us=N/A\nprogress=continue\n"))
        self.assertFalse(progress.feed(b"out_time_us=0\n"))
        self.assertTrue(progress.feed(b"out_time_us=1\n"))
        self.assertFalse(progress.feed(b"out_time_us=1\n"))
        self.assertFalse(progress.feed(b"out_time_us=-5\n"))
        self.assertTrue(progress.feed(b"progress=end\n"))
        self.assertEqual(progress.seconds, 1e-6)

    @given(st.lists(st.integers(0, len(SAID))))
    def test_pieces(self, cuts):
        """Where the pieces end makes no difference."""
        progress = Progress()
        edges = [0, *sorted(cuts), len(SAID)]
        for start, end in pairwise(edges):
            progress.feed(SAID[start:end])
        self.assertEqual((progress.seconds, progress.ended), (100.000021, True))

    @given(st.binary())
    def test_junk(self, junk):
        """Junk is passed over, and what follows it is read."""
        progress = Progress()
        progress.feed(junk + b"\n" + SAID)
        self.assertTrue(progress.ended)
        self.assertGreaterEqual(progress.seconds, 100.000021)

    def test_endless_line(self):
        """A line without end does not fill the memory."""
        progress = Progress()
        for _ in range(100):
            progress.feed(b"x" * 1000)
        self.assertLess(len(progress._rest), 5000)
