"""A recording goes on with the very same card, or waits for it."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface, Inventory
from rakkr.inventory.reference import parse_reference
from rakkr.inventory.stable import DeviceIdentity, Found, device_for, identity_of, refreshed

PORT_2 = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0"
PORT_3 = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0"


def card(
    number: int,
    card_id: str | None,
    *,
    port: str | None = PORT_2,
    serial: str | None = None,
    name: str = "USB Audio Device USB Audio",
    device: int = 0,
) -> AudioInterface:
    """One capture device as the inventory describes it."""
    path = f"/proc/asound/card{number}/pcm{device}c"
    if port is not None:
        path = f"{port}/sound/card{number}/pcmC{number}D{device}c"
    reference = f"hw:{number},{device}"
    return AudioInterface(
        id=f"alsa_card_{(card_id or str(number)).lower()}_dev_{device}",
        backend="alsa",
        system_name=name,
        system_ref=reference if card_id is None else f"hw:CARD={card_id},DEV={device}",
        hardware_path=path,
        serial_number=serial or "0000:00:14.0",
        card=number,
        card_id=card_id,
        device=device,
        own_serial=serial,
    )


def known(device: str, *cards: AudioInterface) -> DeviceIdentity:
    """What is noted of a device while it is there."""
    identity = identity_of(device, cards)
    assert identity is not None
    return identity


def now(identity: DeviceIdentity | None, device: str, *cards: AudioInterface) -> str | None:
    """The reference to open with these cards."""
    found = device_for(identity, device, Inventory(cards, probe_ok=True))
    if (found.device is None) != (found.absent is not None):
        raise AssertionError(found)
    return found.device


class IdentityTests(SynchronousTestCase):
    def test_facts(self) -> None:
        """An identity has everything but the card's number, in its reference and in its path."""
        expected = DeviceIdentity(
            name="USB Audio Device USB Audio",
            device=0,
            card_id="Device",
            serial="A1",
            hardware_path=PORT_2,
        )
        for device in ("hw:2,0", "hw:2", "plughw:Device", "hw:CARD=Device,DEV=0"):
            self.assertEqual(identity_of(device, [card(2, "Device", serial="A1")]), expected)

    def test_no_identity(self) -> None:
        """A name of the sound system's, and a card that is not there, have none."""
        for device in ("default", "tone", "alsa_input.usb-x", "hw:3,0", "hw:2,1", "hw:Other"):
            self.assertIsNone(identity_of(device, [card(2, "Device")]), device)

    def test_other_backends(self) -> None:
        """An input that ALSA does not open is not meant by ALSA's references."""
        other = attrs.evolve(card(2, "Device"), backend="pipewire")
        self.assertIsNone(identity_of("hw:2,0", [other]))

    def test_a_shared_serial_number_is_none(self) -> None:
        """Cheap cards all have the same serial number, which then tells nothing."""
        twins = card(1, "Device", serial="1"), card(2, "Device_1", serial="1", port=PORT_3)
        self.assertIsNone(known("hw:1,0", *twins).serial)
        self.assertEqual(known("hw:1,0", twins[0]).serial, "1")

    def test_other_devices_of_the_card(self) -> None:
        """A second device of the same card shares its serial number and path, and is no twin."""
        identity = known("hw:1,1", card(1, "D", serial="1"), card(1, "D", serial="1", device=1))
        self.assertEqual((identity.serial, identity.alone, identity.device), ("1", True, 1))

    def test_nowhere(self) -> None:
        """A simulated card has no place that could tell it from others."""
        for path in ("/proc/asound/card1/pcm0c", "/sys/devices/virtual/sound/card1/pcmC1D0c", None):
            simulated = attrs.evolve(card(1, "Sim"), hardware_path=path)
            self.assertIsNone(known("hw:1,0", simulated).hardware_path)

    def test_json(self) -> None:
        """An identity survives a journal, also one of a later version."""
        identity = known("hw:1,0", card(1, "Device", serial="A1"))
        read = json.loads(json.dumps({**identity.as_dict(), "later": 1}))
        self.assertEqual(DeviceIdentity.from_dict(read), identity)
        self.assertRaises(ValueError, DeviceIdentity.from_dict, {"card_id": "Device"})


