"""Tests for ``rakkr.jobs.remembered``."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.jobs import records as r
from rakkr.jobs.journal_line import encode_line, read_lines
from rakkr.jobs.record_form import decode_record, encode_record
from rakkr.jobs.remembered import NothingRemembered, Remembered, Stage, advance, remember
from rakkr.jobs.segment import Segment
from rakkr.render.plan import FrameRange
from tests.jobs.guessing import anything
from tests.jobs.making import make_job, told
from tests.jobs.remembering import (
    RUN,
    claimed,
    known,
    planned,
    recorded,
    rendered,
    run_until,
    sealed,
    segment,
    sending,
    uploaded,
)

SALVAGED = r.Salvaged("the lease expired")


class FoldTests(SynchronousTestCase):
    """Records one after another."""

    def test_run(self) -> None:
        """After a whole job everything is known."""
        run = remember(RUN)
        self.assertEqual(run.job.id, "job_1")
        self.assertEqual(run.claimed, RUN[0])
        self.assertEqual(run.planned, planned())
        self.assertEqual(run.axis, r.AxisBegan(6.0, 1001.0, "boot-1"))
        self.assertEqual(run.device, r.DeviceKnown({"card": "USB", "path": ["1-2", 3]}))
        self.assertEqual(list(run.segments), [1, 2])
        self.assertEqual(run.rendered, {0: rendered()})
        self.assertEqual(run.sending, {0: sending(reason="the controller is away")})
        self.assertEqual(run.receipts, {0: uploaded(0, 0, 144_000)})
        self.assertEqual(run.done, RUN[-1])
        self.assertEqual(run.last_wall, 1011.0)

    def test_segment(self) -> None:
        """What is said about a segment is gathered; the newest word counts."""
        found = known(*segment(3)[:4]).segments[3]
        trace = {"path": "/captures/rec_1.3.raw.wav", "pid": 7}
        self.assertEqual(found, Segment(3, trace, True, 6.0, 1001.0, "boot-1", 120, 1, 20.5))
        self.assertEqual(found.path, Path("/captures/rec_1.3.raw.wav"))
        last = sealed(3, dropout_count=4, dropout_milliseconds=9.0, started_mono=None)
        found = known(*segment(3)[:4], last).segments[3]
        self.assertEqual((found.sealed, found.dropout_count), (last, 4))
        self.assertEqual((found.dropout_milliseconds, found.started_mono), (9.0, 6.0))
        self.assertEqual(found.started_boot, "boot-1")
        self.assertEqual(known(last).segments[3].started_boot, "boot")

    def test_opened_only(self) -> None:
        """A segment that was opened may or may not have a program that runs."""
        self.assertFalse(known(segment(1)[0]).segments[1].running)
        self.assertTrue(known(*segment(1)[:2]).segments[1].running)

    def test_number_order(self) -> None:
        """Segments are in the order of their numbers, whatever the order of the records."""
        self.assertEqual(list(known(*segment(2), *segment(1)).segments), [1, 2])

    def test_claimed_again(self) -> None:
        """A second claim brings the job up to date, and forgets nothing."""
        job = told(make_job(), "stop_requested")
        again = known(planned(), r.Claimed(job, 2000.0, 1.0, "other boot"))
        self.assertEqual((again.job, again.claimed), (job, claimed()))
        self.assertIsNotNone(again.planned)

    def test_punched(self) -> None:
        """What was given back stays given back."""
        self.assertEqual(known(r.Punched(7), r.Punched(5)).punched, 7)

    def test_split(self) -> None:
        """A recording that became pieces says so."""
        self.assertEqual(known(r.Split(480, "too large")).split, r.Split(480, "too large"))

    def test_marks(self) -> None:
        """A mark is wanted first, and taken later."""
        wanted = r.MarkWanted("failed", "no device")
        self.assertEqual(known(wanted).mark, wanted)
        self.assertFalse(known(wanted).mark_taken)
        self.assertTrue(known(wanted, r.MarkTaken()).mark_taken)

    def test_unknown(self) -> None:
        """Records of a newer agent are counted, also before the claim."""
        odd = r.Unknown("teleported", {})
        self.assertEqual(remember([odd, claimed(), odd, r.Note("x")]).unknown, 1)

    def test_no_claim(self) -> None:
        """Without a claim in front nobody knows what this is about."""
        for records in ([], [planned()], [r.Note("x")], [planned(), claimed()]):
            self.assertRaises(NothingRemembered, remember, records)

    @given(st.lists(st.one_of(*map(anything, get_args(r.Record)[:-1])), max_size=12))
    def test_any_order(self, records: list[r.Record]) -> None:
        """Any records in any order mean something, and one at a time the same as all at once."""
        whole = known(claimed(), *records)
        step = known()
        for record in records:
            step = advance(step, record)
        self.assertEqual(step, whole)
        _ask_everything(whole)

    def test_every_prefix(self) -> None:
        """After a crash at any byte of a real job, what is left means something."""
        lines = [encode_line(number, encode_record(each)) for number, each in enumerate(RUN, 1)]
        content = b"".join(lines)
        seen = set()
        for cut in range(len(lines[0]), len(content) + 1):
            found = [decode_record(each) for each in read_lines(content[:cut]).records]
            if len(found) not in seen:
                seen.add(len(found))
                self.assertEqual(tuple(found), RUN[: len(found)])
                _ask_everything(remember(found))
        self.assertEqual(seen, set(range(1, len(RUN) + 1)))


def _ask_everything(remembered: Remembered) -> None:
    for name in dir(type(remembered)):
        if not name.startswith("_"):
            getattr(remembered, name)
    remembered.local_paths()


class StageTests(SynchronousTestCase):
    """How far a job is."""

    def test_run(self) -> None:
        """A job goes through its stages in order."""
        stages = list(dict.fromkeys(remember(RUN[:end]).stage for end in range(1, len(RUN) + 1)))
        self.assertEqual(
            stages,
            [
                Stage.CLAIMED,
                Stage.PLANNED,
                Stage.RECORDING,
                Stage.RECORDED,
                Stage.RENDERED,
                Stage.SENDING,
                Stage.UPLOADED,
                Stage.DONE,
            ],
        )

    def test_other_ends(self) -> None:
        """A mark, salvage and another job are stages of their own."""
        over = (planned(), *segment(1), recorded(48_000))
        self.assertEqual(known(r.MarkWanted("failed", "x")).stage, Stage.MARKED)
        self.assertEqual(known(*over, SALVAGED).stage, Stage.SALVAGE)
        self.assertEqual(known(*over, SALVAGED, r.Handed("job_2")).stage, Stage.HANDED)

    def test_unfinished(self) -> None:
        """Samples may be missing until the recording, or the job, is over one way or another."""
        for records in ((), (planned(),), (planned(), *segment(1))):
            self.assertTrue(known(*records).unfinished_recording)
        for last in (recorded(), r.MarkWanted("failed", "x"), SALVAGED, r.Done("failed", "x")):
            self.assertFalse(known(planned(), last).unfinished_recording, last)


class DeliveryTests(SynchronousTestCase):
    """Which frames the controller holds."""

    def test_whole(self) -> None:
        """One receipt may cover everything; before the end of the recording nothing is settled."""
        self.assertEqual(known(uploaded(0, 0, 10)).undelivered, ())
        self.assertFalse(known(uploaded(0, 0, 10)).is_delivered)
        self.assertTrue(known(uploaded(0, 0, 10), recorded(10)).is_delivered)
        self.assertFalse(known(uploaded(0, 0, 9), recorded(10)).is_delivered)

    def test_holes(self) -> None:
        """Chunks that are missing leave their frames undelivered."""
        job = known(uploaded(2, 20, 30), uploaded(0, 0, 10), recorded(40))
        self.assertEqual(job.undelivered, (FrameRange(10, 20), FrameRange(30, 40)))

    def test_nothing(self) -> None:
        """Without any receipt nothing is delivered, not even a recording without a frame."""
        self.assertFalse(known(recorded(0)).is_delivered)
        self.assertEqual(known(recorded(5)).undelivered, (FrameRange(0, 5),))

    @given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=6))
    def test_any(self, pieces: list[tuple[int, int]]) -> None:
        """A frame is undelivered exactly when it lies in no receipt."""
        receipts = [
            uploaded(part, start, start + length) for part, (start, length) in enumerate(pieces)
        ]
        left = known(recorded(40), *receipts).undelivered
        held = {frame for start, length in pieces for frame in range(start, start + length)}
        frames = [frame for each in left for frame in range(each.start, each.end)]
        self.assertEqual(frames, [frame for frame in range(40) if frame not in held])


class SalvageTests(SynchronousTestCase):
    """Audio that waits for another job."""

    records = (planned(), *segment(1), recorded(48_000), SALVAGED)

    def test_waits(self) -> None:
        """It waits from its salvage on, and also when its own job is done without it."""
        self.assertFalse(known(*self.records[:-1]).is_salvage)
        self.assertTrue(known(*self.records).is_salvage)
        self.assertTrue(known(*self.records, r.Done("kept", "x")).is_salvage)

    def test_taken(self) -> None:
        """Another job that took it, or a delivery after all, ends that."""
        self.assertFalse(known(*self.records, r.Handed("job_2")).is_salvage)
        self.assertFalse(known(*self.records, r.Done(r.DELIVERED, "x")).is_salvage)

    def test_no_audio(self) -> None:
        """A job without audio is nothing to be salvaged; one whose segment is unsealed may be."""
        nothing = sealed(1, 0, path=None)
        self.assertFalse(known(planned(), SALVAGED).is_salvage)
        self.assertFalse(known(planned(), *segment(1)[:-1], nothing, SALVAGED).is_salvage)
        self.assertTrue(known(planned(), *segment(1)[:-1], SALVAGED).is_salvage)


class PathTests(SynchronousTestCase):
    """Files that are named."""

    def test_all(self) -> None:
        """Captures and rendered files are named once each, in the order of the recording."""
        self.assertEqual(
            [path.name for path in remember(RUN).local_paths()],
            ["rec_1.1.raw.wav", "rec_1.2.raw.wav", "rec_1.0.flac"],
        )

    def test_before_the_seal(self) -> None:
        """A segment that still grows is named by its trace, if that says where it is."""
        self.assertEqual(len(run_until(r.SegmentRunning).local_paths()), 2)
        self.assertEqual(known(r.SegmentOpened(1, {"file": 3})).local_paths(), ())
        self.assertEqual(known(r.SegmentOpened(1, {"path": 3})).local_paths(), ())

    def test_frozen(self) -> None:
        """What is remembered does not change under those who look at it."""
        before = known(planned())
        advance(before, segment(1)[0])
        self.assertEqual(before, known(planned()))
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            before.punched = 3  # type: ignore[misc]
