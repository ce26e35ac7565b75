"""The controller's ids and ours stand for the same inputs."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.messages import Interface
from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.theirs import Directory, interface_of

CARD = AudioInterface(
    id="alsa_card_xusb_dev_0",
    backend="alsa",
    system_name="X-USB",
    system_ref="hw:CARD=XUSB,DEV=0",
    card=2,
    card_id="XUSB",
    device=0,
)
MIC = AudioInterface(
    id="pipewire_mic", backend="pipewire", system_name="mic", system_ref="pipewire:mic"
)
KNOWN = (CARD, MIC)
THEIRS = Interface(
    id="uuid-1", backend="alsa", system_name="X-USB", system_ref="hw:CARD=XUSB,DEV=0"
)
THEIR_MIC = Interface(id="uuid-2", backend="pipewire", system_name="mic", system_ref="pipewire:mic")
BOTH = Directory([THEIRS, THEIR_MIC])


class DeviceTests(SynchronousTestCase):
    def test_cards(self) -> None:
        """Any reference to a card stands for it, when ALSA is meant."""
        for device in ("hw:2,0", "hw:CARD=XUSB,DEV=0", "plughw:XUSB"):
            self.assertIs(interface_of(device, "alsa", KNOWN), CARD)
            self.assertIs(interface_of(device, None, KNOWN), CARD)
            self.assertIsNone(interface_of(device, "pipewire", KNOWN))
        self.assertIsNone(interface_of("hw:3,0", "alsa", KNOWN))
        self.assertIsNone(interface_of("default", "alsa", KNOWN))

    def test_sources(self) -> None:
        """A source of a sound server stands for itself, when that server is meant."""
        self.assertIs(interface_of("mic", "pipewire", KNOWN), MIC)
        self.assertIs(interface_of("mic", None, KNOWN), MIC)
        self.assertIsNone(interface_of("mic", "jack", KNOWN))
        self.assertIsNone(interface_of("mic", "alsa", KNOWN))
        self.assertIsNone(interface_of("X-USB", "alsa", KNOWN))


class DirectoryTests(SynchronousTestCase):
    def test_ids(self) -> None:
        """Our inputs have the controller's ids, as soon as it has said them."""
        self.assertEqual([BOTH.id_of(CARD), BOTH.id_of(MIC)], ["uuid-1", "uuid-2"])
        self.assertIsNone(Directory().id_of(CARD))

    def test_without_reference(self) -> None:
        """A controller that was told no reference knows the name."""
        bare = attrs.evolve(MIC, system_ref=None)
        self.assertEqual(
            Directory([attrs.evolve(THEIR_MIC, system_ref="mic")]).id_of(bare), "uuid-2"
        )

    def test_ours(self) -> None:
        """Both the controller's ids and ours stand for an input that is there."""
        for id_ in ("uuid-1", CARD.id):
            self.assertIs(BOTH.ours(id_, KNOWN), CARD)
        self.assertIsNone(BOTH.ours("uuid-1", (MIC,)))
        self.assertIsNone(BOTH.ours("uuid-9", KNOWN))
        self.assertIsNone(BOTH.ours(None, KNOWN))


class IsDeviceTests(SynchronousTestCase):
    def test_by_device(self) -> None:
        """An id stands for a job's device under any of its names."""
        for id_ in ("uuid-1", CARD.id, "hw:2,0"):
            self.assertTrue(BOTH.is_device(id_, None, "hw:2,0", KNOWN), id_)
        self.assertTrue(BOTH.is_device("uuid-2", None, "mic", KNOWN))
        self.assertFalse(BOTH.is_device("uuid-2", None, "hw:2,0", KNOWN))
        self.assertFalse(BOTH.is_device("uuid-9", None, "hw:2,0", KNOWN))

    def test_by_interface(self) -> None:
        """The job's own id counts more than its device."""
        self.assertTrue(BOTH.is_device("uuid-1", "uuid-1", "default", ()))
        self.assertTrue(BOTH.is_device(CARD.id, "uuid-1", "default", KNOWN))
        self.assertFalse(BOTH.is_device("uuid-2", "uuid-1", "mic", KNOWN))

    def test_not_there(self) -> None:
        """What the controller says of an input that is not there now holds."""
        self.assertTrue(BOTH.is_device("uuid-1", None, "hw:CARD=XUSB,DEV=0", ()))
        self.assertFalse(BOTH.is_device("uuid-1", "uuid-9", "hw:CARD=XUSB,DEV=0", ()))
        self.assertFalse(BOTH.is_device("uuid-1", None, "hw:CARD=YUSB,DEV=0", ()))
