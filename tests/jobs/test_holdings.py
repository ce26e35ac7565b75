"""Tests for ``rakkr.jobs.holdings``: what may be given up, and what somebody needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.disk.holding import Holding
from rakkr.disk.holding import needed_files as needed_by
from rakkr.jobs.holdings import holdings_of, is_delivered, needed_files, with_lost
from rakkr.jobs.records import (
    DELIVERED,
    Done,
    Gap,
    GivenBack,
    Handed,
    Punched,
    Record,
    Recorded,
    Rendered,
    Salvaged,
    Sending,
)
from rakkr.jobs.remembered import Remembered, advance, remember
from tests.jobs.remembering import claimed, recorded, sealed, segment, uploaded

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


def known_of(facts: list[dict[str, Any]]) -> list[Remembered]:
    """A job for each."""
    return [job(number, **each) for number, each in enumerate(facts)]


def found(known: Sequence[Remembered]) -> list[Holding]:
    """The holdings with a receipt."""
    return [each for each in holdings_of(known) if each.proof is not None]


WHOLE: dict[str, Any] = {"receipts": [(0, 50), (50, 100)], "end": 100, "ending": DELIVERED}


class DeliveredTests(SynchronousTestCase):
    """Which recordings may lose their local files."""

    @given(JOBS)
    def test_never_without_a_receipt(self, facts: list[dict[str, Any]]) -> None:
        """Nothing counts as delivered without a receipt for each of its frames."""
        known = known_of(facts)
        for held in holdings_of(known):
            for each in known:
                if each.job.id in held.job_ids and held.proof is not None:
                    self.assertEqual(each.done and each.done.ending, DELIVERED)
                    self.assertTrue(covered(each))

    @given(JOBS)
    def test_what_somebody_needs(self, facts: list[dict[str, Any]]) -> None:
        """Files of unfinished jobs and of kept audio are needed, whichever way one asks."""
        known = known_of(facts)
        needed = needed_files(known)
        for each in known:
            if (each.done is None or each.is_salvage) and not is_delivered(each):
                self.assertTrue(needed.issuperset(each.local_paths()), each)
        self.assertEqual(needed_by(holdings_of(known)), needed)

    @given(JOBS)
    def test_every_file_is_somewhere(self, facts: list[dict[str, Any]]) -> None:
        """No file of any journal is left out, and no recording is there twice."""
        known = known_of(facts)
        holdings = holdings_of(known)
        files = {path for each in holdings for path in each.files}
        self.assertEqual(files, {path for each in known for path in each.local_paths()})
        recordings = [each.recording_id for each in found(known)]
        self.assertEqual(len(recordings), len(set(recordings)))

    def test_delivered(self) -> None:
        """A delivered recording has its receipts summed up, and its moment is the last one's."""
        whole = job(1, paths=FILES[:1], **WHOLE)
        (held,) = holdings_of([whole])
        assert held.proof is not None
        self.assertEqual((held.standing, held.files), ("delivered", (FILES[0],)))
        self.assertEqual((held.proof.size, held.proof.parts), (2 * 99, 2))
        self.assertEqual(held.proof.uploaded, 1010.0)

    def test_one_frame_short(self) -> None:
        """A frame without a receipt keeps everything."""
        short = job(1, paths=FILES[:1], receipts=[(0, 50), (51, 100)], end=100, ending=DELIVERED)
        self.assertEqual(found([short]), [])

    def test_files_that_were_taken_over(self) -> None:
        """Files of another agent count when each of them was sent as it is."""
        made: list[Record] = [
            claimed(1),
            *(Rendered(part, FILES[part], "audio/flac", 1.0, 100, part) for part in (0, 1)),
        ]
        done = Done(DELIVERED, "x", 1.0)
        some = remember([*made, uploaded(0, 0, 100), done])
        self.assertEqual(found([some]), [])
        every = remember([*made, uploaded(0, 0, 100), uploaded(1, 100, 200), done])
        self.assertEqual([each.files for each in found([every])], [tuple(FILES[:2])])

    def test_given_back(self) -> None:
        """A file that is gone is not named any more: another may have its name now."""
        whole = job(1, paths=FILES[:2], **WHOLE)
        (held,) = holdings_of([advance(whole, GivenBack((FILES[0],)))])
        self.assertEqual(held.files, (FILES[1],))
        self.assertEqual(holdings_of([advance(whole, GivenBack(tuple(FILES)))]), [])

    def test_a_name_of_two(self) -> None:
        """A file that was given back and made anew by an unfinished job is needed by that."""
        old = advance(job(1, paths=FILES[:1], **WHOLE), GivenBack((FILES[0],)))
        new = job(2, paths=FILES[:1], receipts=[], end=None, ending=None)
        self.assertEqual(found([old, new]), [])
        self.assertEqual(needed_files([old, new]), {FILES[0]})


