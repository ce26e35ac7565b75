"""What is in force for which recording: the controller's policies, and what follows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from rakkr.controller.messages import CacheRetention
from rakkr.disk.holding import Holding

DAY_SECONDS: Final = 86_400.0
MOST_FREE_PERCENT: Final = 95.0
"""The most that a controller lets a policy ask for; more would mean an empty disk."""


@attrs.frozen
class Rule:
    """
    When local files may go.

    :ivar policy_id: None for what no policy is about.
    :ivar after_upload: whether they go as soon as they are delivered.
    :ivar seconds: the age from which they go.
    :ivar reason: the contract's word for that.
    :ivar vanished: whether the controller has no such policy any more.
    """

    policy_id: str | None
    after_upload: bool = False
    seconds: float | None = None
    max_bytes: int | None = None
    min_free_percent: float | None = None
    reason: str = "max_age"
    vanished: bool = False


@attrs.frozen
class Rules:
    """
    All rules, those of the controller's list first and in its order.

    :ivar by_policy: none for a policy id that nobody knows anything of.
    :ivar without_audio: for files in which nothing was ever recorded.
    """

    by_policy: dict[str, Rule]
    without_audio: Rule

    def of(self, holding: Holding) -> Rule | None:
        """The rule for a recording; None where nothing says that it may ever go."""
        return None if holding.policy is None else self.by_policy.get(holding.policy.policy_id)


def rules_for(
    holdings: Iterable[Holding], listed: Sequence[CacheRetention] | None, orphan_days: float
) -> Rules:
    """
    Say what is in force.

    :param listed: the controller's policies; None while they are not known (all of them), and then
        each job's own counts.
    :param orphan_days: how long recordings stay whose policy is gone, if it did not promise more.
    """
    rules = {each.policy_id: _rule(each) for each in listed or ()}
    carried: dict[str, CacheRetention] = {}
    for each in sorted(holdings, key=lambda each: each.since):  # the youngest job counts
        if each.policy is not None:
            carried[each.policy.policy_id] = each.policy
    for policy_id in sorted(carried.keys() - rules.keys()):
        policy = carried[policy_id]
        rules[policy_id] = _rule(policy) if listed is None else _orphaned(policy, orphan_days)
    empty = Rule(None, seconds=orphan_days * DAY_SECONDS, reason="no_audio")
    return Rules(rules, empty)


def _rule(policy: CacheRetention) -> Rule:
    days, percent = policy.max_age_days, policy.min_free_disk_percent
    return Rule(
        policy.policy_id,
        after_upload=policy.delete_after_upload,
        seconds=None if days is None else days * DAY_SECONDS,
        max_bytes=policy.max_bytes,
        min_free_percent=None if percent is None else min(percent, MOST_FREE_PERCENT),
    )


def _orphaned(policy: CacheRetention, orphan_days: float) -> Rule:
    days = max(orphan_days, policy.max_age_days or 0.0)
    return Rule(
        policy.policy_id,
        after_upload=policy.delete_after_upload,
        seconds=days * DAY_SECONDS,
        vanished=True,
    )
