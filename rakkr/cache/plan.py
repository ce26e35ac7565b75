"""What goes, and why: the oldest first, and never more than is needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path

import attrs

from rakkr.cache.candidates import Candidate
from rakkr.cache.rules import Rule
from rakkr.disk.holding import Holding
from rakkr.disk.space import Space


@attrs.frozen
class Deletion:
    """
    Files of one recording that go.

    :ivar reason: the contract's ``max_age``, ``max_bytes`` or ``min_free_disk``; ``after_upload``,
        ``no_audio`` or ``disk_space``.
    :ivar files: those that no recording that stays has, too.
    :ivar frees: bytes that this gives back.
    """

    holding: Holding
    policy_id: str | None
    reason: str
    files: tuple[Path, ...]
    frees: int


def plan_sweep(
    chosen: Sequence[Candidate], rules: Iterable[Rule], now: float, space: Space | None
) -> list[Deletion]:
    """
    Plan what the rules ask for.

    First what is too old under any rule, then what is too much, then what the disk lacks: each step
    counts what the one before gives back.

    :param rules: in the order in which they are served.
    :param now: seconds since the epoch.
    :param space: None if the disk does not say; then nothing goes for its sake.
    """
    plan = _Plan(chosen)
    by_rule = {rule: plan.of(rule) for rule in rules}
    for rule, mine in by_rule.items():
        for each in mine:
            if rule.after_upload:
                plan.take(each, "after_upload")
            elif rule.seconds is not None and now - each.since >= rule.seconds:
                plan.take(each, rule.reason)
    for rule, mine in by_rule.items():
        if rule.max_bytes is not None:
            _fit(plan, mine, rule.max_bytes)
    for rule, mine in by_rule.items():
        if rule.min_free_percent is not None and space is not None:
            wanted = math.ceil(space.total * rule.min_free_percent / 100) - space.free
            _free(plan, mine, wanted, "min_free_disk")
    return plan.deletions


def plan_room(chosen: Sequence[Candidate], required: int) -> list[Deletion]:
    """
    Plan what goes for a disk that gets short: this heeds no policy but the receipt.

    :param required: bytes to be given back.
    """
    plan = _Plan(chosen)
    _free(plan, plan.everything(), required, "disk_space")
    return plan.deletions


class _Plan:
    """
    What was chosen so far.

    :ivar freed: bytes that it gives back.
    """

    def __init__(self, chosen: Sequence[Candidate]) -> None:
        self.deletions: list[Deletion] = []
        self.freed = 0
        by_name = sorted(chosen, key=lambda each: each.holding.recording_id)
        self._order = sorted(by_name, key=attrgetter("since"))
        self._taken: set[str] = set()
        self._holders = _holders(chosen)
        self._by_rule: dict[int, list[Candidate]] = {}
        for each in self._order:
            self._by_rule.setdefault(id(each.rule), []).append(each)

    def everything(self) -> list[Candidate]:
        """The oldest first."""
        return [each for each in self._order if each.holding.proof is not None]

    def of(self, rule: Rule) -> list[Candidate]:
        """Those of a rule, the oldest first."""
        return self._by_rule.get(id(rule), [])

    def is_taken(self, each: Candidate) -> bool:
        """Whether it goes already; a recording goes once."""
        return each.holding.recording_id in self._taken

    def take(self, each: Candidate, reason: str) -> None:
        """Let a recording go."""
        if self.is_taken(each):
            return
        self._taken.add(each.holding.recording_id)
        files, frees = _let_go(self._holders, each)
        self.freed += frees
        if files:  # else all of it is of others, who keep it
            policy_id = None if each.rule is None else each.rule.policy_id
            self.deletions.append(Deletion(each.holding, policy_id, reason, files, frees))


def _holders(chosen: Iterable[Candidate]) -> dict[Path, int]:
    """How many of these have a file."""
    count: dict[Path, int] = {}
    for each in chosen:
        for path in each.files:
            count[path] = count.get(path, 0) + 1
    return count


def _let_go(holders: dict[Path, int], each: Candidate) -> tuple[tuple[Path, ...], int]:
    """Have one less; says which files nobody has then, and what they take."""
    files: list[Path] = []
    frees = 0
    for path in each.files:
        left = holders[path] = holders[path] - 1
        if not left:
            files.append(path)
            frees += each.found[path].taken
    return tuple(files), frees


def _free(plan: _Plan, mine: Iterable[Candidate], wanted: int, reason: str) -> None:
    for each in mine:
        if plan.freed >= wanted:
            return
        plan.take(each, reason)


def _fit(plan: _Plan, mine: Sequence[Candidate], most: int) -> None:
    """Let the oldest go until what these have is not too much; a file of several counts once."""
    left = [each for each in mine if not plan.is_taken(each)]
    holders = _holders(left)
    total = sum(left[0].found[path].taken for path in holders)
    for each in left:
        if total <= most:
            return
        total -= _let_go(holders, each)[1]
        plan.take(each, "max_bytes")
