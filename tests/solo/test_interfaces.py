"""Tests of how a report of interfaces meets what is known."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.interfaces import Reconciled, reconcile


def interface(reference: str, **members: Any) -> dict[str, Any]:
    return {
        "alias": reference,
        "backend": "alsa",
        "channelCount": 2,
        "channels": [],
        "sampleRates": [48000],
        "systemName": f"card {reference}",
        "systemRef": reference,
        **members,
    }


class ReconcileTests(SynchronousTestCase):
    def setUp(self) -> None:
        counter = itertools.count(1)
        self.known: list[dict[str, Any]] = []
        self.new_id = lambda: f"uuid-{next(counter)}"

    def report(self, *reported: dict[str, Any]) -> Reconciled:
        result = reconcile(self.known, reported, self.new_id)
        self.known = result.interfaces
        return result

    def test_life_of_an_interface(self) -> None:
        """An interface is added, unchanged, absent and back again under one id."""
        self.assertEqual(self.report(interface("hw:A")).added, ["card hw:A"])
        self.assertFalse(self.report(interface("hw:A")).changed)
        self.assertEqual(self.report().absent, ["card hw:A"])
        self.assertTrue(self.known[0]["absent"])
        self.assertFalse(self.report().changed)
        self.assertEqual(self.report(interface("hw:A")).reactivated, ["card hw:A"])
        self.assertNotIn("absent", self.known[0])
        self.assertEqual(self.known[0]["id"], "uuid-1")

    def test_labels_stay(self) -> None:
        """The labels of an operator outlive an update; new channels are named by number."""
        self.report(interface("hw:A", channels=[{"alias": "Altar", "index": 1}]))
        self.report(interface("hw:A", channelCount=3, alias="other"))
        self.assertEqual(self.known[0]["alias"], "hw:A")
        self.assertEqual(
            [channel["alias"] for channel in self.known[0]["channels"]],
            ["Altar", "Channel 2", "Channel 3"],
        )
        self.report(interface("hw:A", channelCount=1))
        self.assertEqual(len(self.known[0]["channels"]), 1)

    def test_order_of_rates(self) -> None:
        """Rates in another order are an update."""
        self.report(interface("hw:A", sampleRates=[44100, 48000]))
        result = self.report(interface("hw:A", sampleRates=[48000, 44100]))
        self.assertEqual(result.updated, ["card hw:A"])

    def test_key_without_reference(self) -> None:
        """Without a reference the system name is the key."""
        plain = interface("x")
        del plain["systemRef"]
        self.report(plain)
        self.assertEqual(self.known[0]["systemRef"], "card x")
        self.assertFalse(self.report(plain).changed)

    def test_twins(self) -> None:
        """Two unknown entries of one key become two interfaces."""
        self.report(interface("hw:A"), interface("hw:A"))
        self.assertEqual(len({one["id"] for one in self.known}), 2)

    @given(st.lists(st.lists(st.sampled_from("ABCD"), unique=True), max_size=6))
    def test_ids_are_for_ever(self, reports: list[list[str]]) -> None:
        """Whatever comes and goes, nothing is removed and no id changes."""
        self.setUp()
        ids: dict[str, str] = {}
        for names in reports:
            self.report(*(interface(name) for name in names))
            now = {one["systemRef"]: one["id"] for one in self.known}
            self.assertEqual({**now, **ids}, now)
            ids = now
            present = {one["systemRef"] for one in self.known if not one.get("absent")}
            self.assertEqual(present, set(names))
