"""What a program says that it wrote."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.ledger import Kept, Ledger, Run, read


def kept(content: bytes) -> Kept:
    """Read a ledger that must be readable."""
    found = read(content)
    assert found is not None
    return found


class LedgerTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an empty file."""
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "a.ledger"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, self.descriptor)

    def test_runs(self) -> None:
        """Blocks that follow one another are one run; a hole begins the next; nothing is no run."""
        ledger = Ledger(self.descriptor, {"device": "numbered"})
        for first, frames in ((100, 10), (110, 10), (120, 0), (150, 5), (155, 5)):
            ledger.wrote(first, frames)
        found = kept(self.path.read_bytes())
        self.assertEqual(found.about, {"device": "numbered"})
        self.assertEqual(found.runs, (Run(100, 20), Run(150, 10)))
        self.assertEqual(found.runs[0].end, 120)

    def test_at_every_moment(self) -> None:
        """A ledger is whole after every block, for a program may be killed after each."""
        ledger = Ledger(self.descriptor, {})
        self.assertEqual(kept(self.path.read_bytes()).runs, ())
        for number in range(0, 1 << 60, 1 << 56):
            ledger.wrote(number, 7)
            self.assertEqual(kept(self.path.read_bytes()).runs[-1], Run(number, 7))

    @given(st.integers(0, 200))
    def test_cut(self, size: int) -> None:
        """A ledger that was cut anywhere is read as far as its lines are whole."""
        os.truncate(self.path, 0)
        ledger = Ledger(self.descriptor, {"pid": 1})
        for number in (1, 5, 9):
            ledger.wrote(number, 2)
        found = read(self.path.read_bytes()[:size])
        if found is not None:
            whole = (Run(1, 2), Run(5, 2), Run(9, 2))
            self.assertEqual(found.runs, whole[: len(found.runs)])
        else:
            self.assertLess(size, len(b'{"pid": 1}\n'))
