"""How ALSA programs are told which card to open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from rakkr.inventory.interface import AudioInterface
from rakkr.inventory.reference import CardReference, parse_reference

DESK = AudioInterface(id="i", backend="alsa", system_name="Desk", card=2, card_id="Desk", device=1)


class ParseTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """All documented forms are taken apart, with or without the device's number."""
        forms = {
            "hw:CARD=Desk,DEV=1": CardReference("hw", "Desk", 1, None),
            "hw:card=Desk,device=1": CardReference("hw", "Desk", 1, None),
            "hw:DEV=1,CARD=Desk": CardReference("hw", "Desk", 1, None),
            "hw:CARD=Desk": CardReference("hw", "Desk", 0, None),
            "hw:Desk,1": CardReference("hw", "Desk", 1, None),
            "hw:Desk": CardReference("hw", "Desk", 0, None),
            "hw:2,1": CardReference("hw", "2", 1, None),
            "hw:2,1,3": CardReference("hw", "2", 1, "3"),
            "hw:CARD=2,DEV=1,SUBDEV=3": CardReference("hw", "2", 1, "3"),
            " plughw:2 ": CardReference("plughw", "2", 0, None),
            "alsa:hw:2,1": CardReference("hw", "2", 1, None),
        }
        self.assertEqual({text: parse_reference(text) for text in forms}, forms)

    def test_other_names(self) -> None:
        """A name that means no card, or no number, is none."""
        for text in (
            *("", "default", "tone:440", "sysdefault:CARD=Desk", "alsa_input.usb-x", "hw", "hw:"),
            *("hw:,1", "hw:2,x", "hw:2,", "hw:CARD=,DEV=0", "hw:2,\N{ARABIC-INDIC DIGIT ONE}"),
            "hw:2,123456",
        ):
            self.assertIsNone(parse_reference(text), text)

    def test_numbers(self) -> None:
        """A card that is called by digits is called by its number, if a card can have it."""
        for card, by_number in (("2", True), ("99999", True), ("100000", False), ("2x", False)):
            reference = parse_reference(f"hw:{card}")
            assert reference is not None
            self.assertEqual(reference.by_number, by_number)

    @given(st.text() | st.text("hwplug:=,0123CARDEVSUB").map("hw:{}".format))
    def test_any_text(self, text: str) -> None:
        """No text makes it fail, and what it finds can be asked whether it means a card."""
        reference = parse_reference(text)
        if reference is not None:
            self.assertIsInstance(reference.means(DESK), bool)


class MeaningTests(SynchronousTestCase):
    def test_means(self) -> None:
        """A reference means the card that ALSA would open, and no other."""
        for text, meant in {
            "hw:2,1": True,
            "plughw:Desk,1": True,
            "hw:CARD=2,DEV=1": True,
            "hw:2,0": False,
            "hw:1,1": False,
            "hw:desk,1": False,
        }.items():
            reference = parse_reference(text)
            assert reference is not None
            self.assertEqual(reference.means(DESK), meant, text)

    def test_to(self) -> None:
        """A reference to another card is by name where it has one; plug and subdevice stay."""
        bare = AudioInterface(id="i", backend="alsa", system_name="x", card=7, device=0)
        for text, to_desk, to_bare in (
            ("hw:0,0", "hw:CARD=Desk,DEV=1", "hw:7,0"),
            ("plughw:0,0,3", "plughw:CARD=Desk,DEV=1,SUBDEV=3", "plughw:7,0,3"),
        ):
            reference = parse_reference(text)
            assert reference is not None
            self.assertEqual((reference.to(DESK), reference.to(bare)), (to_desk, to_bare))
