"""Tests for ``rakkr.health.event``."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.event import HealthEvent, event_id, json_line


class EventTests(SynchronousTestCase):
    """Events as they are logged and sent."""

    def test_key_order(self) -> None:
        """A record has the contract's keys in its order, details sorted, no null members."""
        event = HealthEvent(
            "id1", "agent.x", "info", "2026-01-01T00:00:00.000Z", {"b": 1, "a": None}
        )
        self.assertEqual(
            json_line(event.as_wire()),
            b'{"details":{"a":null,"b":1},"id":"id1","openedAt":"2026-01-01T00:00:00.000Z",'
            b'"severity":"info","type":"agent.x"}\n',
        )

    def test_recording(self) -> None:
        """A recording is named before the type, as the contract has it."""
        event = HealthEvent("i", "agent.x", "critical", "t", {}, "rec_1")
        self.assertEqual(
            list(event.as_wire()), ["details", "id", "openedAt", "severity", "recordingId", "type"]
        )

    def test_id(self) -> None:
        """An id names node, moment and serial, without colons and dots."""
        self.assertEqual(
            event_id("node_a", "2026-01-01T00:00:00.000Z", "ab-1"),
            "node_event_node_a_2026-01-01T00-00-00-000Z-ab-1",
        )

    @given(st.text(min_size=1, max_size=400), st.integers(0, 10**9))
    def test_id_length(self, node_id: str, serial: int) -> None:
        """However long the node's id is, the controller takes the event's, and it stays unique."""
        made = event_id(node_id, "2026-01-01T00:00:00.000Z", str(serial))
        self.assertLessEqual(len(made), 160)
        self.assertTrue(made.endswith(f"-{serial}"))

    def test_one_line(self) -> None:
        """Text with line breaks still makes one line."""
        line = json_line({"details": {"error": "a\nb"}})
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual(json.loads(line), {"details": {"error": "a\nb"}})
