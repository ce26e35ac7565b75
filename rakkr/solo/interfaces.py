"""What a report of audio interfaces makes of the interfaces that were known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

_REPORTED = (
    "backend",
    "channelCount",
    "hardwarePath",
    "sampleRates",
    "serialNumber",
    "systemName",
    "systemRef",
)

Interface = Mapping[str, Any]


@attrs.define
class Reconciled:
    """
    The interfaces after a report, and what the report changed, by system name.

    :ivar unchanged: how many reported interfaces were as before.
    """

    interfaces: list[dict[str, Any]] = attrs.field(factory=list)
    added: list[str] = attrs.field(factory=list)
    absent: list[str] = attrs.field(factory=list)
    reactivated: list[str] = attrs.field(factory=list)
    updated: list[str] = attrs.field(factory=list)
    unchanged: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.added or self.absent or self.reactivated or self.updated)

    def summary(self) -> dict[str, Any]:
        """The summary as it stands on the wire."""
        return {
            "added": self.added,
            "absent": self.absent,
            "reactivated": self.reactivated,
            "unchanged": self.unchanged,
            "updated": self.updated,
        }


def _key(interface: Interface) -> str:
    return str(interface.get("systemRef") or interface["systemName"])


def _channels(known: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """One channel for each index from 1, with the labels that there are."""
    labels = {channel["index"]: channel for channel in known}
    return [
        dict(labels.get(index) or {"alias": f"Channel {index}", "index": index})
        for index in range(1, count + 1)
    ]


def _facts(interface: Interface) -> dict[str, Any]:
    facts = {name: interface[name] for name in _REPORTED if name in interface}
    facts["systemRef"] = _key(interface)
    return facts


def _new(report: Interface, new_id: Callable[[], str]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "alias": report["alias"],
        "channels": _channels(report["channels"], report["channelCount"]),
        **_facts(report),
    }


def _update(known: Interface, report: Interface) -> dict[str, Any]:
    """The known interface with the reported facts; what an operator named stays."""
    kept = {name: value for name, value in known.items() if name not in _REPORTED}
    kept.pop("absent", None)
    kept["channels"] = _channels(known["channels"], report["channelCount"])
    return {**kept, **_facts(report)}


def reconcile(
    known: Sequence[Interface], reported: Sequence[Interface], new_id: Callable[[], str]
) -> Reconciled:
    """
    Match a report with what is known, by ``systemRef``, else ``systemName``.

    Nothing is ever removed: what is not reported is marked absent, and keeps its id.  Two unknown
    entries with one key become two interfaces.

    :param new_id: makes the id of an interface that was never seen.
    """
    result = Reconciled(interfaces=[dict(interface) for interface in known])
    places = {_key(interface): at for at, interface in enumerate(known)}
    for report in reported:
        at = places.get(_key(report))
        if at is None:
            result.interfaces.append(_new(report, new_id))
            result.added.append(report["systemName"])
            continue
        before = result.interfaces[at]
        after = _update(before, report)
        result.interfaces[at] = after
        if before.get("absent"):
            result.reactivated.append(report["systemName"])
        elif after != before:
            result.updated.append(report["systemName"])
        else:
            result.unchanged += 1
    seen = {_key(report) for report in reported}
    for at, interface in enumerate(known):
        if _key(interface) not in seen and not interface.get("absent"):
            result.interfaces[at]["absent"] = True
            result.absent.append(interface["systemName"])
    return result
