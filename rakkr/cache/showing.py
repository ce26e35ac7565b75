"""What ``--sweep`` prints: what goes and why, and what stays and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rakkr.cache.candidates import Survey
from rakkr.cache.plan import Deletion
from rakkr.cache.rules import Rule, Rules
from rakkr.disk.holding import NEEDED, Holding
from rakkr.stamps import format_stamp


def shown(
    seen: Survey,
    rules: Rules,
    deletions: Sequence[Deletion],
    strays: Iterable[Path],
    errors: Mapping[Path, str] | None = None,
) -> dict[str, Any]:
    """
    Make the document.

    :param errors: why files that were to go are still there; None when nothing was deleted.
    """
    going = {each.holding.recording_id for each in deletions}
    leaving = {path for each in deletions for path in each.files}
    stays = [
        _stay(each, _why(each, rules, seen), seen)
        for each in seen.holdings
        if each.recording_id not in going
        and any(path in seen.found and path not in leaving for path in each.files)
    ]
    return {
        "bytes": sum(each.frees for each in deletions),
        "dryRun": errors is None,
        "goes": [_going(each, errors or {}) for each in deletions],
        "stays": [
            *stays,
            *({"paths": [str(path)], "why": "no journal names it"} for path in strays),
        ],
    }


def _going(deletion: Deletion, errors: Mapping[Path, str]) -> dict[str, Any]:
    held = deletion.holding
    since = held.since if held.proof is None else held.proof.uploaded
    return {
        "bytes": deletion.frees,
        "errors": [f"{path}: {errors[path]}" for path in deletion.files if path in errors],
        "paths": [str(path) for path in deletion.files],
        "policyId": deletion.policy_id,
        "reason": deletion.reason,
        "recordingId": held.recording_id,
        ("endedAt" if held.proof is None else "uploadedAt"): format_stamp(since),
    }


def _stay(held: Holding, why: str, seen: Survey) -> dict[str, Any]:
    here = {path: seen.found[path] for path in held.files if path in seen.found}
    return {
        "bytes": sum(each.taken for each in here.values()),
        "paths": [str(path) for path in here],
        "policyId": None if held.policy is None else held.policy.policy_id,
        "recordingId": held.recording_id,
        "why": why,
    }


def _why(held: Holding, rules: Rules, seen: Survey) -> str:
    if held.standing in NEEDED:
        return held.why
    if any(job in seen.silent for job in held.job_ids):
        return "there is no audio in it; it goes with its age"
    if held.proof is None or held.standing == "undelivered":
        return (
            f"no receipt covers it ({held.why})"
            if held.job_ids and held.proof is None
            else held.why
        )
    if all(path in seen.needed for path in held.files if path in seen.found):
        return "a recording that is not delivered needs these files"
    if all(path in seen.changed for path in held.files if path in seen.found):
        return "these are not the files any more that were delivered"
    return _kept_by(rules.of(held), held.proof.uploaded)


def _kept_by(rule: Rule | None, uploaded: float) -> str:
    if rule is None:
        return "no policy lets it go before the disk gets short"
    name = f"policy {rule.policy_id}"
    if rule.vanished:
        name += " is gone at the controller; what it kept"
    limits = []
    if rule.seconds is not None:
        limits.append(f"until {format_stamp(uploaded + rule.seconds)}")
    if rule.max_bytes is not None:
        limits.append(f"while all of it takes no more than {rule.max_bytes} bytes")
    if rule.min_free_percent is not None:
        limits.append(f"while {rule.min_free_percent:g} % of the disk are free")
    verb = "stays" if rule.vanished else "keeps it"
    return f"{name} {verb} {' and '.join(limits)}".strip()
