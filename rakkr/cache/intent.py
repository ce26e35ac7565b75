"""What a sweep is to heed, and what it then means to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import attrs

from rakkr.cache.candidates import Survey, candidates
from rakkr.cache.plan import Deletion, plan_room, plan_sweep
from rakkr.cache.rules import Rules, rules_for
from rakkr.controller.messages import CacheRetention
from rakkr.disk.space import Space


@attrs.frozen(kw_only=True)
class Intent:
    """
    What holds at a moment.

    :ivar listed: the controller's policies; None while they are not known.
    :ivar orphan_days: see :func:`rakkr.cache.rules.rules_for`.
    :ivar now: seconds since the epoch.
    :ivar space: of the disk, None if nobody knows.
    :ivar without: files to be left alone.
    """

    listed: Sequence[CacheRetention] | None
    orphan_days: float
    now: float
    space: Space | None
    without: Collection[Path] = ()

    def sweep(self, seen: Survey) -> tuple[Rules, list[Deletion]]:
        """What the policies ask for."""
        rules = rules_for(seen.holdings, self.listed, self.orphan_days)
        chosen = candidates(seen, rules, self.without)
        order = [*rules.by_policy.values(), rules.without_audio]
        return rules, plan_sweep(chosen, order, self.now, self.space)

    def room(self, seen: Survey, required: int) -> tuple[Rules, list[Deletion]]:
        """What a disk that gets short asks for."""
        rules = rules_for(seen.holdings, self.listed, self.orphan_days)
        return rules, plan_room(candidates(seen, rules, self.without), required)
