"""Tests for ``rakkr.jobs.receipted``: what a short disk may cost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.notices import Swept
from rakkr.jobs.archive import Archive
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.receipted import receipted, sweep_receipted
from rakkr.jobs.records import DELIVERED, Done, Record, Recorded, Salvaged, Sending
from rakkr.jobs.remembered import Remembered, remember
from tests.jobs.making import make_job
from tests.jobs.remembering import claimed, recorded, sealed, uploaded

FILES = [Path(f"/captures/{name}.wav") for name in "abc"]


def job(
    number: int,
    *,
    paths: Sequence[Path],
    receipts: Sequence[tuple[int, int]],
    end: int | None,
    ending: str | None,
    salvaged: bool = False,
    sent: Path | None = None,
) -> Remembered:
    """A job with such files, receipts and end."""
    records: list[Record] = [claimed(number)]
    records += [sealed(part, path=path) for part, path in enumerate(paths, start=1)]
    records += [uploaded(part, *frames) for part, frames in enumerate(receipts)]
    if sent is not None:
        records.append(Sending(0, sent, "audio/flac", "x.flac", 1.0))
    if end is not None:
        records.append(recorded(end))
    if salvaged:
        records.append(Salvaged("x"))
    if ending is not None:
        records.append(Done(ending, "x", 2000.0 + number))
    return remember(records)


RANGES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10)), max_size=4).map(
    lambda each: [(start * 10, start * 10 + length * 10) for start, length in each]
)
JOBS = st.lists(
    st.fixed_dictionaries(
        {
            "paths": st.lists(st.sampled_from(FILES), unique=True, max_size=2),
            "receipts": RANGES | st.just([(0, 100)]),
            "end": st.none() | st.just(100),
            "ending": st.sampled_from([None, DELIVERED, "failed", "kept", "cancelled"])
            | st.just(DELIVERED),
            "salvaged": st.booleans(),
            "sent": st.none() | st.sampled_from(FILES),
        }
    ),
    max_size=5,
)


def covered(known: Remembered) -> bool:
    """Whether every frame has a receipt, found out frame by frame."""
    assert isinstance(known.recorded, Recorded)
    frames = range(known.recorded.start_frame, known.recorded.end_frame)
    receipts = known.receipts.values()
    return all(any(r.start_frame <= each < r.end_frame for r in receipts) for each in frames)


class ReceiptedTests(SynchronousTestCase):
    """Which recordings may lose their local files."""

    @given(JOBS)
    def test_never_without_a_receipt(self, facts: list[dict[str, Any]]) -> None:
        """Nothing goes without a receipt for each of its frames."""
        known = [job(number, **each) for number, each in enumerate(facts)]
        for each in receipted(known):
            self.assertEqual(each.done and each.done.ending, DELIVERED)
            self.assertTrue(covered(each))

    @given(JOBS)
    def test_never_what_another_needs(self, facts: list[dict[str, Any]]) -> None:
        """No file goes that an unfinished job or kept audio still needs."""
        known = [job(number, **each) for number, each in enumerate(facts)]
        gone = {path for each in receipted(known) for path in each.local_paths()}
        for each in known:
            if each.done is None or each.is_salvage:
                self.assertTrue(gone.isdisjoint(each.local_paths()), each)

    @given(JOBS)
    def test_oldest_first(self, facts: list[dict[str, Any]]) -> None:
        """What was delivered first goes first."""
        found = receipted([job(number, **each) for number, each in enumerate(facts)])
        walls = [each.last_wall for each in found]
        self.assertEqual(walls, sorted(walls))

    def test_delivered(self) -> None:
        """A delivered recording of nobody else may go; it is not that nothing ever does."""
        whole = job(1, paths=FILES[:1], receipts=[(0, 50), (50, 100)], end=100, ending=DELIVERED)
        self.assertEqual(receipted([whole]), [whole])

    def test_one_frame_short(self) -> None:
        """A frame without a receipt keeps everything."""
        short = job(1, paths=FILES[:1], receipts=[(0, 50), (51, 100)], end=100, ending=DELIVERED)
        self.assertEqual(receipted([short]), [])


class SweepTests(SynchronousTestCase):
    """Deleting."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.ledger = Ledger(
            Archive((self.directory / "a", self.directory / "b")),
            maybeDeferred,
            report=lambda _: None,
        )

    def add(self, number: int, *, done: bool = True) -> Path:
        """A recording of 8 KiB, delivered at that second."""
        path = self.directory / f"{number}.wav"
        path.write_bytes(b"x" * 8192)
        beginning = self.ledger.begin(make_job(number), wall=float(number), mono=0.0, boot_id="")
        journal = self.successResultOf(Deferred.fromCoroutine(beginning))
        for record in (sealed(1, path=path), recorded(100), uploaded(0, 0, 100, wall=number)):
            journal.note(record)
        if done:
            journal.note(Done(DELIVERED, "x", float(number)))
        return path

    def sweep(self, required: int) -> Swept:
        """Make room."""
        return self.successResultOf(
            Deferred.fromCoroutine(sweep_receipted(self.ledger, maybeDeferred, required))
        )

    def test_oldest_until_enough(self) -> None:
        """It stops as soon as there is enough, and says what went."""
        paths = [self.add(number) for number in (3, 1, 2)]
        swept = self.sweep(8193)
        self.assertEqual([path.exists() for path in paths], [True, False, False])
        self.assertEqual([item["recordingId"] for item in swept.items], ["rec_1", "rec_2"])
        self.assertEqual((swept.deleted, swept.errors), (2, 0))

    def test_exactly_enough(self) -> None:
        """What was asked for is enough."""
        paths = [self.add(number) for number in (1, 2)]
        self.sweep(8192)
        self.assertEqual([path.exists() for path in paths], [False, True])

    def test_unfinished(self) -> None:
        """A job that is not over keeps its files, though the controller has every frame."""
        path = self.add(1, done=False)
        self.sweep(1 << 30)
        self.assertTrue(path.exists())

    def test_gone_already(self) -> None:
        """Files that somebody else deleted are no items, and no errors."""
        self.add(1).unlink()
        self.assertEqual(self.sweep(1 << 30).items, ())

    def test_cannot_be_deleted(self) -> None:
        """A file that cannot be deleted is named, and the next one is tried."""
        stuck, other = self.add(1), self.add(2)
        stuck.unlink()
        stuck.mkdir()
        swept = self.sweep(1 << 30)
        self.assertFalse(other.exists())
        self.assertEqual((swept.deleted, swept.errors), (1, 1))
        self.assertIn(str(stuck), swept.items[0]["errors"][0])
