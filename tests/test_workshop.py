"""Tests for ``rakkr.workshop``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.messages import Interface
from rakkr.inventory.host import Machine
from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.probe import InventoryProbe
from rakkr.inventory.theirs import Directory
from rakkr.workshop import REFRESH_PATIENCE_SECONDS, Cards
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
LISTED = b"card 2: Desk [Desk], device 0: Desk [Desk]\n"
MIC = AudioInterface(
    id="pipewire_mic", backend="pipewire", system_name="mic", system_ref="pipewire:mic"
)


class CardsTests(SynchronousTestCase):
    """A card that was seen, and what the controller calls it."""

    def setUp(self) -> None:
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.reactor = FakeReactor()
        self.probe = InventoryProbe(
            spawner=self.reactor,
            clock=self.reactor,
            threads=FakeThreads(),
            pool=FakePool(),
            environ={},
            machine=Machine(uname=os.uname, addresses=dict, pointer_bits=64, root=root),
            arecord_command="arecord",
            pcm_list=root / "pcm",
            sound=root / "sound",
        )
        self.directory = Directory()
        self.cards = Cards(self.probe, self.directory, lambda: [DESK, MIC])

    def learn(self) -> None:
        """Hear of the controller's ids."""
        self.directory.interfaces = [
            Interface(id="uuid-1", system_name="Desk", system_ref="hw:CARD=Desk,DEV=0"),
            Interface(id="uuid-2", system_name="mic", system_ref="pipewire:mic"),
        ]

    def refreshed(self, device: str, id_: str, listed: bytes = LISTED) -> str | None:
        """Ask for the name that an interface has, while arecord lists this."""
        asking = Deferred.fromCoroutine(self.cards.refreshed(device, id_))
        self.reactor.last.says(listed)
        self.reactor.last.ends()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return self.successResultOf(asking)

    def test_refreshed(self) -> None:
        """A job's device is refreshed by the controller's id of its interface, and by ours."""
        self.assertIsNone(self.refreshed("hw:1,0", "uuid-1"))
        self.learn()
        for id_ in ("uuid-1", DESK.id):
            self.assertEqual(self.refreshed("hw:1,0", id_), "hw:CARD=Desk,DEV=0")
            self.assertEqual(self.refreshed("plughw:1,0", id_), "plughw:CARD=Desk,DEV=0")
            self.assertIsNone(self.refreshed("hw:CARD=Desk,DEV=0", id_))

    def test_not_refreshed(self) -> None:
        """What has another id, or no card behind it, stays as it is."""
        self.learn()
        for id_ in ("uuid-9", "uuid-2"):
            self.assertIsNone(self.refreshed("hw:1,0", id_))
        self.assertIsNone(self.refreshed("hw:1,0", "uuid-1", b""))

    def test_hanging(self) -> None:
        """A recording waits for an arecord that hangs for a moment, then for what it knew."""
        self.refreshed("hw:1,0", DESK.id)
        asking = Deferred.fromCoroutine(self.cards.refreshed("hw:1,0", DESK.id))
        self.reactor.advance(REFRESH_PATIENCE_SECONDS - 0.1)
        self.assertNoResult(asking)
        self.reactor.advance(0.1)
        self.assertEqual(self.successResultOf(asking), "hw:CARD=Desk,DEV=0")
        self.assertEqual(self.reactor.last.signals, ["KILL"])
        self.reactor.last.ends(None, 9)

    def test_targets(self) -> None:
        """Channel maps are for inputs of every sound system, by either id."""
        self.learn()
        self.assertTrue(self.cards.is_device("uuid-2", None, "mic"))
        self.assertTrue(self.cards.is_device(DESK.id, "uuid-1", "hw:2,0"))
        self.assertFalse(self.cards.is_device("uuid-1", None, "mic"))
