"""Tests for ``rakkr.health.brevity``."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.health.brevity import LONGEST_BYTES, short_line
from rakkr.health.event import json_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def event(details: dict[str, Any]) -> dict[str, Any]:
    """An event on its way."""
    return {"details": details, "id": "i", "severity": "info", "type": "agent.x"}


class BrevityTests(SynchronousTestCase):
    """Records of a bounded length."""

    def details(self, wire: dict[str, Any]) -> dict[str, Any]:
        """What is left of the details."""
        line = short_line(wire)
        self.assertLessEqual(len(line), LONGEST_BYTES)
        found: dict[str, Any] = json.loads(line)
        self.assertEqual({**found, "details": wire["details"]}, wire)
        details: dict[str, Any] = found["details"]
        return details

    def test_limit(self) -> None:
        """What is just short enough is left as it is; a byte more, and it is cut."""
        spare = LONGEST_BYTES - len(json_line(event({"error": ""})))
        whole = event({"error": "x" * spare})
        self.assertEqual(short_line(whole), json_line(whole))
        cut = self.details(event({"error": "x" * (spare + 1)}))
        self.assertEqual(cut, {"error": "x" * 3999 + "…"})

    def test_lists(self) -> None:
        """A long list loses its end, wherever it is; a count beside it stays."""
        items = [{"errors": ["no such file"], "reason": "age"} for _ in range(100_000)]
        self.assertEqual(
            self.details(event({"deleted": 100_000, "items": items})),
            {"deleted": 100_000, "items": items[:100]},
        )

    def test_shorter_still(self) -> None:
        """Where that is not enough, it is cut once more."""
        cut = self.details(event({"items": ["ä" * 4000] * 1000}))
        self.assertEqual(cut, {"items": ["ä" * 399 + "…"] * 20})

    def test_withheld(self) -> None:
        """What cannot be cut is withheld; that it happened is told all the same."""
        wide = {str(number): number for number in range(100_000)}
        self.assertEqual(self.details(event(wide)), {"withheld": "they are too long"})

    @settings(max_examples=30, deadline=None)
    @given(st.dictionaries(st.text(), JSON), st.sampled_from([1, 2000]))
    def test_any(self, details: dict[str, Any], times: int) -> None:
        """Whatever there is, the record is bounded."""
        self.details(event({"all": [details] * times}))
