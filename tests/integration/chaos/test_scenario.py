"""Plans of runs: the same for the same seed, and all kinds of them for many."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.audio.pcm import sample_format
from rakkr.tone import numbered
from tests.integration.chaos.scenario import KINDS, STAGES, plan


class PlanTests(SynchronousTestCase):
    @given(st.integers(0, 1 << 62))
    def test_sensible(self, seed: int) -> None:
        """A seed decides everything; 1 to 3 jobs, 1 to 4 faults, no number told twice."""
        made = plan(seed)
        self.assertEqual(made, plan(seed))
        self.assertTrue(1 <= len(made.jobs) <= 3)
        self.assertTrue(1 <= len(made.faults) <= 4)
        self.assertEqual(made.jobs[0].after, 0.0)
        sample = sample_format(made.format)
        for job in made.jobs:
            channels = made.channels if job.selection is None else len(job.selection)
            self.assertGreaterEqual(numbered.modulus(sample, channels), 1 << 32)
            self.assertNotEqual((made.format, job.codec), ("S32_LE", "flac"))
            self.assertTrue(4 <= job.seconds <= 15 or job.stop_after is not None)

    def test_all_kinds(self) -> None:
        """Some hundred seeds have every fault, every stage, every form of job and every format."""
        plans = [plan(seed) for seed in range(600)]
        kinds = Counter(fault.kind for each in plans for fault in each.faults)
        self.assertEqual(set(kinds), set(KINDS))
        self.assertEqual({fault.stage for each in plans for fault in each.faults}, set(STAGES))
        self.assertEqual({len(each.jobs) for each in plans}, {1, 2, 3})
        self.assertEqual(len({each.format for each in plans}), 5)
        self.assertTrue(any(job.chunk_seconds for each in plans for job in each.jobs))
        lasting = [f.lasts for each in plans for f in each.faults if f.kind == "device gone"]
        self.assertEqual({each.retries for each in plans}, {0, 3})
        self.assertLessEqual(max(lasting), 40.0)
        self.assertGreater(max(lasting), 8.0)

    def test_without(self) -> None:
        """What a machine cannot do is left out, and nothing else changes."""
        for made in map(plan, range(200)):
            less = made.without(frozenset({"full disk"}))
            self.assertEqual(less.jobs, made.jobs)
            left_out = [fault.kind for fault in made.faults if fault not in less.faults]
            self.assertLessEqual(set(left_out), {"full disk"})
            self.assertNotIn("full disk", [fault.kind for fault in less.faults])
