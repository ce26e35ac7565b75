"""What the nodes report, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rakkr.solo.admission import Refused
from rakkr.solo.interfaces import reconcile
from rakkr.solo.ledger import Ledger
from rakkr.stamps import format_stamp, parse_stamp

OFFLINE_SECONDS = 120.0
_PRIVATE = frozenset({"recorderCachePolicies", "channelMapAssignments"})


def _holds(value: Any, character: str) -> bool:
    if isinstance(value, str):
        return character in value
    if isinstance(value, Mapping):
        return any(_holds(one, character) for one in (*value.keys(), *value.values()))
    return isinstance(value, list) and any(_holds(one, character) for one in value)


def _refuse_unstorable(value: Any, *, surrogates: bool) -> None:
    """A reference controller's database fails on these, so an agent must learn of it here too."""
    lone = surrogates and any(_is_surrogate(one) for one in json.dumps(value, ensure_ascii=False))
    if lone or _holds(value, "\x00"):
        raise Refused(503, "The node store cannot keep this text")


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _mended(value: Any) -> Any:
    """The value with U+FFFD for each unpaired surrogate."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads("".join("\ufffd" if _is_surrogate(one) else one for one in text))


class Nodes:
    """The nodes, their interfaces, settings and events."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.store

    def enrol(self, node_id: str, token_sha256: str) -> None:
        """Make a node known, if it is not, and this its token."""
        with self._store.transaction(durable=True):
            if self._store.node(node_id) is None:
                self._store.put_node(
                    {
                        "id": node_id,
                        "agentVersion": "0.0.0",
                        "alias": node_id,
                        "hostname": "unknown-host",
                        "interfaces": [],
                        "ipAddresses": [],
                        "lastSeenAt": self._ledger.stamp(),
                        "location": {"site": "solo", "room": "solo"},
                        "status": "provisioning",
                        "tags": [],
                    }
                )
            self._store.put_credential(node_id, token_sha256)

    def node(self, node_id: str) -> dict[str, Any]:
        """
        A node's document.

        :raises Refused: 404.
        """
        node = self._store.node(node_id)
        if node is None:
            raise Refused(404, "Node not found")
        return node

    def overview(self) -> list[dict[str, Any]]:
        """Every node as an operator sees it: offline when it was silent for two minutes."""
        nodes = [wire(node) for node in self._store.nodes()]
        for node in nodes:
            silent = self._ledger.now() - parse_stamp(node["lastSeenAt"])
            if silent > OFFLINE_SECONDS and node["status"] != "provisioning":
                node["status"] = "offline"
        return nodes

    def heartbeat(self, node_id: str, beat: Mapping[str, Any]) -> dict[str, Any]:
        """
        A node lives.

        :raises Refused: 404, or 503 for text that a database cannot keep.
        """
        _refuse_unstorable(beat.get("runtime"), surrogates=True)
        _refuse_unstorable(beat["hostname"], surrogates=False)
        status = beat["status"]
        node = {
            **self.node(node_id),
            **_mended({name: value for name, value in beat.items() if name != "runtime"}),
            "lastSeenAt": self._ledger.stamp(),
            "status": "online" if status in {"offline", "provisioning"} else status,
        }
        if "runtime" in beat:
            node["runtime"] = beat["runtime"]
        return wire(self._put(node))

    def inventory(self, node_id: str, reported: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """
        A node reports its interfaces.

        :raises Refused: 404, or 503 for text that a database cannot keep.
        """
        _refuse_unstorable(list(reported), surrogates=False)
        node = self.node(node_id)
        result = reconcile(node["interfaces"], _mended(list(reported)), self._ledger.new_uuid)
        if result.changed:
            node = self._put({**node, "interfaces": result.interfaces})
        return {"changed": result.changed, "node": wire(node), "summary": result.summary()}

    def _put(self, node: dict[str, Any]) -> dict[str, Any]:
        with self._store.transaction():
            self._store.put_node(node)
        return node

    def health_event(self, node_id: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """
        A node reports an event.

        :raises Refused: 404 or 403 for the recording or schedule that it names.
        """
        recording_id = event.get("recordingId")
        if recording_id is not None:
            recording = self._store.recording(recording_id)
            if recording is None:
                raise Refused(404, "Recording not found")
            if recording.node_id != node_id:
                raise Refused(403, "Recording belongs to another node")
        if "scheduleId" in event:  # there are no schedules here
            raise Refused(404, "Schedule not found")
        details = dict(event["details"])
        if "id" in event:
            details["localEventId"] = event["id"]
        opened_at = event.get("openedAt")
        with self._store.transaction():
            return self._ledger.raise_event(
                event["type"],
                event["severity"],
                details,
                node_id=node_id,
                recording_id=recording_id,
                opened_at=None if opened_at is None else _normal(opened_at),
            )

    def events(self, recording_id: str | None) -> list[dict[str, Any]]:
        """The newest events, newest first."""
        return self._store.events(recording_id)

    def config(self, node_id: str) -> dict[str, Any]:
        """What a node is told to use."""
        node = self.node(node_id)
        told: dict[str, Any] = {
            "monitorEnhancement": {"engine": "deepfilternet3", "requested": False},
            "recorderCachePolicies": node.get("recorderCachePolicies", []),
            "recordingCapacity": node.get("recordingCapacity") or {"maxConcurrentRecordings": 1},
        }
        if node.get("audioDefaults"):
            told["audioDefaults"] = node["audioDefaults"]
        return told

    def configure(self, node_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings; null takes one away, what is absent stays."""
        changed = {**self.node(node_id), **changes}
        self._put({name: value for name, value in changed.items() if value is not None})
        return self.config(node_id)

    def assignments(self, node_id: str) -> list[dict[str, Any]]:
        """The channel maps that an operator assigned."""
        return list(self.node(node_id).get("channelMapAssignments", []))

    def assign(self, node_id: str, assignments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Replace the assigned channel maps."""
        self._put({**self.node(node_id), "channelMapAssignments": assignments})
        return assignments


def wire(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node as it stands in an answer."""
    return {name: value for name, value in node.items() if name not in _PRIVATE}


def _normal(moment: str) -> str:
    """A reported moment in the form of all others; one that only a browser can read stays."""
    try:
        return format_stamp(parse_stamp(moment))
    except ValueError:
        return moment