class UnsentTests(SynchronousTestCase):
    """Jobs that are over, undelivered, and not kept for a retry."""

    def unsent(self, *gaps: tuple[int, int], receipts: Sequence[tuple[int, int]] = ()) -> bool:
        """Whether there may be samples without a receipt, in 100 frames with such gaps."""
        known = job(1, paths=FILES[:1], receipts=receipts, end=100, ending="failed")
        lost = tuple(Gap(start, end - start, "x") for start, end in gaps)
        (held,) = holdings_of([advance(known, Recorded(0, 100, lost, "x"))])
        self.assertEqual(held.standing, "undelivered")
        return held.unsent

    def test_samples(self) -> None:
        """One sample that is in no gap and has no receipt is enough."""
        self.assertTrue(self.unsent())
        self.assertTrue(self.unsent((0, 99)))
        self.assertFalse(self.unsent((0, 100)))
        self.assertTrue(self.unsent((0, 40), (60, 100), receipts=[(40, 59)]))
        self.assertFalse(self.unsent((0, 40), (60, 100), receipts=[(30, 60)]))

    def test_nobody_knows(self) -> None:
        """A job that never came so far as to say may have some."""
        (held,) = holdings_of([job(1, paths=FILES[:1], receipts=[], end=None, ending="failed")])
        self.assertTrue(held.unsent)

    def test_settled(self) -> None:
        """Files are settled when each of their segments was sealed."""
        cases: list[tuple[list[Record], bool]] = [([], True), (segment(2)[:1], False)]
        for records, settled in cases:
            known = job(1, paths=FILES[:1], **WHOLE)
            for each in records:
                known = advance(known, each)
            self.assertEqual([each.settled for each in holdings_of([known])], [settled])


class LostTests(SynchronousTestCase):
    """Journals that nobody can read."""

    def test_damaged(self) -> None:
        """What a damaged one names is needed, whoever delivered it."""
        held = with_lost(holdings_of([job(1, paths=FILES[:1], **WHOLE)]), FILES[:1], unread=False)
        self.assertEqual([each.standing for each in held], ["delivered", "salvage"])
        self.assertEqual(needed_by(held), set(FILES[:1]))

    def test_unread(self) -> None:
        """One that cannot be read at all may need any file."""
        held = with_lost(holdings_of([job(1, paths=FILES[:1], **WHOLE)]), (), unread=True)
        self.assertEqual(needed_by(held), set(FILES[:1]))
        self.assertIn("cannot be read", held[0].why)


class HandedTests(SynchronousTestCase):
    """Audio that another job took over."""

    def handed(self, start: int = 0) -> Remembered:
        """A kept recording with a file of its own, which job 2 took over."""
        known = job(1, paths=FILES[:2], receipts=[], end=100, ending="kept", salvaged=True)
        known = advance(known, Recorded(start, 100, (), "x"))
        return advance(known, Handed("job_2"))

    def test_delivered(self) -> None:
        """When the heir has delivered all of it, the files of both are the heir's."""
        heir = job(2, paths=FILES[:1], **WHOLE)
        (held,) = holdings_of([self.handed(), heir])
        self.assertEqual((held.files, held.job_ids), (tuple(FILES[:2]), ("job_2", "job_1")))
        self.assertIsNotNone(held.proof)

    def test_not_all_of_it(self) -> None:
        """Frames that the heir did not deliver keep the first job's files where they are."""
        heir = advance(job(2, paths=FILES[:1], **WHOLE), Recorded(10, 100, (), "x"))
        rows = {each.recording_id: each for each in holdings_of([self.handed(), heir])}
        self.assertIsNone(rows["rec_1"].proof)
        self.assertTrue(rows["rec_1"].unsent)
        self.assertIn("handed over", rows["rec_1"].why)

    def test_what_was_given_back_before(self) -> None:
        """Frames whose space was given back, after their receipts, keep no file where it is."""
        heir = advance(job(2, paths=FILES[:1], **WHOLE), Recorded(10, 100, (), "x"))
        for punched, count in ((9, 2), (10, 1)):
            known = [advance(self.handed(), Punched(punched)), heir]
            self.assertEqual(len(holdings_of(known)), count)

    def test_not_delivered(self) -> None:
        """While the heir is under way its files are needed."""
        heir = job(2, paths=FILES[:1], receipts=[], end=None, ending=None)
        known = [self.handed(), heir]
        self.assertEqual(found(known), [])
        self.assertEqual(needed_files(known), {FILES[0]})

    def test_the_heir_is_forgotten(self) -> None:
        """A job that handed its audio to nobody whom we know keeps its files."""
        (held,) = holdings_of([self.handed()])
        self.assertEqual(held.standing, "undelivered")

    def test_a_circle(self) -> None:
        """Journals that hand over to each other, which cannot be, end nothing."""
        one, two = self.handed(), advance(job(2, paths=[], **WHOLE), Handed("job_1"))
        self.assertEqual(len(holdings_of([one, two])), 1)


def of_recording_1(known: Remembered) -> Remembered:
    """The same job, for the recording of job 1."""
    return evolve(known, job=evolve(known.job, recording_id="rec_1"))


class RetryTests(SynchronousTestCase):
    """A recording that was delivered twice."""

    def test_one_holding(self) -> None:
        """The files of both are one holding, under the younger job."""
        one = job(1, paths=FILES[:1], **WHOLE)
        two = job(2, paths=FILES[1:2], **WHOLE)
        two = of_recording_1(two)
        (held,) = holdings_of([two, one])
        self.assertEqual((set(held.files), held.job_ids), (set(FILES[:2]), ("job_2", "job_1")))

    def test_a_retry_is_under_way(self) -> None:
        """While a job is at work on a recording, what an earlier one delivered of it stays."""
        one = job(1, paths=FILES[:1], **WHOLE)
        two = of_recording_1(job(2, paths=FILES[1:2], receipts=[], end=None, ending=None))
        self.assertEqual(needed_files([one, two]), set(FILES[:2]))
        self.assertEqual(needed_by(holdings_of([one, two])), set(FILES[:2]))
        over = advance(two, Done("failed", "x", 1.0))
        self.assertEqual(needed_files([one, over]), set())
