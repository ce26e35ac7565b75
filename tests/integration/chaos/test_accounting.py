"""Every frame is accounted for, and nothing that is missing, twice or misplaced passes."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.tone.ledger import Run
from tests.integration.chaos.accounting import (
    Account,
    Declared,
    Gap,
    Tolerance,
    Truth,
    account,
    kept,
)
from tests.integration.chaos.pieces import Piece

NEAR = Tolerance(gap=250, unseen=600)
ORIGIN = 50_000


@attrs.frozen
class Delivered:
    """A recording at 1000 frames in a second, as an agent without a fault delivers it."""

    pieces: tuple[Piece, ...]
    truth: Truth
    declared: Declared

    def judged(self) -> Account:
        """The verdict."""
        return account(self.pieces, self.truth, self.declared, NEAR)


@st.composite
def deliveries(draw: st.DrawFn) -> Delivered:
    """Segments with gaps between them, each gap measured a little wrong, the window all used."""
    number, at = ORIGIN, 0
    runs, pieces, gaps = [], [], []
    for index in range(draw(st.integers(1, 5))):
        if index:
            missing = draw(st.integers(600, 5000))
            number += missing
            silent = number - ORIGIN - at + draw(st.integers(-120, 120))
            pieces.append(Piece(at, silent, None))
            gaps.append(Gap(at, silent, "device lost"))
            at += silent
        frames = draw(st.integers(10, 4000))
        runs.append(Run(number, frames))
        pieces.append(Piece(at, frames, number))
        number += frames
        at += frames
    truth = Truth(wrote=tuple(runs), begins=ORIGIN, planned=at)
    return Delivered(tuple(pieces), truth, Declared(gaps=tuple(gaps)))


def simple(**changes: object) -> Delivered:
    """Two seconds, a gap of one, two seconds."""
    wrote = (Run(ORIGIN, 2000), Run(ORIGIN + 3000, 2000))
    pieces = (Piece(0, 2000, ORIGIN), Piece(2000, 1000, None), Piece(3000, 2000, ORIGIN + 3000))
    truth = Truth(wrote=wrote, begins=ORIGIN, planned=5000, **changes)  # type: ignore[arg-type]
    return Delivered(pieces, truth, Declared(gaps=(Gap(2000, 1000),)))


class AccountTests(SynchronousTestCase):
    @given(deliveries())
    def test_all_is_well(self, delivered: Delivered) -> None:
        """A delivery with declared gaps loses nothing, and its sums are those of the card."""
        found = delivered.judged()
        self.assertEqual(found.problems, ())
        self.assertEqual(found.captured, sum(run.frames for run in delivered.truth.wrote))
        self.assertEqual((found.delivered, found.lost), (found.captured, 0))
        ends = delivered.truth.wrote[-1].end - ORIGIN
        self.assertEqual(found.declared, ends - found.captured)

    @given(deliveries(), st.data())
    def test_one_frame(self, delivered: Delivered, data: st.DataObject) -> None:
        """One captured frame less, anywhere in a segment, is one frame lost."""
        sound = [each for each in delivered.pieces if each.first is not None and each.frames > 2]
        piece = data.draw(st.sampled_from(sound))
        at = data.draw(st.integers(1, piece.frames - 2))
        assert piece.first is not None
        parts = (Piece(piece.at, at, piece.first), _later(piece, at + 1, -1))
        pieces = [
            new
            for old in delivered.pieces
            for new in (parts if old == piece else (_moved(old, piece, -1),))
        ]
        gaps = tuple(
            attrs.evolve(gap, at=gap.at - 1) if gap.at >= piece.end else gap
            for gap in delivered.declared.gaps
        )
        found = account(pieces, delivered.truth, Declared(gaps=gaps), NEAR)
        self.assertEqual(found.lost, 1)
        self.assertFalse(found.good)

    @given(deliveries(), st.data())
    def test_undeclared(self, delivered: Delivered, data: st.DataObject) -> None:
        """A gap that the agent does not speak of, or not truly, is lost."""
        gaps = list(delivered.declared.gaps)
        if not gaps:
            return
        index = data.draw(st.integers(0, len(gaps) - 1))
        wrong = attrs.evolve(gaps[index], frames=gaps[index].frames - 1)
        for changed in ([], [wrong]):
            told = Declared(gaps=(*gaps[:index], *changed, *gaps[index + 1 :]))
            found = account(delivered.pieces, delivered.truth, told, NEAR)
            self.assertGreater(found.lost, 0)

    def test_both_sides_of_the_tolerance(self) -> None:
        """A gap may be measured as wrong as is stated, wider where no agent ran, and no more."""
        for dead, near in ((), 250), ((Run(ORIGIN + 2100, 100),), 600):
            for wrong, good in ((near, True), (near + 1, False), (-near, True), (-near - 1, False)):
                length = 1000 + wrong
                pieces = (
                    Piece(0, 2000, ORIGIN),
                    Piece(2000, length, None),
                    Piece(2000 + length, 2000, ORIGIN + 3000),
                )
                truth = attrs.evolve(simple(dead=dead).truth, planned=4000 + length)
                found = account(pieces, truth, Declared(gaps=(Gap(2000, length),)), NEAR)
                self.assertEqual((wrong, found.good), (wrong, good), found.problems)

    def test_errors_do_not_add_up(self) -> None:
        """Gaps that are each a little too long do not push what follows off its place."""
        pieces, gaps, runs, at = [], [], [], 0
        for index in range(4):
            runs.append(Run(ORIGIN + 2000 * index, 1000))
            pieces.append(Piece(at, 1000, ORIGIN + 2000 * index))
            at += 1000
            if index < 3:
                pieces.append(Piece(at, 1100, None))
                gaps.append(Gap(at, 1100))
                at += 1100
        truth = Truth(wrote=tuple(runs), begins=ORIGIN, planned=at)
        found = account(pieces, truth, Declared(gaps=tuple(gaps)), NEAR)
        self.assertEqual(len(found.problems), 1)
        self.assertIn("300 frames off its place", found.problems[0])

    def test_twice(self) -> None:
        """What comes twice, or before its time, is told."""
        delivered = simple()
        pieces = (*delivered.pieces[:2], Piece(3000, 2000, ORIGIN + 1000))
        found = account(pieces, delivered.truth, delivered.declared, NEAR)
        self.assertTrue(any("comes frame" in each for each in found.problems), found.problems)

    def test_from_nowhere(self) -> None:
        """Frames that no program wrote are told, but for the block that a kill left unnoted."""
        wrote = (Run(ORIGIN, 1950), Run(ORIGIN + 3000, 2000))
        for block, good in ((50, True), (49, False)):
            delivered = simple(block=block)
            truth = attrs.evolve(delivered.truth, wrote=wrote)
            found = account(delivered.pieces, truth, delivered.declared, NEAR)
            self.assertEqual(found.good, good, found.problems)

    def test_thrown_away(self) -> None:
        """A gap that was captured after all is no gap; some blocks of a short segment are none."""
        delivered = simple()
        for frames, lost in ((250, 0), (251, 251)):
            wrote = (*delivered.truth.wrote, Run(ORIGIN + 2500, frames))
            truth = attrs.evolve(delivered.truth, wrote=tuple(sorted(wrote)))
            found = account(delivered.pieces, truth, delivered.declared, NEAR)
            self.assertEqual((found.lost, found.good), (lost, not lost))
            self.assertEqual(found.delivered + found.lost + found.declared, 5000)

    def test_dropouts(self) -> None:
        """What the card dropped in mid-segment has no silence, but must be told."""
        wrote = (Run(ORIGIN, 1000), Run(ORIGIN + 1800, 1000))
        pieces = (Piece(0, 1000, ORIGIN), Piece(1000, 1000, ORIGIN + 1800))
        truth = Truth(wrote=wrote, begins=ORIGIN, planned=2000)
        for told, lost in ((800, 0), (550, 0), (549, 251), (0, 800)):
            found = account(pieces, truth, Declared(dropouts=told), NEAR)
            self.assertEqual((told, found.lost), (told, lost))
            self.assertEqual(found.declared + found.lost, 800)

    def test_a_gap_after_dropouts(self) -> None:
        """The clock puts the next segment at its place, so the gap takes the dropouts up."""
        wrote = (Run(ORIGIN, 1000), Run(ORIGIN + 1800, 1000), Run(ORIGIN + 3800, 1000))
        pieces = (
            *(Piece(0, 1000, ORIGIN), Piece(1000, 1000, ORIGIN + 1800)),
            *(Piece(2000, 1800, None), Piece(3800, 1000, ORIGIN + 3800)),
        )
        truth = Truth(wrote=wrote, begins=ORIGIN, planned=4800)
        found = account(pieces, truth, Declared(gaps=(Gap(2000, 1800),), dropouts=800), NEAR)
        self.assertEqual(found.problems, ())
        self.assertEqual(found.declared, 1800)

    def test_the_beginning(self) -> None:
        """What was written before the first frame is lost, unless it was before the recording."""
        delivered = simple()
        early = Run(ORIGIN - 500, 500)
        for begins, lost in ((ORIGIN, 0), (ORIGIN - 500, 500)):
            truth = attrs.evolve(
                delivered.truth, wrote=(early, *delivered.truth.wrote), begins=begins
            )
            found = account(delivered.pieces, truth, delivered.declared, NEAR)
            self.assertEqual(found.lost, lost)

    def test_the_end(self) -> None:
        """What was written until the stop, or within the window, must be there."""
        delivered = simple()
        cut = (*delivered.pieces[:2], Piece(3000, 1500, ORIGIN + 3000))
        for stops, lost in ((None, 500), (ORIGIN + 4500, 0), (ORIGIN + 4600, 100)):
            truth = attrs.evolve(delivered.truth, stops=stops, planned=9000)
            found = account(cut, truth, delivered.declared, NEAR)
            self.assertEqual((stops, found.lost), (stops, lost))

    def test_a_declared_end(self) -> None:
        """An end that came too early is declared behind the file, and hides no captured audio."""
        delivered = simple()
        for told, frames, reason, lost, good in (
            (1000, 0, False, 0, True),
            (700, 0, False, 0, False),
            (1000, 250, False, 0, True),
            (1000, 251, False, 251, False),
            (1000, 251, True, 0, True),
        ):
            wrote = (*delivered.truth.wrote, Run(ORIGIN + 5100, frames))
            truth = attrs.evolve(delivered.truth, wrote=wrote, planned=6000, may_be_short=reason)
            gaps = (*delivered.declared.gaps, Gap(5000, told))
            found = account(delivered.pieces, truth, Declared(gaps=gaps), NEAR)
            self.assertEqual((found.good, found.lost), (good, lost), found.problems)
            self.assertEqual(found.declared, 1000 + told)

    def test_too_short_and_too_long(self) -> None:
        """A file is as long as its window, or there was a reason."""
        delivered = simple()
        for planned, reason, good in (
            (4999, False, False),
            (5250, False, True),
            (5251, False, False),
            (5251, True, True),
        ):
            truth = attrs.evolve(delivered.truth, planned=planned, may_be_short=reason)
            found = account(delivered.pieces, truth, delivered.declared, NEAR)
            self.assertEqual((planned, found.good), (planned, good), found.problems)

    def test_silence_at_both_ends(self) -> None:
        """A device that was not there at first, or not any more, leaves declared silence."""
        pieces = (Piece(0, 700, None), Piece(700, 1000, ORIGIN), Piece(1700, 300, None))
        truth = Truth(wrote=(Run(ORIGIN, 1000),), begins=ORIGIN - 690, planned=2000)
        told = Declared(gaps=(Gap(0, 700), Gap(1700, 300)))
        found = account(pieces, truth, told, NEAR)
        self.assertEqual((found.good, found.declared), (True, 990), found.problems)
        self.assertFalse(account(pieces, truth, Declared(), NEAR).good)


class KeptTests(SynchronousTestCase):
    def test_kept(self) -> None:
        """A recording that was not delivered has all its frames in kept files, or has lost them."""
        truth = Truth(wrote=(Run(100, 50), Run(200, 50)), begins=100, planned=1000, stops=240)
        self.assertTrue(kept([Run(90, 200)], truth).good)
        found = kept([Run(100, 49), Run(200, 50)], truth)
        self.assertEqual((found.captured, found.delivered, found.lost), (90, 89, 1))

    def test_silence_alone(self) -> None:
        """A file without a captured frame delivers nothing."""
        truth = Truth(wrote=(Run(100, 50),), begins=100, planned=1000)
        self.assertEqual(account([Piece(0, 1000, None)], truth, Declared(), NEAR).lost, 50)
        nothing = Truth(wrote=(), begins=100, planned=1000)
        self.assertTrue(account([], nothing, Declared(), NEAR).good)


def _later(piece: Piece, frames: int, moved: int) -> Piece:
    assert piece.first is not None
    return Piece(piece.at + frames + moved, piece.frames - frames, piece.first + frames)


def _moved(piece: Piece, behind: Piece, by: int) -> Piece:
    return attrs.evolve(piece, at=piece.at + by) if piece.at >= behind.end else piece
