"""
Every frame of a recording, accounted for.

The card counts all frames that there ever were; a program's ledger says which of them were written;
the delivered file says which of them arrived, and where; the agent says which of them it lacks.  A
frame that is in none of the last two is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs

from rakkr.tone.ledger import Run
from tests.integration.chaos.pieces import Piece, count, merged, within, without


@attrs.frozen
class Gap:
    """
    What the agent declared to be missing; frames and positions are those of the delivered file.

    Silence stands there, or it is the end, behind the file's last frame.
    """

    at: int
    frames: int
    reason: str = ""

    @property
    def end(self) -> int:
        """The position after it."""
        return self.at + self.frames


@attrs.frozen(kw_only=True)
class Truth:
    """
    What is known from outside.

    :ivar wrote: the ledgers of the card's programs, merged.
    :ivar begins: the number from which on the recording must have what was written.
    :ivar stops: the number from which on it need not have it, None while nobody stopped it.
    :ivar planned: the frames of its window.
    :ivar dead: numbers at which no agent ran.
    :ivar block: the frames that a program may have written and not noted when it was killed.
    :ivar may_be_short: whether there was a reason to end for good before the window did; another
        recording may have been captured in what was left of it.
    """

    wrote: tuple[Run, ...]
    begins: int
    planned: int
    stops: int | None = None
    dead: tuple[Run, ...] = ()
    block: int = 0
    may_be_short: bool = False


@attrs.frozen(kw_only=True)
class Tolerance:
    """
    How far what the agent measures may be from the truth, in frames.

    :ivar gap: for one gap, and for the place of what follows it.
    :ivar unseen: the same where no agent ran.
    """

    gap: int
    unseen: int


@attrs.frozen(kw_only=True)
class Declared:
    """
    What the agent says of a recording.

    :ivar gaps: in order.
    :ivar dropouts: frames that the capture program reported as lost, without their places.
    """

    gaps: tuple[Gap, ...] = ()
    dropouts: int = 0


@attrs.frozen(kw_only=True)
class Account:
    """
    A recording, in frames.

    :ivar captured: written by the card's programs within the recording.
    :ivar delivered: of the card, in the delivered file (or in the kept ones).
    :ivar declared: of the card, not delivered, in gaps that the agent declared.
    :ivar lost: of the card, neither delivered nor declared.
    :ivar problems: what else is not as it should be.
    """

    captured: int = 0
    delivered: int = 0
    declared: int = 0
    lost: int = 0
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is lost and nothing is wrong."""
        return not self.lost and not self.problems


@attrs.frozen
class Hole:
    """
    What lies between two pieces of sound, before the first or after the last.

    :ivar first: the number of the first frame that is missing.
    :ivar end: that of the first one that is there again.
    :ivar at: where in the file they are missing.
    :ivar silent: how much silence stands there.
    """

    first: int
    end: int
    at: int
    silent: int
    place: str = "between"


def account(
    pieces: Sequence[Piece], truth: Truth, declared: Declared, tolerance: Tolerance
) -> Account:
    """Account for a delivered file."""
    sound = [piece for piece in pieces if piece.first is not None]
    if not sound:
        return kept([], truth)
    judge = _Judge(sound, truth, declared, tolerance)
    total = pieces[-1].end
    for hole in _holes(sound, total, truth):
        judge.hole(hole)
    judge.order()
    judge.length(total)
    judge.dropouts()
    arrived = merged(piece.run for piece in sound)
    last = max(sound[-1].run.end, judge.needed_until(total))
    return Account(
        captured=count(within(truth.wrote, min(truth.begins, sound[0].run.first), last)),
        delivered=count(arrived),
        declared=judge.declared_frames,
        lost=judge.lost,
        problems=tuple(judge.problems),
    )


def kept(runs: Sequence[Run], truth: Truth) -> Account:
    """Account for a recording that was not delivered: everything must be in the kept files."""
    stop = truth.stops if truth.stops is not None else truth.begins + truth.planned
    wrote = within(truth.wrote, truth.begins, stop)
    missing = without(wrote, runs)
    problems = (f"not kept: {_said(missing)}",) if missing else ()
    return Account(
        captured=count(wrote),
        delivered=count(wrote) - count(missing),
        lost=count(missing),
        problems=problems,
    )


def _holes(sound: Sequence[Piece], total: int, truth: Truth) -> Iterator[Hole]:
    first = sound[0]
    yield Hole(min(truth.begins, first.run.first), first.run.first, 0, first.at, "before")
    for one, other in pairwise(sound):
        yield Hole(one.run.end, other.run.first, one.end, other.at - one.end)
    last = sound[-1]
    tail = total - last.end
    yield Hole(last.run.end, last.run.end + tail, last.end, tail, "after")


