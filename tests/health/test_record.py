"""Tests for ``rakkr.health.record``."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.event import HealthEvent, json_line
from rakkr.health.record import deliverable, id_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def line(**members: Any) -> bytes:
    """A record with changes."""
    return json.dumps({"type": "agent.x", "severity": "info", **members}).encode()


class DeliverableTests(SynchronousTestCase):
    """Records of the log, whoever wrote them."""

    def test_ours(self) -> None:
        """What we log is sent as it is."""
        event = HealthEvent("i", "agent.x", "info", "2026-01-01T00:00:00.000Z", {"a": 1}, "rec")
        self.assertEqual(deliverable(json_line(event.as_wire())), event.as_wire())

    def test_strict(self) -> None:
        """Members that the controller's strict schema does not have are left out."""
        wire = deliverable(line(nodeId="n", jobId="j", recordingId=None, scheduleId="s", id=3))
        self.assertEqual(
            wire, {"details": {}, "severity": "info", "type": "agent.x", "scheduleId": "s"}
        )

    def test_no_events(self) -> None:
        """What is torn, no object, or has no type or severity is nothing to send."""
        for each in (b"", b'{"type":', b"[]", b"17", b"\xff\xfe", b"[" * 100_000):
            self.assertIsNone(deliverable(each), each[:20])
        self.assertIsNone(deliverable(line(severity="error")))
        self.assertIsNone(deliverable(line(severity=["info"])))
        nested = (
            b'{"type":"agent.x","severity":"info","details":{"a":' + b"[" * 900 + b"]" * 900 + b"}}"
        )
        for each in (nested, nested.replace(b"[", b"[" * 90).replace(b"]", b"]" * 90)):
            self.assertIn(type(deliverable(each)), (dict, type(None)))
        self.assertIsNone(deliverable(line(type=" ")))
        self.assertIsNone(deliverable(line(type=None)))

    def test_poison(self) -> None:
        """NUL and half surrogate pairs never leave."""
        wire = deliverable(b'{"type":"agent.x","severity":"info","details":{"a":"\\u0000\\ud800"}}')
        self.assertEqual(wire, {"details": {"a": "\ufffd"}, "severity": "info", "type": "agent.x"})

    def test_long_id(self) -> None:
        """An id that is too long for the controller keeps its end, which is what differs."""
        wire = deliverable(line(id="n" * 200 + "1"))
        assert wire is not None
        self.assertEqual(len(id_of(wire)), 160)
        self.assertTrue(id_of(wire).endswith("n1"))
        self.assertEqual(id_of(deliverable(line(id="n" * 160)) or {}), "n" * 160)

    @given(st.dictionaries(st.sampled_from(["id", "type", "severity", "details", "x"]), JSON))
    def test_never_raises(self, members: dict[str, Any]) -> None:
        """Whatever stands in a log, the answer is an event or none."""
        wire = deliverable(json.dumps(members).encode())
        if wire is not None:
            self.assertLessEqual(set(wire), {"id", "type", "severity", "details"})