class SameCardTests(SynchronousTestCase):
    """The card that was there comes back, whatever it is called then."""

    def test_nothing_changed(self) -> None:
        """The reference stays as it was asked for, in whatever form."""
        cards = [card(2, "Device", serial="A1")]
        for device in ("hw:2,0", "hw:2", "plughw:Device,0", "hw:CARD=Device,DEV=0"):
            self.assertEqual(now(known(device, *cards), device, *cards), device)

    def test_another_number(self) -> None:
        """A reference by number follows the card by its name; one that converts still does."""
        for serial in (None, "A1"):
            before, after = card(2, "Device", serial=serial), card(3, "Device", serial=serial)
            for asked, found in {
                "hw:2,0": "hw:CARD=Device,DEV=0",
                "plughw:2": "plughw:CARD=Device,DEV=0",
                "hw:Device": "hw:Device",
                "plughw:CARD=Device,DEV=0": "plughw:CARD=Device,DEV=0",
            }.items():
                self.assertEqual(now(known(asked, before), asked, after), found)

    def test_another_name(self) -> None:
        """A card that comes back under another name is found by its serial number or its place."""
        for serial in (None, "A1"):
            identity = known("hw:Device", card(2, "Device", serial=serial))
            back = card(3, "Device_1", serial=serial)
            self.assertEqual(now(identity, "hw:Device", back), "hw:CARD=Device_1,DEV=0")

    def test_another_port(self) -> None:
        """A card with a serial number is the same in any port, under any name."""
        identity = known("hw:2,0", card(2, "Device", serial="A1"))
        back = card(1, "Device_1", serial="A1", port=PORT_3)
        self.assertEqual(now(identity, "hw:2,0", back), "hw:CARD=Device_1,DEV=0")

    def test_numbers_only(self) -> None:
        """Where the system knows no names of cards the new number is taken."""
        identity = known("plughw:2,0,1", card(2, None, serial="A1"))
        self.assertEqual(now(identity, "plughw:2,0,1", card(4, None, serial="A1")), "plughw:4,0,1")

    def test_a_serial_number_that_cannot_be_read_now(self) -> None:
        """In its own place, with its own name, a card needs no serial number to be known again."""
        with_serial, without = card(2, "Device", serial="A1"), card(3, "Device")
        for before, after in ((with_serial, without), (without, with_serial)):
            asked = f"hw:{before.card},0"
            self.assertIsNotNone(now(known(asked, before), asked, after))

    def test_moved_without_serial_number(self) -> None:
        """A card without one that was moved is accepted when nothing speaks for another."""
        identity = known("hw:2,0", card(2, "Device"))
        moved = card(2, "Device", port=PORT_3)
        self.assertEqual(now(identity, "hw:2,0", moved), "hw:2,0")
        stranger = card(1, "PCH", name="HDA Intel", port=PORT_2)
        self.assertEqual(now(identity, "hw:2,0", moved, stranger), "hw:2,0")

    def test_twins_by_place(self) -> None:
        """Two identical cards without serial number that swapped their names are told apart."""
        left, right = card(1, "Device"), card(2, "Device_1", port=PORT_3)
        swapped = card(2, "Device_1"), card(1, "Device", port=PORT_3)
        identity = known("hw:Device", left, right)
        self.assertEqual(now(identity, "hw:Device", *swapped), "hw:CARD=Device_1,DEV=0")
        other = known("hw:Device_1", left, right)
        self.assertEqual(now(other, "hw:Device_1", *swapped), "hw:CARD=Device,DEV=0")

    def test_clones_by_place(self) -> None:
        """A clone with the same serial number that came later does not hide the card."""
        identity = known("hw:1,0", card(1, "Device", serial="1"))
        clone = card(2, "Device_1", serial="1", port=PORT_3)
        self.assertEqual(now(identity, "hw:1,0", clone, card(1, "Device", serial="1")), "hw:1,0")

    def test_simulated(self) -> None:
        """A card without a place is known by its name alone."""
        before = card(0, "Sim8", port=None), card(1, "Sim2", port=None)
        identity = known("hw:0,0", *before)
        after = card(0, "Sim2", port=None), card(1, "Sim8", port=None)
        self.assertEqual(now(identity, "hw:0,0", *after), "hw:CARD=Sim8,DEV=0")

    def test_nothing_known(self) -> None:
        """A device without an identity is opened as it was asked for."""
        self.assertEqual(now(None, "hw:2,0"), "hw:2,0")
        self.assertEqual(now(None, "default"), "default")


