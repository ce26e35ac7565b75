"""Tests for ``rakkr.workshop``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.messages import Interface
from rakkr.inventory.host import Machine
from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.theirs import Directory
from rakkr.workshop import Cards
from tests.fakes.processes import FakeReactor
from tests.inventory.test_probe import FakePool, FakeThreads

DESK = AudioInterface(
    id="alsa_card_desk_dev_0",
    backend="alsa",
    system_name="Desk",
    system_ref="hw:CARD=Desk,DEV=0",
    card=2,
    card_id="Desk",
    device=0,
)
MIC = AudioInterface(
    id="pipewire_mic", backend="pipewire", system_name="mic", system_ref="pipewire:mic"
)


class CardsTests(SynchronousTestCase):
    """A card that was seen, and what the controller calls it."""

    def setUp(self) -> None:
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        reactor = FakeReactor()
        self.probe = InventoryProbe(
            spawner=reactor,
            clock=reactor,
            threads=FakeThreads(),
            pool=FakePool(),
            environ={},
            machine=Machine(uname=os.uname, addresses=dict, pointer_bits=64, root=root),
            arecord_command="arecord",
            pcm_list=root / "pcm",
            sound=root / "sound",
        )
        self.probe.known = Inventory((DESK,), probe_ok=True)
        self.directory = Directory()
        self.cards = Cards(self.probe, self.directory, lambda: [DESK, MIC])

    def learn(self) -> None:
        """Hear of the controller's ids."""
        self.directory.interfaces = [
            Interface(id="uuid-1", system_name="Desk", system_ref="hw:CARD=Desk,DEV=0"),
            Interface(id="uuid-2", system_name="mic", system_ref="pipewire:mic"),
        ]

    def test_refreshed(self) -> None:
        """A job's device is refreshed by the controller's id of its interface, and by ours."""
        self.assertIsNone(self.cards.refreshed("hw:1,0", "uuid-1"))
        self.learn()
        for id_ in ("uuid-1", DESK.id):
            self.assertEqual(self.cards.refreshed("hw:1,0", id_), "hw:CARD=Desk,DEV=0")
            self.assertEqual(self.cards.refreshed("plughw:1,0", id_), "plughw:CARD=Desk,DEV=0")
            self.assertIsNone(self.cards.refreshed("hw:CARD=Desk,DEV=0", id_))

    def test_not_refreshed(self) -> None:
        """What has another id, none, or no card behind it stays as it is."""
        self.learn()
        for id_ in (None, "uuid-9", "uuid-2"):
            self.assertIsNone(self.cards.refreshed("hw:1,0", id_))
        self.probe.known = attrs.evolve(self.probe.known, interfaces=())
        self.assertIsNone(self.cards.refreshed("hw:1,0", "uuid-1"))

    def test_targets(self) -> None:
        """Channel maps are for inputs of every sound system, by either id."""
        self.learn()
        self.assertTrue(self.cards.is_device("uuid-2", None, "mic"))
        self.assertTrue(self.cards.is_device(DESK.id, "uuid-1", "hw:2,0"))
        self.assertFalse(self.cards.is_device("uuid-1", None, "mic"))
