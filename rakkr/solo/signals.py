"""What comes in from the nodes and is gone soon: levels and live sound, in memory only."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from typing import Any

import attrs

from rakkr.solo.ledger import Ledger

KEPT_FRAMES = 120
KEPT_BYTES = 4 << 20


@attrs.frozen
class MonitorChunk:
    """The last piece of live sound, as a WAV file."""

    wav: bytes
    captured_at: str
    duration_ms: int
    received_at: str


class _History:
    """The levels of one node: few, and as text, because as objects they are ten times as large."""

    def __init__(self) -> None:
        self._texts: deque[bytes] = deque()
        self._bytes = 0

    def add(self, received: dict[str, Any]) -> None:
        """Keep levels, and let go of the oldest."""
        text = json.dumps(received, separators=(",", ":")).encode()
        self._texts.append(text)
        self._bytes += len(text)
        while len(self._texts) > KEPT_FRAMES or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._texts.popleft())

    def newest_first(self) -> list[dict[str, Any]]:
        """All that are kept."""
        return [json.loads(text) for text in reversed(self._texts)]


class Signals:
    """The latest levels and live sound of every node."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._meters: dict[str, dict[str, Any]] = {}
        self._histories: defaultdict[str, _History] = defaultdict(_History)
        self._chunks: dict[tuple[str, str], MonitorChunk] = {}

    def meter(self, node_id: str, frame: dict[str, Any]) -> dict[str, Any]:
        """Keep a node's levels; returns them with the moment at which they came."""
        received = {"frame": frame, "receivedAt": self._ledger.stamp()}
        self._meters[node_id] = received
        self._histories[node_id].add(received)
        return received

    def latest_meter(self, node_id: str) -> dict[str, Any] | None:
        """A node's latest levels."""
        return self._meters.get(node_id)

    def meters(self, node_id: str) -> list[dict[str, Any]]:
        """A node's levels as far back as they are kept, the newest first."""
        found = self._histories.get(node_id)
        return [] if found is None else found.newest_first()

    def monitor(
        self, node_id: str, slot: str, wav: bytes, *, captured_at: str | None, duration_ms: int
    ) -> MonitorChunk:
        """Keep a node's latest live sound."""
        now = self._ledger.stamp()
        chunk = MonitorChunk(wav, captured_at or now, duration_ms, now)
        self._chunks[node_id, slot] = chunk
        return chunk

    def latest_monitor(self, node_id: str, slot: str) -> MonitorChunk | None:
        """A node's latest live sound."""
        return self._chunks.get((node_id, slot))