class OtherCardTests(SynchronousTestCase):
    """No other card is ever used in its place."""

    def absent(self, identity: DeviceIdentity, device: str, *cards: AudioInterface) -> str:
        """The sentence that says why the recording waits."""
        found = device_for(identity, device, Inventory(cards, probe_ok=True))
        assert found.device is None
        assert found.absent is not None
        return found.absent

    def test_gone(self) -> None:
        """A card that is not there is named as it was, with its serial number or its place."""
        sentence = self.absent(known("hw:2,0", card(2, "D", serial="A1")), "hw:2,0")
        expected = "hw:2,0 (USB Audio Device USB Audio, serial number A1) is not there"
        self.assertEqual(sentence, expected)
        self.assertIn(PORT_2, self.absent(known("hw:2,0", card(2, "D")), "hw:2,0"))

    def test_another_card_under_its_reference(self) -> None:
        """Number and name of another card are not enough, and the sentence names that card."""
        identity = known("hw:2,0", card(2, "Device", serial="A1"))
        for other in (
            card(2, "Device", serial="B2"),
            card(2, "Device", serial="B2", port=PORT_3),
            card(2, "Device", port=PORT_3),
            card(2, "Other", name="Other", port=PORT_2),
        ):
            for device in ("hw:2,0", "hw:CARD=Device,DEV=0"):
                self.absent(identity, device, other)
            self.assertIn(
                f"another card or cannot be told from one: {other.system_name}",
                self.absent(identity, "hw:2,0", other),
            )

    def test_another_kind_of_card_with_its_serial_number(self) -> None:
        """Serial numbers of different makers may be equal: the name has to be the same too."""
        identity = known("hw:2,0", card(2, "Device", serial="1"))
        other = card(2, "Other", serial="1", name="Other", port=PORT_3)
        self.absent(identity, "hw:2,0", other)

    def test_another_kind_of_card_in_its_port(self) -> None:
        """What is plugged in where the card was is not the card if it is called otherwise."""
        identity = known("hw:2,0", card(2, "Device"))
        self.absent(identity, "hw:2,0", card(2, "Device", name="Other"))

    def test_another_device_of_the_card(self) -> None:
        """A card that comes back with its second device only is not there yet."""
        identity = known("hw:2,0", card(2, "D", serial="A1"), card(2, "D", serial="A1", device=1))
        self.absent(identity, "hw:2,0", card(2, "D", serial="A1", device=1))

    def test_moved_and_not_sure(self) -> None:
        """Without serial number, in another port, anything that speaks for another card counts."""
        alone, twin = card(1, "Device"), card(2, "Device_1", port=PORT_3)
        identity = known("hw:Device", alone)
        # Another name now.
        self.absent(identity, "hw:Device", card(1, "Device_1", port=PORT_3))
        # Two of them now.
        port_4 = PORT_3.replace("1-3", "1-4")
        both = card(1, "Device", port=PORT_3), card(2, "Device_1", port=port_4)
        self.absent(identity, "hw:Device", *both)
        # A serial number now.
        self.absent(identity, "hw:Device", card(1, "Device", port=PORT_3, serial="B2"))
        # There was a twin, which now has the name.
        beside = known("hw:Device", alone, twin)
        self.absent(beside, "hw:Device", card(1, "Device", port=PORT_3))

    def test_clones_and_not_sure(self) -> None:
        """Of two cards with its serial number, neither in its place, none is taken."""
        identity = known("hw:1,0", card(1, "Device", serial="1"))
        clones = (
            card(1, "Device", serial="1", port=PORT_3),
            card(2, "Device_1", serial="1", port=PORT_3.replace("1-3", "1-4")),
        )
        self.absent(identity, "hw:1,0", *clones)

    def test_a_real_card_for_a_simulated_one(self) -> None:
        """Two cards of one name without a place cannot be told apart when the names are gone."""
        identity = known("hw:0,0", card(0, None, port=None))
        self.absent(identity, "hw:0,0", card(1, None, port=None), card(0, None, port=None))

    @given(
        st.lists(
            st.builds(
                card,
                st.integers(0, 5),
                st.none(),
                port=st.sampled_from([PORT_2, PORT_3, None]),
                serial=st.sampled_from(["A1", "B2", None]),
                name=st.sampled_from(["Desk", "Booth"]),
                device=st.integers(0, 1),
            ),
            unique_by=lambda each: (each.card, each.device),
            max_size=6,
        ),
        st.booleans(),
    )
    def test_never_another_serial_number(self, cards: list[AudioInterface], named: bool) -> None:
        """Whatever is plugged in, a card with another serial number is never opened."""
        if named:
            cards = [attrs.evolve(each, card_id=f"D{each.card}") for each in cards]
        identity = known("hw:2,0", card(2, "D2", serial="A1", name="Desk"))
        device = now(identity, "hw:2,0", *cards)
        if device is not None:
            reference = parse_reference(device)
            assert reference is not None
            (opened,) = [each for each in cards if reference.means(each)]
            self.assertEqual(opened.device, 0)
            self.assertIn(opened.own_serial, {"A1", None})


