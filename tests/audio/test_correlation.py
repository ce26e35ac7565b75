"""Which channels carry the same sound."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.blocks import Block
from rakkr.audio.correlation import Peer, correlation, peers
from rakkr.audio.gauge import Gauge
from rakkr.audio.stretch import Stretch
from tests.audio.signals import column, noise, tone


def measured(*columns: Block) -> Stretch:
    """Measure channels side by side."""
    return Gauge(48_000, len(columns)).measure(np.ascontiguousarray(np.hstack(columns)))


class CorrelationTests(SynchronousTestCase):
    @given(st.integers(0, 1000), st.integers(2, 6), st.floats(0, 1))
    def test_pearson(self, seed: int, channels: int, shared: float) -> None:
        """Coefficients are Pearson's, within what 32 bits give, with and without DC."""
        random = np.random.default_rng(seed)
        waves = random.standard_normal((500, channels)) + shared * random.standard_normal((500, 1))
        block = (waves * 0.05 + random.uniform(-0.5, 0.5, channels)).astype(np.float32)
        found = correlation(Gauge(48_000, channels).measure(block))
        np.testing.assert_allclose(found, np.corrcoef(block.astype(np.float64).T), atol=2e-6)

    def test_joined(self) -> None:
        """The coefficient of a joined stretch is that of the whole, although the means differ."""
        random = np.random.default_rng(3)
        block = random.uniform(-0.4, 0.4, (30_000, 2)).astype(np.float32)
        block[20_000:] += 0.5
        gauge = Gauge(48_000, 2)
        joined = gauge.measure(block[:20_000]).then(gauge.measure(block[20_000:]))
        expected = np.corrcoef(block.astype(np.float64).T)
        np.testing.assert_allclose(correlation(joined), expected, atol=1e-6)

    def test_constant(self) -> None:
        """A channel that does not move is like no other, not even like another such."""
        flat = column(np.full(1000, 0.3))
        scores = correlation(measured(flat, flat, noise(1000 / 48_000)))
        self.assertEqual(scores[0].tolist(), [0, 0, 0])

    def test_few_frames(self) -> None:
        """Less than eight frames say nothing."""
        few = noise(8 / 48_000)
        self.assertEqual(correlation(measured(few[:7], few[:7])).tolist(), [[0, 0], [0, 0]])
        self.assertAlmostEqual(correlation(measured(few, few))[0, 1], 1)


class PeerTests(SynchronousTestCase):
    def test_phase(self) -> None:
        """A copy is the same, a negated copy is inverted, and both are told of each other."""
        one = tone(440, 0.1)
        self.assertEqual(peers(measured(one, one)), [Peer(2, "same", 1.0), Peer(1, "same", 1.0)])
        self.assertEqual(
            peers(measured(one, -one)), [Peer(2, "inverted", -1.0), Peer(1, "inverted", -1.0)]
        )

    def test_unlike(self) -> None:
        """Different sounds have no peer."""
        self.assertEqual(peers(measured(tone(230, 0.1), tone(1370, 0.1))), [None, None])

    def test_from_where_on(self) -> None:
        """From 0.80 on a channel is a peer."""
        one, other = noise(1, seed=1), noise(1, seed=2)
        for share, found in ((0.81, True), (0.79, False)):
            mixed = share * one + (1 - share**2) ** 0.5 * other
            self.assertEqual(peers(measured(one, mixed))[0] is not None, found)

    def test_inaudible(self) -> None:
        """At -65 dBFS or below a channel has no peer and is none."""
        loud, quiet = tone(440, 0.1), tone(440, 0.1, 10 ** (-62.1 / 20))
        self.assertEqual(peers(measured(loud, quiet)), [None, None])
        audible = tone(440, 0.1, 10 ** (-61.9 / 20))
        self.assertEqual(peers(measured(loud, audible))[1], Peer(1, "same", 1.0))

    def test_first_wins(self) -> None:
        """Of several that are equally like it, a channel is told the first."""
        one = noise(0.1)
        found = peers(measured(one, one, one))
        self.assertEqual([each and each.channel for each in found], [2, 1, 1])

    def test_best_wins(self) -> None:
        """A later channel that is more like it wins, sign or not."""
        one, other = noise(1, seed=1), noise(1, seed=2)
        found = peers(measured(one, one + 0.5 * other, -one))
        self.assertEqual(found[0], Peer(3, "inverted", -1.0))

    def test_rounded_score_is_to_be_beaten(self) -> None:
        """As in the reference agent, what counts of an earlier channel is its rounded score."""
        one, other = noise(2, seed=1), noise(2, seed=2)

        def like(score: float) -> Block:
            return score * one + (1 - score**2) ** 0.5 * other

        pair = [like(0.902), like(0.897)]
        exact = correlation(measured(one, *pair))[0, 1:]
        self.assertTrue(0.895 < exact[1] < exact[0] < 0.905)
        self.assertEqual(peers(measured(one, *pair))[0], Peer(2, "same", 0.9))
        pair = [like(0.9045), like(0.9035)]
        exact = correlation(measured(one, *pair))[0, 1:]
        self.assertTrue(0.90 < exact[1] < exact[0] < 0.905)
        self.assertEqual(peers(measured(one, *pair))[0], Peer(3, "same", 0.9))