class _Judge:
    def __init__(
        self, sound: Sequence[Piece], truth: Truth, declared: Declared, tolerance: Tolerance
    ) -> None:
        self._sound = sound
        self._truth = truth
        self._declared = declared
        self._tolerance = tolerance
        self._origin = sound[0].run.first - sound[0].at
        self._dropped = 0
        self._dropped_since = 0
        self.lost = 0
        self.declared_frames = 0
        self.problems: list[str] = []

    def hole(self, hole: Hole) -> None:
        """Judge what is missing in one place."""
        if hole.end < hole.first:
            return  # told as disorder
        thrown = count(within(self._truth.wrote, hole.first, hole.end))
        if hole.silent:
            self._silence(hole, thrown)
        elif thrown:
            self.lost += thrown
            self.problems.append(f"{thrown} captured frames are missing at {hole.at}")
        elif hole.place == "between":
            self._dropped += hole.end - hole.first
            self._dropped_since += hole.end - hole.first

    def _silence(self, hole: Hole, thrown: int) -> None:
        missing = hole.end - hole.first
        known = [
            gap
            for gap in self._declared.gaps
            if hole.at <= gap.at and gap.end <= hole.at + hole.silent
        ]
        if sum(gap.frames for gap in known) != hole.silent:
            self.lost += missing
            said = ", ".join(f"{gap.at}+{gap.frames}" for gap in self._declared.gaps) or "none"
            self.problems.append(
                f"silence at {hole.at}+{hole.silent} was not declared so; declared: {said}"
            )
            return
        self.declared_frames += missing
        near = self._near(hole)
        if thrown > near:
            self.problems.append(f"{thrown} captured frames were thrown away at {hole.at}")
            self.lost += thrown
            self.declared_frames -= thrown
        if hole.place != "between":
            return
        # A gap is measured by the clock: it takes up what was dropped in the segment before it.
        if not missing - near <= hole.silent <= missing + self._dropped_since + near:
            self.problems.append(
                f"the gap at {hole.at} is {hole.silent} long instead of {missing}"
                f" (dropped before: {self._dropped_since})"
            )
        off = hole.at + hole.silent - (hole.end - self._origin)
        if abs(off) > max(near, self._near_the_start()):
            self.problems.append(f"what follows the gap at {hole.at} is {off} frames off its place")
        self._dropped_since = 0

    def _near(self, hole: Hole) -> int:
        reach = self._tolerance.unseen
        dead = within(self._truth.dead, hole.first - reach, hole.end + reach)
        return self._tolerance.unseen if dead else self._tolerance.gap

    def _near_the_start(self) -> int:
        first = self._sound[0].run.first
        return self._near(Hole(first, first, 0, 0))

    def order(self) -> None:
        """Nothing comes twice, before its time, or from nowhere."""
        for one, other in pairwise(self._sound):
            if other.run.first < one.run.end:
                self.problems.append(
                    f"at {other.at} comes frame {other.run.first} after {one.run.end - 1}"
                )
        noted = merged(Run(run.first, run.frames + self._truth.block) for run in self._truth.wrote)
        invented = without((piece.run for piece in self._sound), noted)
        if invented:
            self.problems.append(f"nobody wrote {_said(invented)}")

    def needed_until(self, total: int) -> int:
        """The number from which on nothing more was needed."""
        if total >= self._truth.planned:
            return self._sound[-1].run.end
        end = self._origin + self._truth.planned
        return end if self._truth.stops is None else min(end, self._truth.stops)

    def length(self, total: int) -> None:
        """The file is as long as asked for, or there is a reason."""
        truth = self._truth
        if total > truth.planned:
            self.problems.append(f"{total} frames are more than the {truth.planned} asked for")
        reached = self._sound[-1].run.end + total - self._sound[-1].end
        rest = within(truth.wrote, reached, self.needed_until(total))
        # An end that nobody chose is declared, but not filled with silence.
        told = sum(gap.frames for gap in self._declared.gaps if gap.at >= total)
        self.declared_frames += told
        thrown = count(rest) > self._near(Hole(reached, reached + told, 0, 0))
        if rest and (not told or (thrown and not truth.may_be_short)):
            self.lost += count(rest)
            self.problems.append(f"the end is missing: {_said(rest)}")
        short = total + told < truth.planned - self._dropped - self._tolerance.gap
        if short and truth.stops is None and not truth.may_be_short:
            self.problems.append(f"only {total} of {truth.planned} frames")

    def dropouts(self) -> None:
        """What the card dropped was told."""
        told = self._declared.dropouts
        if self._dropped > told + self._tolerance.gap:
            self.lost += self._dropped - told
            self.problems.append(f"{self._dropped} frames were dropped, {told} declared")
            self.declared_frames += told
        else:
            self.declared_frames += self._dropped


def _said(runs: Sequence[Run]) -> str:
    return ", ".join(f"{run.first}+{run.frames}" for run in runs)
