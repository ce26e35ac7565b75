"""What several sound systems have, as one inventory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from rakkr.inventory.interface import AudioInterface, Inventory

UNKNOWN: Final = Inventory((), probe_ok=False)


def merged(parts: Sequence[Inventory]) -> Inventory:
    """
    Put answers together, in their order, each id once.

    It counts only when every part is known: whoever is not listed would be taken for gone.
    """
    taken: dict[str, AudioInterface] = {}
    for interface in (each for part in parts for each in part.interfaces):
        id_, number = interface.id, 2
        while id_ in taken:
            id_, number = f"{interface.id}_{number}", number + 1
        taken[id_] = attrs.evolve(interface, id=id_)
    return Inventory(
        tuple(taken.values()),
        probe_ok=all(part.probe_ok for part in parts),
        reason="; ".join(part.reason for part in parts if part.reason) or None,
        answering=frozenset().union(*(part.answering for part in parts)),
        remarks=tuple(remark for part in parts for remark in part.remarks),
    )
