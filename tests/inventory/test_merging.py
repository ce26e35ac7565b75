"""Several sound systems make one inventory."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.merging import UNKNOWN, merged

ONE = AudioInterface(id="a", backend="alsa", system_name="A")
OTHER = AudioInterface(id="b", backend="jack", system_name="B")


class MergedTests(SynchronousTestCase):
    def test_all(self) -> None:
        """All inputs are there, in order, with what is known of their servers."""
        found = merged(
            [
                Inventory((ONE,), probe_ok=True, reason="odd", remarks=("x",)),
                Inventory((OTHER,), probe_ok=True, answering=frozenset({"jack"}), remarks=("y",)),
            ]
        )
        expected = Inventory(
            (ONE, OTHER),
            probe_ok=True,
            reason="odd",
            answering=frozenset({"jack"}),
            remarks=("x", "y"),
        )
        self.assertEqual(found, expected)

    def test_one_unknown(self) -> None:
        """While one is not known the whole does not count."""
        found = merged([Inventory((ONE,), probe_ok=True), UNKNOWN])
        self.assertEqual((found.interfaces, found.probe_ok), ((ONE,), False))

    def test_ids(self) -> None:
        """No id is there twice."""
        found = merged([Inventory((ONE, ONE), probe_ok=True), Inventory((ONE,), probe_ok=True)])
        self.assertEqual([each.id for each in found.interfaces], ["a", "a_2", "a_3"])
        self.assertEqual(found.interfaces[1], attrs.evolve(ONE, id="a_2"))
