"""Holdings as the journals would tell of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rakkr.controller.messages import CacheRetention
from rakkr.disk.holding import Holding, Proof

DAY = 86_400.0
NOON = 1_800_000_000.0
"""A moment after this version was released, in seconds since the epoch."""
DIRECTORY = Path("/captures")


def policy(policy_id: str = "p", **limits: Any) -> CacheRetention:
    """A policy."""
    return CacheRetention(policy_id=policy_id, **limits)


def delivered(
    number: int,
    uploaded: float = NOON,
    *files: Path,
    rule: CacheRetention | None = None,
    **more: Any,
) -> Holding:
    """Recording ``rec_<number>``, delivered then, with its FLAC and its capture."""
    paths = files or (DIRECTORY / f"{number}.flac", DIRECTORY / f"{number}.raw.wav")
    facts: dict[str, Any] = {
        "recording_id": f"rec_{number}",
        "standing": "delivered",
        "files": paths,
        "output": paths[0],
        "raw": paths[-1],
        "job_ids": (f"job_{number}",),
        "policy": rule,
        "proof": Proof(f"sha256:{number:064x}", 4, 1, uploaded),
        "since": uploaded,
    }
    return Holding(**{**facts, **more})


def kept(number: int, *files: Path, standing: str = "salvage", why: str = "lost") -> Holding:
    """A recording that was not delivered."""
    return delivered(number, NOON, *files, standing=standing, proof=None, why=why)