class UnknownTests(SynchronousTestCase):
    """The inputs cannot be looked for."""

    def found(self, device: str, *cards: AudioInterface) -> Found:
        """The answer when it was known before, and nothing is now."""
        failed = Inventory((), probe_ok=False, reason="arecord -l failed")
        return device_for(known(device, *cards), device, failed)

    def test_by_name(self) -> None:
        """A reference by name is tried as it is."""
        for device in ("hw:CARD=Device,DEV=0", "plughw:Device"):
            self.assertEqual(self.found(device, card(2, "Device")), Found(device))

    def test_by_number(self) -> None:
        """A reference by number waits, and the sentence says why nothing is known."""
        found = self.found("hw:2,0", card(2, "Device"))
        self.assertIsNone(found.device)
        self.assertIn("unknown: arecord -l failed", found.absent or "")

    def test_twins(self) -> None:
        """A name that a twin may have got meanwhile waits too."""
        twins = card(1, "Device"), card(2, "Device_1", port=PORT_3)
        self.assertIsNone(self.found("hw:Device", *twins).device)


class RefreshedTests(SynchronousTestCase):
    """The job's interface has another reference now."""

    CARDS = (card(2, "SMOKE", name="Smoke"), card(3, None, name="Bare"))
    ID = "alsa_card_smoke_dev_0"

    def refreshed(self, device: str, interface_id: Any = ID) -> str | None:
        """The reference with those cards."""
        return refreshed(device, interface_id, self.CARDS)

    def test_another_reference(self) -> None:
        """The reference of the inventory replaces any other; the contract's example."""
        for device in ("hw:2,0", "hw:CARD=Old,DEV=0", "hw:SMOKE,1", "default"):
            self.assertEqual(self.refreshed(device), "hw:CARD=SMOKE,DEV=0", device)
        self.assertEqual(self.refreshed("hw:1,0", "alsa_card_3_dev_0"), "hw:3,0")

    def test_conversion_stays(self) -> None:
        """A device that converts goes on converting."""
        self.assertEqual(self.refreshed("plughw:2,0"), "plughw:CARD=SMOKE,DEV=0")

    def test_the_same_reference(self) -> None:
        """A reference that says the same in other words is left alone."""
        for device in ("hw:CARD=SMOKE,DEV=0", "hw:SMOKE", "plughw:SMOKE,0", "alsa:hw:SMOKE"):
            self.assertIsNone(self.refreshed(device), device)

    def test_unknown_interfaces(self) -> None:
        """An id of the controller's own, none at all, and one without reference say nothing."""
        for interface_id in (None, "", "7c0f7a34-9d7e-4f43-b6c8-0d6f2f4f3a11"):
            self.assertIsNone(self.refreshed("hw:2,0", interface_id))
        for reference in (None, "alsa_input.usb"):
            odd = attrs.evolve(self.CARDS[0], system_ref=reference)
            self.assertIsNone(refreshed("hw:2,0", self.ID, [odd]))
